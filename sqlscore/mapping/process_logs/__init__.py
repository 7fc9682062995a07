"""Process logs, XES and OCEL: read piece by piece into one table of the database."""
