-- depends_on: {{ ref('sqlscore_events') }}
SELECT * FROM {{ adapter.quote(sqlscore.schema()) }}.sessions_with(gap := INTERVAL '{{ var("sqlscore_session_gap") }}')
