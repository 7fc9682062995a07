CREATE OR REPLACE MACRO sqlscore.unknown_rate(model, period := 'day') AS TABLE
WITH
vocabulary AS (
    SELECT CAST(m.manifest -> '$.inputs.actions' AS VARCHAR[]) AS actions
    FROM sqlscore.models AS m
    WHERE CONCAT(m.name, '@', m.version) = model
),
counts AS (
    SELECT DATE_TRUNC(period, e.event_time) AS period_start, e.event_type, COUNT(*) AS n_events
    FROM sqlscore.events AS e
    GROUP BY 1, 2
),
marked_counts AS (
    SELECT c.*, NOT LIST_CONTAINS(v.actions, c.event_type) AS is_unknown
    FROM counts AS c
    CROSS JOIN vocabulary AS v
),
final AS (
    SELECT
        m.period_start,
        CAST(SUM(m.n_events) AS BIGINT) AS n_events,
        CAST(COALESCE(SUM(m.n_events) FILTER (WHERE m.is_unknown), 0) AS BIGINT) AS n_unknown,
        COALESCE(SUM(m.n_events) FILTER (WHERE m.is_unknown), 0) / CAST(SUM(m.n_events) AS DOUBLE) AS unknown_rate,
        LIST(m.event_type ORDER BY m.n_events DESC, m.event_type) FILTER (WHERE m.is_unknown) AS unknown_actions
    FROM marked_counts AS m
    GROUP BY m.period_start
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.unknown_rate IS
'How many events have an action that a model never saw, one row per period; no rows if there is no such model. Parameters: model (name@version); period (''day'' (default), ''week'', ''month'', ...). Columns: period_start; n_events; n_unknown (events whose action the model never saw); unknown_rate; unknown_actions (most frequent first).';
