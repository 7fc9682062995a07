{{ config(materialized='view') }}
with source as (select * from {{ source('shop', 'events') }}),
renamed as (select user_id, event_time as occurred_at, event_type as action, price, channel from source)
select * from renamed
