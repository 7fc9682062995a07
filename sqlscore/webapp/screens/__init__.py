"""The pages, one a file: each shows tables and charts of queries that other modules write."""
