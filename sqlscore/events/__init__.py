"""Rows of a mapped table, in any form -> sequences: one user each, in order of time. No torch, no DuckDB."""
