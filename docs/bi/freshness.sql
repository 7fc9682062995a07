-- How old what you see is: one number for the corner of the dashboard.
SELECT table_name, n_rows, model, as_of, published_at, (now() AT TIME ZONE 'UTC') - published_at AS age
FROM sqlscore.publications
ORDER BY published_at, table_name;
