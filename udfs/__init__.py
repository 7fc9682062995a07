"""The functions behind the SQL functions: Arrow in, Arrow out, no database."""
