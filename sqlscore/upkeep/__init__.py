"""A database file kept whole and small: what is damaged is mended, what is old is thrown away."""
