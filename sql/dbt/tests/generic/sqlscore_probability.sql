{% test sqlscore_probability(model, column_name) %}
SELECT * FROM {{ model }} WHERE {{ column_name }} < 0 OR {{ column_name }} > 1 OR isnan({{ column_name }})
{% endtest %}
