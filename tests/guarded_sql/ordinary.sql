SELECT 1
SELECT 1;
SELECT 1 AS "test"
SELECT 'ok'
select version()
SELECT current_database(), current_schema()
SELECT current_catalog
SELECT CURRENT_TIMESTAMP
SELECT now() AT TIME ZONE 'UTC'
SELECT current_setting('TimeZone')
SELECT current_schemas(true)
SHOW TABLES
SHOW ALL TABLES
SHOW DATABASES
DESCRIBE events
DESCRIBE sqlscore.scored_users
DESCRIBE SELECT user_id FROM events
DESC events
SUMMARIZE events
SUMMARIZE SELECT churn_risk FROM sqlscore.scored_users
TABLE sqlscore.segment_summary
FROM sqlscore.segment_summary
FROM sqlscore.scored_users SELECT user_id LIMIT 5
VALUES (1, 'a'), (2, 'b')
EXPLAIN SELECT * FROM events
EXPLAIN ANALYZE SELECT count(*) FROM sqlscore.scored_users
SELECT catalog_name, schema_name FROM information_schema.schemata ORDER BY 1, 2
SELECT table_catalog, table_schema, table_name, table_type FROM information_schema.tables WHERE table_schema = 'sqlscore' ORDER BY table_name
SELECT column_name, data_type, is_nullable, ordinal_position FROM information_schema.columns WHERE table_name = 'scored_users' ORDER BY ordinal_position
SELECT * FROM information_schema.key_column_usage
SELECT * FROM information_schema.table_constraints
SELECT * FROM information_schema.referential_constraints
SELECT * FROM information_schema.character_sets
SELECT n.nspname FROM pg_catalog.pg_namespace n WHERE n.nspname !~ '^pg_' ORDER BY n.nspname
SELECT c.oid, c.relname, c.relkind FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE pg_catalog.pg_table_is_visible(c.oid) AND c.relkind IN ('r', 'v', 'm')
SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attnum FROM pg_catalog.pg_attribute a WHERE a.attnum > 0 ORDER BY a.attnum
SELECT typname, oid FROM pg_catalog.pg_type WHERE typname IN ('hstore', 'citext')
SELECT pg_get_viewdef(c.oid) FROM pg_catalog.pg_class c WHERE c.relkind = 'v'
SELECT * FROM pg_catalog.pg_proc LIMIT 1
SELECT * FROM pg_catalog.pg_description LIMIT 1
SELECT * FROM pg_catalog.pg_constraint LIMIT 1
SELECT obj_description(c.oid, 'pg_class') FROM pg_catalog.pg_class c LIMIT 1
SELECT has_schema_privilege('sqlscore', 'USAGE')
SELECT has_table_privilege('events', 'SELECT')
SELECT name FROM sqlite_master WHERE type = 'table'
SELECT * FROM duckdb_tables()
SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal
SELECT table_name, column_name, data_type, comment FROM duckdb_columns() WHERE NOT internal
SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_name LIKE '%churn%'
SELECT database_name FROM duckdb_databases()
SELECT * FROM duckdb_constraints()
SELECT * FROM duckdb_indexes()
SELECT * FROM duckdb_types()
SELECT * FROM pragma_table_info('events')
SELECT * FROM pragma_version()
SELECT * FROM "main"."events" LIMIT 10
SELECT * FROM "sqlscore"."scored_users" LIMIT 200 OFFSET 0
SELECT "sqlscore"."scored_users"."user_id" AS "user_id", "sqlscore"."scored_users"."churn_risk" AS "churn_risk" FROM "sqlscore"."scored_users" LIMIT 2000
SELECT COUNT(*) AS "count" FROM "sqlscore"."scored_users"
SELECT COUNT(DISTINCT "user_id") AS "count_distinct" FROM "events"
SELECT CAST("main"."events"."event_time" AS DATE) AS "event_time", COUNT(*) AS "count" FROM "main"."events" GROUP BY CAST("main"."events"."event_time" AS DATE) ORDER BY CAST("main"."events"."event_time" AS DATE) ASC
SELECT DATE_TRUNC('month', "main"."events"."event_time") AS "event_time", COUNT(*) AS "count" FROM "main"."events" GROUP BY DATE_TRUNC('month', "main"."events"."event_time") ORDER BY 1 ASC
SELECT "source"."risk_band" AS "risk_band", SUM("source"."n_users") AS "sum" FROM (SELECT * FROM "sqlscore"."segment_summary") AS "source" GROUP BY "source"."risk_band" ORDER BY "source"."risk_band" ASC
SELECT FLOOR(("source"."churn_risk" / 0.1)) * 0.1 AS "churn_risk", COUNT(*) AS "count" FROM (SELECT "churn_risk" FROM "sqlscore"."scored_users") AS "source" GROUP BY 1 ORDER BY 1
SELECT "user_id" FROM "sqlscore"."scored_users" WHERE LOWER("next_action") LIKE '%view%' LIMIT 2000
SELECT "user_id" FROM "sqlscore"."scored_users" WHERE ("churn_risk" > 0.5 AND "n_events" BETWEEN 3 AND 50) OR "next_action" IS NULL
SELECT risk_band AS risk_band, AVG(mean_churn_risk) AS "AVG(mean_churn_risk)" FROM sqlscore.segment_summary GROUP BY risk_band ORDER BY "AVG(mean_churn_risk)" DESC LIMIT 1000
SELECT DATE_TRUNC('DAY', event_time) AS event_time, event_type AS event_type, COUNT(*) AS count FROM main.events WHERE event_time >= STRPTIME('2025-01-06 00:00:00.000000', '%Y-%m-%d %H:%M:%S.%f') AND event_time < STRPTIME('2025-03-06 00:00:00.000000', '%Y-%m-%d %H:%M:%S.%f') GROUP BY DATE_TRUNC('DAY', event_time), event_type ORDER BY count DESC LIMIT 10000
SELECT event_type AS event_type, COUNT(*) AS count FROM (SELECT * FROM main.events) AS virtual_table GROUP BY event_type ORDER BY count DESC LIMIT 100
SELECT * FROM (SELECT 1 AS a) AS expr_qry LIMIT 0
SELECT a.user_id FROM main.events AS a INNER JOIN (SELECT user_id, COUNT(*) AS mme FROM main.events GROUP BY user_id ORDER BY mme DESC LIMIT 5) AS series_limit ON a.user_id = series_limit.user_id
SELECT "scored_users"."next_action" AS "next_action", SUM(CAST("scored_users"."n_events" AS BIGINT)) AS "sum:n_events:ok" FROM "sqlscore"."scored_users" "scored_users" GROUP BY 1
SELECT "scored_users"."next_action" AS "next_action", AVG(CAST("scored_users"."churn_risk" AS DOUBLE PRECISION)) AS "avg:churn_risk:ok" FROM "sqlscore"."scored_users" "scored_users" GROUP BY 1 HAVING (COUNT(1) > 0)
SELECT (CASE WHEN ("t0"."churn_risk" >= 0.7) THEN 'high' WHEN ("t0"."churn_risk" >= 0.3) THEN 'medium' ELSE 'low' END) AS "Calculation_1", COUNT(DISTINCT "t0"."user_id") AS "ctd:user_id:ok" FROM "sqlscore"."scored_users" "t0" GROUP BY 1
SELECT MIN("events"."event_time") AS "TEMP(min)", MAX("events"."event_time") AS "TEMP(max)" FROM "main"."events" "events" HAVING (COUNT(1) > 0)
SELECT EXTRACT(YEAR FROM "event_time") AS "yr", EXTRACT(MONTH FROM "event_time") AS "mn", COUNT(*) FROM "main"."events" GROUP BY 1, 2 ORDER BY 1, 2
SELECT top_actions.event_type FROM (SELECT event_type, RANK() OVER (ORDER BY COUNT(*) DESC) AS r FROM events GROUP BY event_type) AS top_actions WHERE top_actions.r <= 10
select "_"."risk_band", "_"."a0" from (select "rows"."risk_band" as "risk_band", sum("rows"."n_users") as "a0" from "sqlscore"."segment_summary" "rows" group by "risk_band") "_" where not "_"."a0" is null
select "$Table"."user_id" as "user_id", "$Table"."churn_risk" as "churn_risk" from "sqlscore"."scored_users" "$Table" limit 1000
select count(1) as "C1" from "main"."events" "$Outer"
SELECT x.* FROM sqlscore.scored_users x LIMIT 200
SELECT x.* FROM sqlscore.scored_users x ORDER BY x.churn_risk DESC LIMIT 200
SELECT COUNT(*) FROM (SELECT x.* FROM sqlscore.scored_users x) dbvrcnt
SELECT user_id, predict_next_action(e) AS next, churn_risk(e) AS risk FROM events e GROUP BY user_id ORDER BY user_id LIMIT 5
SELECT user_id, score_events(e).churn_risk FROM events e GROUP BY user_id LIMIT 2
SELECT user_id, unnest(predict_next_actions(e, k := 2), recursive := true) FROM (FROM events WHERE user_id < 4) e GROUP BY user_id
SELECT user_id, event_time, churn_risk(e, as_of := e.event_time) OVER (PARTITION BY user_id ORDER BY event_time ROWS BETWEEN 50 PRECEDING AND CURRENT ROW) AS risk FROM (FROM events WHERE user_id = 7) e
SELECT list_predict_next_action(['search', 'view', 'add_to_cart']) AS next
SELECT list_cosine_similarity(embed_events(e), embed_events(e)) FROM (FROM events WHERE user_id = 7) e
SELECT * FROM sqlscore.sessions WHERE user_id = 7 ORDER BY session_id
SELECT * FROM sqlscore.sessions_with(gap := INTERVAL 10 MINUTE) LIMIT 3
SELECT * FROM sqlscore.funnel(['view', 'purchase'], within := INTERVAL 7 DAY)
SELECT * FROM sqlscore.action_stats ORDER BY q_value
SELECT * FROM sqlscore.cohort_retention
SELECT * FROM sqlscore.transitions WHERE action = 'view'
SELECT * FROM sqlscore.lifecycle
SELECT * FROM sqlscore.model_metrics WHERE metric = 'auc'
SELECT name, version, trained_to FROM sqlscore.models
SELECT * FROM sqlscore.runs ORDER BY started_at DESC LIMIT 10
SELECT * FROM sqlscore.high_water
SELECT count(*) FROM sqlscore.events
WITH a AS (SELECT user_id, max(event_time) AS last FROM events GROUP BY user_id) SELECT count(*) FROM a WHERE last > TIMESTAMP '2025-03-01'
WITH a AS MATERIALIZED (SELECT * FROM events), b AS (SELECT * FROM a) SELECT count(*) FROM b
WITH RECURSIVE days(d) AS (SELECT DATE '2025-01-01' UNION ALL SELECT d + 1 FROM days WHERE d < DATE '2025-01-10') SELECT d::DATE FROM days
SELECT range::DATE AS day FROM range(TIMESTAMP '2025-01-01', TIMESTAMP '2025-01-08', INTERVAL 1 DAY)
SELECT generate_series FROM generate_series(1, 10)
SELECT unnest([1, 2, 3]) AS n
SELECT * FROM unnest(['a', 'b']) AS t(x)
SELECT u.user_id, e.event_type FROM sqlscore.scored_users u JOIN events e USING (user_id) WHERE u.churn_risk > 0.9 LIMIT 10
SELECT * FROM events e LEFT JOIN sqlscore.scored_users u ON u.user_id = e.user_id LIMIT 10
SELECT * FROM events SEMI JOIN sqlscore.scored_users USING (user_id) LIMIT 10
SELECT e.user_id, s.session_id FROM events e ASOF JOIN sqlscore.sessions s ON e.user_id = s.user_id AND e.event_time >= s.session_start LIMIT 5
SELECT * FROM (SELECT user_id FROM events), LATERAL (SELECT 1 AS one) LIMIT 1
SELECT user_id FROM events WHERE EXISTS (SELECT 1 FROM sqlscore.scored_users u WHERE u.user_id = events.user_id) LIMIT 3
SELECT user_id FROM events WHERE user_id NOT IN (SELECT user_id FROM sqlscore.scored_users WHERE churn_risk > 0.5) LIMIT 3
SELECT event_type FROM events UNION SELECT next_action FROM sqlscore.scored_users
SELECT event_type FROM events INTERSECT SELECT next_action FROM sqlscore.scored_users
SELECT event_type FROM events EXCEPT ALL SELECT next_action FROM sqlscore.scored_users LIMIT 1
SELECT event_type, count(*) FROM events GROUP BY ALL ORDER BY ALL
SELECT event_type, channel, count(*) FROM events GROUP BY GROUPING SETS ((event_type), (channel), ())
SELECT event_type, channel, count(*) FROM events GROUP BY ROLLUP (event_type, channel)
SELECT event_type, channel, count(*) FROM events GROUP BY CUBE (event_type, channel)
FROM (PIVOT events ON event_type IN ('view', 'purchase') USING count(*) GROUP BY channel)
SELECT * FROM (PIVOT (SELECT channel, event_type FROM events) ON event_type IN ('view') USING count(*))
FROM (UNPIVOT (SELECT n_users, mean_churn_risk FROM sqlscore.segment_summary) ON COLUMNS(*))
SELECT * EXCLUDE (brand) FROM events LIMIT 1
SELECT * REPLACE (round(price) AS price) FROM events LIMIT 1
SELECT COLUMNS('.*_id') FROM events LIMIT 1
SELECT min(COLUMNS(*)) FROM sqlscore.segment_summary
SELECT DISTINCT ON (user_id) user_id, event_type FROM events ORDER BY user_id, event_time DESC LIMIT 5
SELECT user_id, event_time, row_number() OVER w AS n FROM events WINDOW w AS (PARTITION BY user_id ORDER BY event_time) LIMIT 5
SELECT user_id, lag(event_type) OVER (PARTITION BY user_id ORDER BY event_time) FROM events LIMIT 5
SELECT user_id, event_type FROM events QUALIFY row_number() OVER (PARTITION BY user_id ORDER BY event_time DESC) = 1 LIMIT 5
SELECT ntile(10) OVER (ORDER BY churn_risk), user_id FROM sqlscore.scored_users LIMIT 5
SELECT avg(n) OVER (ORDER BY d RANGE BETWEEN INTERVAL 7 DAY PRECEDING AND CURRENT ROW) FROM (SELECT event_time::DATE AS d, count(*) AS n FROM events GROUP BY 1)
SELECT count(*) FILTER (WHERE event_type = 'purchase') / count(*) FROM events
SELECT median(price), quantile_cont(price, [0.1, 0.9]), mode(brand), stddev(price) FROM events
SELECT approx_count_distinct(user_id), approx_quantile(price, 0.5) FROM events
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY price) FROM events
SELECT list(event_type ORDER BY event_time) FROM events WHERE user_id = 7
SELECT string_agg(event_type, ',' ORDER BY event_time) FROM events WHERE user_id = 7
SELECT arg_max(event_type, event_time), arg_min(event_type, event_time) FROM events
SELECT histogram(event_type) FROM events
SELECT corr(price, user_id), regr_slope(price, user_id) FROM events
SELECT coalesce(brand, 'none'), nullif(channel, ''), ifnull(brand, 'x') FROM events LIMIT 1
SELECT CASE event_type WHEN 'view' THEN 1 ELSE 0 END FROM events LIMIT 1
SELECT upper(event_type), lower(event_type), length(event_type), left(event_type, 3), trim(event_type) FROM events LIMIT 1
SELECT event_type ILIKE 'v%', event_type SIMILAR TO 'v.*', event_type GLOB 'v*', event_type NOT LIKE 'x' FROM events LIMIT 1
SELECT regexp_matches(event_type, '^v'), regexp_extract(event_type, '(v)', 1), regexp_replace(event_type, 'v', 'w') FROM events LIMIT 1
SELECT split_part('a,b', ',', 1), string_split('a,b', ','), concat('a', 'b'), 'a' || 'b', concat_ws('-', 'a', 'b')
SELECT format('{} {}', 1, 'a'), printf('%d', 1), lpad('1', 3, '0'), replace('a', 'a', 'b'), reverse('ab'), md5('x'), sha256('x')
SELECT round(1.5), floor(1.5), ceil(1.5), abs(-1), sqrt(4), ln(2), exp(1), power(2, 3), greatest(1, 2), least(1, 2), 7 % 3, 7 // 2
SELECT date_diff('day', DATE '2025-01-01', DATE '2025-02-01'), datediff('week', DATE '2025-01-01', DATE '2025-02-01'), date_add(DATE '2025-01-01', INTERVAL 1 DAY)
SELECT year(event_time), month(event_time), day(event_time), dayofweek(event_time), hour(event_time), week(event_time), dayname(event_time), monthname(event_time) FROM events LIMIT 1
SELECT strftime(event_time, '%Y-%m'), date_part('dow', event_time), time_bucket(INTERVAL 1 HOUR, event_time), last_day(event_time::DATE) FROM events LIMIT 1
SELECT epoch(event_time), epoch_ms(event_time), to_timestamp(0), make_date(2025, 1, 1), age(event_time, TIMESTAMP '2025-01-01') FROM events LIMIT 1
SELECT CAST('1' AS INTEGER), '1'::BIGINT, TRY_CAST('x' AS INTEGER), typeof(1)
SELECT INTERVAL '1 day', INTERVAL 1 MONTH, DATE '2025-01-01', TIME '10:00', TIMESTAMPTZ '2025-01-01 00:00:00+00', UUID '00000000-0000-0000-0000-000000000001'
SELECT [1, 2][1], {'a': 1}.a, MAP {'a': 1}['a'], list_contains([1], 1), array_length([1]), struct_pack(a := 1)
SELECT list_transform([1, 2], lambda x: x + 1), list_filter([1, 2], lambda x: x > 1), list_reduce([1, 2], lambda a, b: a + b), list_sort([2, 1]), flatten([[1]])
SELECT [x + 1 FOR x IN [1, 2] IF x > 1]
SELECT json_extract('{"a": 1}', '$.a'), '{"a": 1}'::JSON ->> 'a', json_object('a', 1), to_json([1]), json_array_length('[1]')
SELECT * FROM json_each('{"a": 1}')
SELECT gen_random_uuid() IS NOT NULL, random() < 1, hash('x'), isnan('nan'::DOUBLE), isfinite(1.0)
SELECT "user_id" AS "Ünïcode; DROP TABLE events" FROM events LIMIT 1
SELECT 'it''s; -- not a comment' AS text, '/* nor this */' AS other, $$dollar ; quoted$$ AS third
SELECT 1 /* a comment; with a semicolon */ AS one -- and another; one
SELECT 1 AS "select", 2 AS "from", 3 AS "drop table"
SELECT * FROM events WHERE user_id = $1 LIMIT 1
SELECT * FROM events WHERE user_id = ? AND event_type = ? LIMIT 1
SELECT * FROM events WHERE user_id = $user LIMIT 1
SELECT * FROM events ORDER BY event_time DESC NULLS LAST LIMIT 10 OFFSET 5
SELECT * FROM events ORDER BY 1, 2 LIMIT 10 PERCENT
SELECT * FROM events USING SAMPLE 10 ROWS
SELECT * FROM events TABLESAMPLE 1%
SELECT (SELECT max(event_time) FROM events) - INTERVAL 7 DAY
SELECT EXISTS (SELECT 1 FROM events WHERE user_id = 7)
SELECT 5 BETWEEN 1 AND 10, 5 IN (1, 5), NOT true, NULL IS NULL, 1 IS DISTINCT FROM 2, (1, 2) = (1, 2)
SELECT -1, +1, 1e3, 0x10, 1_000, TRUE AND FALSE OR TRUE
SELECT rank() OVER (ORDER BY n_users DESC), dense_rank() OVER (ORDER BY n_users), percent_rank() OVER (ORDER BY n_users), cume_dist() OVER (ORDER BY n_users) FROM sqlscore.segment_summary
SELECT first_value(event_type) OVER (PARTITION BY user_id ORDER BY event_time), last_value(event_type IGNORE NULLS) OVER (PARTITION BY user_id ORDER BY event_time ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM events LIMIT 1
SELECT sqlscore.utc_moment('2025-03-01 02:00:00+02')
SELECT risk_band, next_action, n_users, mean_churn_risk FROM sqlscore.segment_summary ORDER BY n_users DESC, risk_band, next_action LIMIT 5
SELECT s.as_of, s.model, count(*) FROM sqlscore.scored_users AS s GROUP BY ALL
SELECT * FROM sqlscore.group_summary
SELECT * FROM sqlscore.feature_usage WHERE is_underused
SELECT * FROM sqlscore.feature_prospects('wishlist') LIMIT 3
SELECT * FROM sqlscore.paths(to_action := 'purchase') LIMIT 3
SELECT * FROM sqlscore.scored_segments_with(medium_from := 0.2, high_from := 0.5) LIMIT 3
SELECT * FROM sqlscore.churn_labels_inactivity(horizon := INTERVAL 14 DAY) LIMIT 3
SELECT * FROM sqlscore.session_stats_with(period := 'month')
SELECT * FROM sqlscore.transitions_with(within := INTERVAL 30 MINUTE) LIMIT 3
SELECT * FROM sqlscore.rfm() LIMIT 3
SELECT * FROM sqlscore.champions
SELECT * FROM sqlscore.guards
SELECT next_action, count(*) * 100.0 / sum(count(*)) OVER () AS share FROM sqlscore.scored_users GROUP BY next_action
SELECT user_id FROM sqlscore.scored_users WHERE churn_risk > 0.8 AND days_silent < 10 AND is_active
SELECT approx_top_k(event_type, 3) FROM events
SELECT "t"."event_type", COUNT(*) FILTER (WHERE "t"."price" > 10) AS "n" FROM "main"."events" AS "t" GROUP BY "t"."event_type" HAVING COUNT(*) > 1
SELECT COUNT(*) AS "count", "events"."channel" FROM "events" WHERE "events"."event_time" >= TIMESTAMP '2025-01-10 00:00:00' GROUP BY 2 ORDER BY 1 DESC
SELECT substring("next_action" FROM 1 FOR 3), position('e' IN "next_action"), char_length("next_action") FROM "sqlscore"."scored_users" LIMIT 1
SELECT CAST("event_time" AS VARCHAR) || ' ' || "event_type" FROM "events" LIMIT 1
