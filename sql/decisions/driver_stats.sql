CREATE OR REPLACE MACRO sqlscore.driver_stats(
    horizon := INTERVAL 30 DAY, lookback := INTERVAL 90 DAY, gap := INTERVAL 30 MINUTE,
    ordered := 'sqlscore.ordered_events'
) AS TABLE
WITH
signs AS (
    SELECT s.user_id, s.signs
    FROM sqlscore.user_signs(back := horizon, horizon := horizon, lookback := lookback, gap := gap, ordered := ordered) AS s
),
labelled AS (
    SELECT s.signs, l.churned
    FROM sqlscore.churn_labels_inactivity(horizon := horizon, lookback := lookback) AS l
    INNER JOIN signs AS s ON s.user_id = l.user_id
    WHERE l.churned IS NOT NULL
),
marked AS (
    SELECT UNNEST(l.signs) AS driver, l.churned FROM labelled AS l
),
counts AS (
    SELECT m.driver, COUNT(*) AS n_users, COUNT(*) FILTER (WHERE m.churned) AS n_churned
    FROM marked AS m
    GROUP BY m.driver
),
totals AS (
    SELECT COUNT(*) AS n_users, COUNT(*) FILTER (WHERE l.churned) AS n_churned FROM labelled AS l
),
-- Intervals of shares by Wilson (1927), 95 %.
final AS (
    SELECT
        c.driver,
        c.n_users,
        c.n_users / CAST(t.n_users AS DOUBLE) AS support,
        c.n_churned / CAST(c.n_users AS DOUBLE) AS churn_rate,
        (
            c.n_churned + 1.920729
            - 1.959964 * SQRT(c.n_churned * (c.n_users - c.n_churned) / CAST(c.n_users AS DOUBLE) + 0.960365)
        ) / (c.n_users + 3.841459) AS rate_low,
        (
            c.n_churned + 1.920729
            + 1.959964 * SQRT(c.n_churned * (c.n_users - c.n_churned) / CAST(c.n_users AS DOUBLE) + 0.960365)
        ) / (c.n_users + 3.841459) AS rate_high,
        t.n_churned / CAST(t.n_users AS DOUBLE) AS churn_rate_of_all
    FROM counts AS c
    CROSS JOIN totals AS t
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.driver_stats IS
'How many of the users who had a sign a horizon ago have left since, one row per sign. Parameters: horizon (30 days: how far ahead a user who does not come counts as lost), lookback (90 days: only users seen within it have a label) and gap (30 minutes: the longest silence within a visit); ordered (the name of the view ordered_events, or of a relation with its columns; a table of it saves sorting the events). Columns: driver (a sign of user_signs); n_users (labelled users who had it then); support (their share of the labelled users); churn_rate (share of them who left); rate_low, rate_high (95 % interval); churn_rate_of_all (of all labelled users). Associations, not causes. Months in horizon, lookback and gap are the calendar''s.';
