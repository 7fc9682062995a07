CREATE OR REPLACE MACRO sqlscore.lint(query) AS TABLE
WITH
findings AS (
    SELECT UNNEST(open_this_file_with_sqlscore_connect__lint(query)) AS finding
),
final AS (
    SELECT
        f.finding.rule AS rule,
        f.finding.severity AS severity,
        f.finding.place AS place,
        f.finding.line AS line,
        f.finding.column_name AS column_name,
        f.finding.message AS message,
        f.finding.construct AS construct
    FROM findings AS f
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.lint IS
'Where a query or a view shows what came after the moment that it speaks of, one row per finding. Parameter query: a SELECT, or the name of a view. Columns: rule; severity (error or warning); place (text and line); line; column_name (of the result, NULL if it is about rows); message (what is wrong, and what to write instead); construct (the SQL).';
