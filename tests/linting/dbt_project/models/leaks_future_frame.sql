{{ config(materialized='incremental', unique_key='user_id') }}
select user_id, occurred_at, lead(price) over (partition by user_id order by occurred_at) as price_then
from {{ ref('stg_events') }}
{% if is_incremental() %} where occurred_at > (select max(occurred_at) from {{ this }}) {% endif %}
