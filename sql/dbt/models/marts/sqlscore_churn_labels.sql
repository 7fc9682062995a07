-- depends_on: {{ ref('sqlscore_events') }}
SELECT *
FROM {{ adapter.quote(sqlscore.schema()) }}.churn_labels_inactivity(
    horizon := {{ sqlscore.horizon() }}, lookback := INTERVAL '{{ var("sqlscore_lookback") }}'
)
