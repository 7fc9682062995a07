"""What is in the user's table: roles of columns, their types and levels, a profile of the events."""
