"""Copies of score tables for other programs: PostgreSQL, a snapshot file, Parquet."""
