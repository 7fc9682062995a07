"""The leakage linter: what a query says of a moment may rest on nothing that came later."""
