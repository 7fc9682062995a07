"""Sequences -> batch -> states -> scores: score = head(encode(events)). No DuckDB."""
