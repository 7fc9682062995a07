select e.user_id, e.occurred_at, p.plan from {{ ref('stg_events') }} e
left join {{ source('shop', 'plans') }} p on p.user_id = e.user_id and e.occurred_at >= p.valid_from and (e.occurred_at < p.valid_to or p.valid_to is null)
