with past as (select user_id, count(*) as n from {{ ref('stg_events') }} where occurred_at <= timestamp '{{ var("cutoff") }}' + interval '7 days' group by user_id),
future as (select distinct user_id from {{ ref('stg_events') }} where occurred_at > timestamp '{{ var("cutoff") }}')
select past.user_id, past.n, future.user_id is null as churned from past left join future using (user_id)
