select e.user_id, e.occurred_at, t.total_spend
from {{ ref('stg_events') }} e left join {{ ref('fct_user_totals') }} t using (user_id)
