{% macro up_to(column, moment) %}{{ column }} <= {{ moment }}{% endmacro %}
{% macro count_by(types) %}{% for t in types %}COUNT(*) FILTER (WHERE event_type = '{{ t }}') AS n_{{ t }}{% if not loop.last %}, {% endif %}{% endfor %}{% endmacro %}
