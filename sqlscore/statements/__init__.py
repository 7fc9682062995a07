"""Which SQL of other people may run: statements, and conditions inside statements of our own."""
