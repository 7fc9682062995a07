{%- if var('sqlscore_events_model', '') %}
-- depends_on: {{ ref(var('sqlscore_events_model')) }}
{%- endif %}
{{ sqlscore.require_events() }}
SELECT * FROM {{ source('sqlscore', 'events') }}
