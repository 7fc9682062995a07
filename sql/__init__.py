"""Tables, views and macros, one object a `.sql` file, ordered by subject."""
