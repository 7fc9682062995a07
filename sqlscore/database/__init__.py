"""The database file: objects in it, macros, registry, catalog, scans and transactions."""
