{%- set windows = [7, 28, 90] -%}
select l.user_id, l.as_of
{%- for d in windows %}
    , count(case when e.occurred_at > l.as_of - interval '{{ d }} days' then 1 end) as n_{{ d }}d
{%- endfor %}
from {{ source('shop', 'labels') }} l
left join {{ ref('stg_events') }} e on e.user_id = l.user_id and {{ up_to('e.occurred_at', 'l.as_of') }}
group by 1, 2
