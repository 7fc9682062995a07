{{ config(materialized='incremental') }}
select user_id, occurred_at, lag(price) over (partition by user_id order by occurred_at) as price_before, current_timestamp as loaded_at
from {{ ref('stg_events') }}
{% if is_incremental() %} where occurred_at > (select max(occurred_at) from {{ this }}) {% endif %}
