{#- For on-run-end: the run fails if the SQL of a model that it built shows what came after the moment that it speaks of. -#}
{%- macro lint_models(results, allow=[]) -%}
    {%- if execute -%}
        {%- set errors = [] -%}
        {%- for result in results if result.node.resource_type == 'model' and result.node.package_name != 'sqlscore' -%}
            {%- set text = (result.node.compiled_code or '') | replace("'", "''") -%}
            {%- set query = "SELECT rule, severity, line, coalesce(column_name, ''), message FROM sqlscore.lint('" ~ text ~ "')" -%}
            {%- for row in run_query(query).rows if text and row[0] not in allow -%}
                {%- set column = ' column "' ~ row[3] ~ '":' if row[3] else '' -%}
                {%- set said = result.node.name ~ ', line ' ~ row[2] ~ ':' ~ column ~ ' ' ~ row[4] ~ ' [' ~ row[0] ~ ']' -%}
                {%- if row[1] == 'error' -%}
                    {%- do errors.append(said) -%}
                {%- else -%}
                    {%- do exceptions.warn(said) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- if errors -%}
            {%- do exceptions.raise_compiler_error('models show what came after the moment that they speak of:\n' ~ errors | join('\n')) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro -%}
