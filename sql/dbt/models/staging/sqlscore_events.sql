{%- if var('sqlscore_events_model', '') %}
-- depends_on: {{ ref(var('sqlscore_events_model')) }}
{%- endif %}
{{ sqlscore.require_events() }}
{{ sqlscore.judge() }}
{#- Without what the newest event of a group changes in all its rows: they would look changed. #}
SELECT COLUMNS(lambda name: name <> 'group_high_water') FROM {{ source('sqlscore', 'events') }}
