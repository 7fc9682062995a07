-- How old what you see is: one number for the corner of the dashboard. Tables that are counted from the events, not scored,
-- have no model and no as_of: published_at says how old they are.
SELECT
    table_name,
    n_rows,
    coalesce(model, 'from events') AS model,
    as_of,
    published_at,
    (now() AT TIME ZONE 'UTC') - published_at AS age
FROM sqlscore.publications
ORDER BY published_at, table_name;
