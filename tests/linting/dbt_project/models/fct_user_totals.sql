select user_id, count(*) as n_events, sum(price) as total_spend from {{ ref('stg_events') }} group by 1
