{#- Names that depend on the mapping, and the internal functions behind score_events: a user's state is encoded once
    and kept, the scores at any later moment are read off it. -#}

{%- macro mapping() -%}
    {{ return(var('sqlscore_mapping', 'events')) }}
{%- endmacro -%}

{%- macro schema() -%}
    {{ return('sqlscore' if sqlscore.mapping() == 'events' else 'sqlscore_' ~ sqlscore.mapping()) }}
{%- endmacro -%}

{%- macro encode(events) -%}
    open_this_file_with_sqlscore_connect__encode({{ events }}, NULL, '{{ sqlscore.mapping() }}')
{%- endmacro -%}

{%- macro score(state, as_of) -%}
    open_this_file_with_sqlscore_connect__score({{ state }}, {{ as_of }}, {{ as_of }}, '{{ sqlscore.mapping() }}')
{%- endmacro -%}

{#- Whether the mapping has groups, each of which ends at its own newest event. -#}
{%- macro in_groups() -%}
    {%- if execute -%}
        {%- set found = run_query(
            "SELECT count(*) FROM sqlscore.mappings WHERE name = '" ~ sqlscore.mapping() ~ "' AND mapping ->> 'group' IS NOT NULL"
        ) -%}
        {{ return(found.rows[0][0] > 0) }}
    {%- endif -%}
    {{ return(false) }}
{%- endmacro -%}

{#- The fields of a score as columns. -#}
{%- macro score_columns(score) -%}
    {%- set fields = [
        'n_events', 'last_event_time', 'next_action', 'next_action_probability', 'next_actions',
        'seconds_to_next_action', 'churn_risk', 'unknown_action_rate', 'model', 'as_of'
    ] -%}
    {%- for field in fields -%}
        {{ score }}.{{ field }} AS {{ field }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro -%}

{#- When this run began, UTC. -#}
{%- macro run_time() -%}
    TIMESTAMP '{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}'
{%- endmacro -%}

{#- The version that functions use when none is named, as SQL. -#}
{%- macro champion() -%}
    (SELECT a.name || '@' || a.version FROM sqlscore.aliases AS a
     WHERE a.mapping = '{{ sqlscore.mapping() }}' AND a.alias = 'champion')
{%- endmacro -%}

{#- Seconds since the last event in which a user is active, as SQL: the champion's lookback, infinity if its churn label
    has none, NULL if it predicts no churn. -#}
{%- macro active_within() -%}
    (SELECT CASE
        WHEN LIST_CONTAINS(CAST(m.manifest -> 'heads' AS VARCHAR[]), 'churn')
            THEN COALESCE(CAST(m.manifest ->> 'lookback_seconds' AS DOUBLE), CAST('infinity' AS DOUBLE))
    END FROM sqlscore.models AS m WHERE m.name || '@' || m.version = {{ sqlscore.champion() }})
{%- endmacro -%}

{#- The horizon of the labels as an INTERVAL: the variable, else what the champion predicts. -#}
{%- macro horizon() -%}
    {%- set asked = var('sqlscore_horizon', '') -%}
    {%- if asked -%}
        {{ return("INTERVAL '" ~ asked ~ "'") }}
    {%- endif -%}
    {%- set seconds = 30 * 86400 -%}
    {%- if execute -%}
        {%- set found = run_query(
            "SELECT CAST(m.manifest ->> 'horizon_seconds' AS DOUBLE) FROM sqlscore.models AS m WHERE m.name || '@' || m.version = "
            ~ sqlscore.champion()
        ) -%}
        {%- if found.rows and found.rows[0][0] -%}
            {%- set seconds = found.rows[0][0] -%}
        {%- endif -%}
    {%- endif -%}
    {{ return("to_seconds(" ~ seconds ~ ")") }}
{%- endmacro -%}

{#- Raise an error that says what to do if there is nothing to score, instead of building empty tables. -#}
{%- macro require_events() -%}
    {%- if execute -%}
        {%- set found = run_query("SELECT count(*) FROM sqlscore.mappings WHERE name = '" ~ sqlscore.mapping() ~ "'") -%}
        {%- if found.rows[0][0] == 0 -%}
            {{ exceptions.raise_compiler_error(
                'no events are mapped as "' ~ sqlscore.mapping() ~ '" in this file: run `sqlscore init DB --events TABLE`, '
                ~ 'or name the table in the config of the plugin in profiles.yml'
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro -%}

{#- Raise an error if a guard refuses the events, so that the old scores stay. With the states that were built from them,
    say in the log what the guards warn of and note, and keep the counts for the next build to compare with. -#}
{%- macro judge(states=none) -%}
    {%- if execute and flags.WHICH in ('run', 'build', 'retry') -%}
        {%- set accept = var('sqlscore_accept', false) | string | lower in ('true', '1', 'yes') -%}
        {%- set call = "open_this_file_with_sqlscore_connect__judge('" ~ sqlscore.mapping() ~ "', " ~ accept ~ ", " -%}
        {%- if states is none -%}
            {%- set found = run_query("SELECT " ~ call ~ "NULL)") -%}
        {%- else -%}
            {%- set found = run_query(
                "SELECT " ~ call ~ "CAST(scored AS VARCHAR)) FROM (SELECT JSON_OBJECT("
                ~ "'model', COALESCE(MAX(s.model), ''), 'n_users', COUNT(*), 'largest', MAX(s.state.n_events), "
                ~ "'n_events', COALESCE(SUM(s.state.n_events), 0), 'n_unknown', COALESCE(SUM(s.state.n_unknown), 0)) "
                ~ "AS scored FROM " ~ states ~ " AS s)"
            ) -%}
        {%- endif -%}
        {%- set said = fromjson(found.rows[0][0]) -%}
        {%- if said.refused -%}
            {{ exceptions.raise_compiler_error(said.refused) }}
        {%- endif -%}
        {%- if states is not none -%}
            {%- for what in said.warnings -%}
                {%- do exceptions.warn(sqlscore.mapping() ~ ': ' ~ what) -%}
            {%- endfor -%}
            {%- for what in said.notes -%}
                {%- do log(sqlscore.mapping() ~ ': ' ~ what, info=true) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro -%}
