"""What a query reads, and how late that may be: an interpretation of SQL over intervals of time."""
