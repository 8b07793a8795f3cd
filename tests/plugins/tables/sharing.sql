--> shareable
SELECT 1
--> shareable
SELECT a FROM t WHERE b = $1 AND c = ''
--> shareable
SELECT a, b FROM t WHERE id = $1
--> shareable
SELECT t.*, count(*) OVER (PARTITION BY a ORDER BY b) FROM t ORDER BY 1 LIMIT 10 OFFSET 5;
--> shareable
SELECT a FROM t WHERE b IN (1, 2, 3) AND (c, d) IN ((1, 2)) AND NOT (e) AND f = ANY ($1::int[])
--> shareable
SELECT coalesce(sum(a), 0), max(lower(b)) FROM t GROUP BY GROUPING SETS ((c), ()) HAVING (count(*) > 1)
--> shareable
SELECT a FROM t JOIN u USING (id) LEFT JOIN LATERAL (SELECT 1 AS x) z ON (true)
--> shareable
(SELECT 1) UNION ALL (SELECT 2) ORDER BY 1
--> shareable
WITH RECURSIVE x(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM x WHERE n < 5) SELECT * FROM x
--> shareable
VALUES (1, 'a'), (2, 'b')
--> shareable
TABLE t
--> shareable
SELECT now(), current_timestamp(3), current_user, extract(epoch FROM now()), date_trunc('day', a) FROM t
--> shareable
SELECT a::numeric(10, 2), cast(b AS varchar(5)), c::mood FROM t
--> shareable
SELECT data->>'a', jsonb_array_elements(data->'b') FROM t WHERE data @> '{"a": 1}'
--> shareable
SELECT pg_catalog.format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute a
--> shareable
SELECT * FROM generate_series(1, 10) AS g(n) WHERE EXISTS (SELECT FROM t WHERE t.id = g.n)
--> shareable
SELECT substring('abc' FROM 2 FOR 1), trim(both ' ' from a), position('a' IN b), overlay(a placing 'x' from 1) FROM t
--> shareable
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a) FILTER (WHERE b) FROM t
--> shareable
SELECT 'pg_sleep(1)' AS "update" FROM t
--> shareable
SELECT t.share, t.update FROM t
--> shareable
SELECT a FROM t WHERE b BETWEEN (1) AND (2) AND c LIKE ('x') OR d IS DISTINCT FROM (e)
--> shareable
SELECT string_agg(a, ',' ORDER BY a) FROM t TABLESAMPLE system (10)
--> nothing
SELECT 1; SELECT 2
--> nothing
SELECT * FROM t FOR UPDATE
--> nothing
SELECT * FROM t FOR NO KEY UPDATE SKIP LOCKED
--> nothing
SELECT * FROM t FOR SHARE OF t
--> nothing
SELECT * FROM (SELECT * FROM t FOR KEY SHARE) x
--> nothing
INSERT INTO t VALUES (1)
--> nothing
INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET a = excluded.a RETURNING *
--> nothing
UPDATE t SET a = 1 WHERE id = 1
--> nothing
DELETE FROM t WHERE id = 1
--> nothing
SELECT pg_sleep(10)
--> nothing
SELECT app.f(1)
--> nothing
SELECT f(1)
--> nothing
SELECT public.lower('A')
--> nothing
SELECT "Lower"('A')
--> nothing
SELECT nextval('s')
--> nothing
SELECT pg_advisory_xact_lock(1)
--> nothing
SELECT pg_backend_pid()
--> nothing
SELECT current_setting('x')
--> nothing
SELECT inet_client_addr()
--> nothing
SELECT txid_current()
--> nothing
SELECT pg_notify('a', 'b')
--> nothing
SELECT pg_cancel_backend(1)
--> nothing
SELECT lo_import('/x')
--> nothing
SELECT pg_read_file('x')
--> nothing
SELECT * FROM dblink('host=b', 'SELECT 1') AS t(a int)
--> nothing
SELECT * FROM pg_prepared_statements
--> nothing
SELECT * FROM pg_catalog."pg_cursors"
--> nothing
SELECT name FROM pg_settings
--> nothing
SELECT a OPERATOR(app.=) b FROM t
--> nothing
SELECT * FROM t AS u (a), v.w(1)
--> search_path=app, pg_catalog | nothing
SELECT lower('A')
--> search_path=pg_catalog, app | shareable
SELECT lower('A')
--> search_path="$user", public | shareable
SELECT lower('A')
--> nothing
EXPLAIN SELECT 1
--> nothing
SHOW x
--> point fetches
FETCH 1 FROM c
--> nothing
COPY t TO STDOUT
--> similar | shareable
SELECT a FROM t WHERE b = 'x'
