INSERT INTO events VALUES (1, now(), 'x', NULL, NULL, NULL)
INSERT INTO sqlscore.models SELECT * FROM sqlscore.models
UPDATE events SET user_id = 1
UPDATE sqlscore.scored_users SET churn_risk = 0
DELETE FROM events
DELETE FROM sqlscore.runs WHERE true
TRUNCATE events
MERGE INTO events AS t USING events AS s ON t.user_id = s.user_id WHEN MATCHED THEN DELETE
CREATE TABLE t AS SELECT 1
CREATE TEMP TABLE t (i INTEGER)
CREATE OR REPLACE TABLE events AS SELECT 1
CREATE VIEW v AS SELECT 1
CREATE OR REPLACE VIEW sqlscore.events AS SELECT 1
CREATE SCHEMA s
CREATE SEQUENCE s
CREATE TYPE t AS ENUM ('a')
CREATE MACRO m(x) AS x
CREATE OR REPLACE MACRO churn_risk(e) AS 0
CREATE MACRO m() AS TABLE FROM read_csv('x.csv')
CREATE INDEX i ON events (user_id)
CREATE SECRET s (TYPE s3, KEY_ID 'k', SECRET 's')
CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 't')
DROP TABLE events
DROP TABLE IF EXISTS sqlscore.scored_users
DROP VIEW sqlscore.events
DROP SCHEMA sqlscore CASCADE
DROP MACRO churn_risk
DROP SECRET s
ALTER TABLE events RENAME TO e
ALTER TABLE events ADD COLUMN c INTEGER
ALTER TABLE events DROP COLUMN user_id
ALTER VIEW sqlscore.events RENAME TO v
COMMENT ON TABLE events IS 'x'
VACUUM
VACUUM ANALYZE
ANALYZE
CHECKPOINT
FORCE CHECKPOINT
CALL force_checkpoint()
CALL checkpoint()
CALL pragma_version()
CALL enable_logging()
CALL enable_profiling()
CALL truncate_duckdb_logs()
CALL duckdb_secrets()
COPY events TO 'out.csv'
COPY (SELECT * FROM events) TO 'out.parquet' (FORMAT parquet)
COPY events FROM 'in.csv'
COPY FROM DATABASE memory TO memory
EXPORT DATABASE 'folder'
EXPORT DATABASE 'folder' (FORMAT parquet)
IMPORT DATABASE 'folder'
ATTACH 'other.duckdb'
ATTACH 'other.duckdb' AS other (READ_ONLY)
ATTACH ':memory:' AS m
ATTACH 'dbname=x host=127.0.0.1' AS p (TYPE postgres)
ATTACH IF NOT EXISTS 'x.sqlite' (TYPE sqlite)
DETACH memory
DETACH DATABASE IF EXISTS other
USE memory
USE sqlscore
INSTALL httpfs
INSTALL spatial FROM community
FORCE INSTALL json
LOAD httpfs
LOAD 'extension.duckdb_extension'
UPDATE EXTENSIONS
SET memory_limit = '100GB'
SET threads = 64
SET enable_external_access = true
SET lock_configuration = false
SET search_path = 'sqlscore'
SET VARIABLE x = 1
SET SESSION TimeZone = 'UTC'
SET GLOBAL temp_directory = 'folder'
SET home_directory = 'folder'
SET extension_directory = 'folder'
SET s3_access_key_id = 'x'
RESET memory_limit
RESET VARIABLE x
PRAGMA version
PRAGMA database_list
PRAGMA table_info('events')
PRAGMA memory_limit = '1GB'
PRAGMA enable_profiling
PRAGMA disable_optimizer
PRAGMA import_database('folder')
PRAGMA add_parquet_key('k', '0123456789112345')
PREPARE p AS SELECT 1
EXECUTE p
DEALLOCATE p
BEGIN TRANSACTION
BEGIN
COMMIT
ROLLBACK
START TRANSACTION
ABORT
SELECT 1; SELECT 2
SELECT 1; DROP TABLE events
SELECT 1;;DELETE FROM events
SELECT 1 /* harmless */; DELETE FROM events -- the end
SELECT '/*'; DELETE FROM events; SELECT '*/'
SELECT '--'; DROP TABLE events
SELECT $$ ; $$; DROP TABLE events
SELECT $tag$ -- $tag$; DELETE FROM events
SELECT E'\''; DROP TABLE events; --'
SELECT "a""; " FROM (SELECT 1 AS "a""; "); DROP TABLE events
SELECT 1 AS ";" ; COPY events TO 'x.csv'
-- SELECT 1
/* nothing */
;
SELECT * FROM 'x.csv'
SELECT * FROM "x.parquet"
SELECT * FROM 'folder/*.parquet'
SELECT * FROM 'https://127.0.0.1/x.csv'
SELECT * FROM 's3://bucket/x.parquet'
FROM 'x.json'
TABLE "x.csv"
DESCRIBE 'x.csv'
SUMMARIZE 'x.csv'
DESCRIBE SELECT * FROM read_csv('x.csv')
SELECT * FROM events JOIN 'x.csv' AS x ON true
SELECT * FROM events WHERE user_id IN (SELECT user_id FROM 'x.csv')
SELECT (SELECT count(*) FROM 'x.csv')
WITH x AS (FROM 'x.csv') SELECT * FROM x
WITH RECURSIVE x AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM x, 'x.csv' WHERE i < 3) SELECT * FROM x
SELECT * FROM events, LATERAL (SELECT * FROM read_csv('x.csv')) AS l
SELECT * FROM events UNION ALL SELECT * FROM read_parquet('x.parquet')
SELECT * FROM events EXCEPT FROM read_json('x.json')
SELECT 1 ORDER BY (SELECT count(*) FROM read_csv('x.csv'))
SELECT 1 LIMIT (SELECT count(*) FROM read_csv('x.csv'))
SELECT count(*) FILTER (WHERE EXISTS (FROM read_csv('x.csv'))) FROM events
SELECT sum(1) OVER (ORDER BY (SELECT content FROM read_text('x.txt'))) FROM events
SELECT CASE WHEN true THEN (SELECT content FROM read_text('x.txt')) END
SELECT list_transform([1], lambda x: (SELECT content FROM read_text('x.txt')))
SELECT [x FOR x IN [1] IF EXISTS (FROM read_csv('x.csv'))]
SELECT {'a': (SELECT content FROM read_text('x.txt'))}
SELECT COLUMNS(c -> getenv('HOME') IS NOT NULL) FROM events
SELECT * REPLACE (getenv('HOME') AS user_id) FROM events
SELECT * FROM events QUALIFY getenv('HOME') = 'x'
SELECT * FROM events GROUP BY ALL HAVING getenv('HOME') = 'x'
SELECT * FROM events TABLESAMPLE reservoir(5) , read_csv('x.csv')
FROM (PIVOT read_csv('x.csv') ON a IN (1) USING count(*))
FROM (UNPIVOT read_csv('x.csv') ON a)
VALUES ((SELECT content FROM read_text('x.txt')))
SELECT * FROM read_csv('x.csv')
SELECT * FROM READ_CSV_AUTO('x.csv')
SELECT * FROM "read_csv"('x.csv')
SELECT * FROM system.main.read_csv('x.csv')
SELECT * FROM main.read_csv('x.csv')
SELECT * FROM read_parquet(['a.parquet', 'b.parquet'])
SELECT * FROM parquet_scan('x.parquet')
SELECT * FROM parquet_metadata('x.parquet')
SELECT * FROM parquet_schema('x.parquet')
SELECT * FROM parquet_kv_metadata('x.parquet')
SELECT * FROM parquet_file_metadata('x.parquet')
SELECT * FROM parquet_bloom_probe('x.parquet', 'a', 1)
SELECT * FROM read_json('x.json')
SELECT * FROM read_json_auto('x.json')
SELECT * FROM read_ndjson_objects('x.json')
SELECT * FROM read_text('/etc/hostname')
SELECT * FROM read_blob('/etc/hostname')
SELECT * FROM read_duckdb('x.duckdb', table_name = 't')
SELECT * FROM sniff_csv('x.csv')
SELECT * FROM glob('*')
SELECT * FROM query('SELECT 1')
SELECT * FROM query('DELETE FROM events')
SELECT * FROM query_table('events')
SELECT * FROM query_table(['events', 'x.csv'])
SELECT * FROM json_execute_serialized_sql('{}')
SELECT * FROM arrow_scan(1, 2, 3)
SELECT * FROM pandas_scan(1)
SELECT * FROM python_map_function(1)
SELECT * FROM seq_scan('events')
SELECT * FROM duckdb_secrets()
SELECT * FROM duckdb_settings()
SELECT * FROM duckdb_logs()
SELECT * FROM duckdb_logs_parsed('QueryLog')
SELECT * FROM duckdb_variables()
SELECT * FROM duckdb_extensions()
SELECT * FROM duckdb_prepared_statements()
SELECT * FROM duckdb_temporary_files()
SELECT * FROM duckdb_external_file_cache()
SELECT * FROM which_secret('s3://x', 's3')
SELECT * FROM storage_info('events')
SELECT * FROM pragma_storage_info('events')
SELECT * FROM sqlite_scan('x.db', 't')
SELECT * FROM postgres_scan('host=127.0.0.1', 'public', 't')
SELECT * FROM postgres_query('p', 'SELECT 1')
SELECT * FROM iceberg_scan('x')
SELECT * FROM delta_scan('x')
SELECT * FROM st_read('x.shp')
SELECT * FROM http_get('http://127.0.0.1/')
SELECT * FROM create_external_resource('x')
SELECT * FROM enable_logging()
SELECT * FROM a_function_of_tomorrow('x')
SELECT getenv('HOME')
SELECT getvariable('x')
SELECT current_setting('secret_directory')
SELECT current_setting('s3_secret_access_key')
SELECT current_setting(lower('S3_SECRET_ACCESS_KEY'))
SELECT write_log('x')
SELECT nextval('s')
SELECT setseed(0.5)
SELECT sleep_ms(100000)
SELECT pg_sleep(100)
SELECT json_serialize_plan('SELECT 1')
SELECT json_deserialize_sql('{}')
SELECT current_query()
SELECT a_function_of_tomorrow(1)
SELECT __internal_compress_string_hugeint('x')
SELECT read_text('x.txt')
SELECT "getenv"('HOME')
SELECT system.main.getenv('HOME')
SELECT 'HOME'.getenv()
SELECT * FROM events WHERE 'HOME'.getenv() IS NULL
SELECT sum(user_id) FILTER (WHERE getenv('HOME') = 'x') OVER () FROM events
SELECT * FROM events ORDER BY getenv('HOME')
SELECT * FROM events AT (VERSION => 1)
SELECT * FROM secrets
SELECT * FROM no_such_table
SHOW SECRETS
SHOW SETTINGS
SHOW VARIABLES
EXPLAIN COPY events TO 'x.csv'
EXPLAIN ANALYZE DELETE FROM events
EXPLAIN ANALYZE SELECT * FROM read_csv('x.csv')
EXPLAIN (FORMAT json) DELETE FROM events
EXPLAIN /* x */ ANALYZE DELETE FROM events
FROM events SELECT getenv('HOME')
FROM events |> WHERE getenv('HOME') = 'x'
SELEC 1
