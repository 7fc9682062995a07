select e.user_id, e.occurred_at, d.plan from {{ ref('stg_events') }} as e inner join {{ source('shop', 'users') }} as d on d.user_id = e.user_id
