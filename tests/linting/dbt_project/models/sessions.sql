{% set gap = dbt_utils.generate_surrogate_key(['user_id']) if false else "interval '30 minutes'" %}
with gaps as (select *, occurred_at - lag(occurred_at) over (partition by user_id order by occurred_at) > {{ gap }} as is_new from {{ ref('stg_events') }})
select user_id, occurred_at, sum(coalesce(is_new, true)::int) over (partition by user_id order by occurred_at rows unbounded preceding) as session_no from gaps
