"""DuckDB's SQL as another engine's, where it means exactly the same; what does not is refused, with the reason."""
