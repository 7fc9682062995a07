with past as (select user_id, {{ shop.count_by(['view','cart','purchase']) }} from (select user_id, action as event_type, occurred_at from {{ ref('stg_events') }}) where {{ up_to('occurred_at', "timestamp '" ~ var('cutoff') ~ "'") }} group by user_id),
future as (select distinct user_id from {{ ref('stg_events') }} where occurred_at > timestamp '{{ var("cutoff") }}' and occurred_at <= timestamp '{{ var("cutoff") }}' + interval '{{ var("horizon_days") }} days')
select past.*, future.user_id is null as churned from past left join future using (user_id)
