-- rules: tricks
--> allow otherwise
SELECT 1
--> allow otherwise
SELECT id, name FROM users WHERE id = $1
--> allow otherwise
SELECT * FROM users WHERE 1=1
--> allow otherwise
SELECT * FROM users WHERE 1=1 AND name = 'x' AND id > 5
--> allow otherwise
SELECT * FROM users WHERE true AND name = 'x'
--> allow otherwise
SELECT * FROM users WHERE 1 = 0
--> allow otherwise
SELECT * FROM users WHERE name = 'x' AND 1 = 0
--> allow otherwise
SELECT * FROM users WHERE id = 1 OR id = 2
--> allow otherwise
SELECT * FROM users WHERE ($1 IS NULL OR name = $1)
--> allow otherwise
SELECT * FROM users WHERE ($1::text IS NULL OR name = $1::text) AND id > $2
--> allow otherwise
SELECT * FROM users WHERE name LIKE '%' || $1 || '%'
--> allow otherwise
SELECT * FROM users WHERE name LIKE '%smith%' OR email ILIKE '%smith%'
--> allow otherwise
SELECT * FROM users u LEFT JOIN LATERAL (SELECT * FROM orders o WHERE o.user_id = u.id LIMIT 1) x ON true
--> allow otherwise
SELECT * FROM users u JOIN orders o ON o.user_id = u.id WHERE o.status IN ('a', 'b')
--> allow otherwise
SELECT * FROM users a JOIN users b ON a.id = b.id
--> allow otherwise
SELECT * FROM users CROSS JOIN orders
--> allow otherwise
SELECT id FROM users UNION ALL SELECT id FROM orders
--> allow otherwise
SELECT id, name FROM users UNION ALL SELECT 0, 'all of them'
--> allow otherwise
SELECT NULL AS id, 'none' AS name UNION ALL SELECT id, name FROM users
--> allow otherwise
WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT * FROM n
--> allow otherwise
WITH RECURSIVE t AS (SELECT id, 1 AS depth FROM users WHERE id = 1 UNION ALL SELECT u.id, depth + 1 FROM users u JOIN t ON t.id = u.id) SELECT * FROM t
--> allow otherwise
SELECT count(*), date_trunc('day', now()) FROM orders GROUP BY 2 ORDER BY 1 DESC LIMIT 10
--> allow otherwise
SELECT * FROM orders WHERE id > 5 AND now() > '2020-01-01'
--> allow otherwise
SELECT * FROM orders WHERE random() < 0.1
--> allow otherwise
SELECT * FROM orders WHERE coalesce(status, 'x') = 'x'
--> allow otherwise
SELECT CASE WHEN id > 1 THEN 'a' ELSE 'b' END FROM orders
--> allow otherwise
SELECT * FROM orders o WHERE EXISTS (SELECT 1 FROM users u WHERE u.id = o.user_id)
--> allow otherwise
SELECT * FROM orders WHERE (user_id, id) IN ((1, 2), (3, 4))
--> allow otherwise
SELECT * FROM orders WHERE status = 'a' OR (status = 'b' AND id > 3)
--> allow otherwise
SELECT * FROM orders WHERE NOT (status = 'a')
--> allow otherwise
SELECT * FROM orders WHERE status IS NOT NULL AND user_id IS NULL
--> allow otherwise
INSERT INTO users (id, name) VALUES ($1, $2) RETURNING id
--> allow otherwise
INSERT INTO users (id, name) VALUES (1, 'OR 1=1')
--> allow otherwise
INSERT INTO users (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = excluded.name
--> allow otherwise
INSERT INTO users (id) VALUES (1) ON CONFLICT DO NOTHING
--> allow otherwise
UPDATE users SET name = $1 WHERE id = $2
--> allow otherwise
DELETE FROM users WHERE id = ANY ($1)
--> allow otherwise
DELETE FROM orders USING users u WHERE u.id = user_id
--> allow otherwise
SELECT * FROM users FOR UPDATE SKIP LOCKED
--> allow otherwise
MERGE INTO users u USING orders o ON o.user_id = u.id WHEN MATCHED THEN UPDATE SET name = 'x' WHEN NOT MATCHED THEN INSERT (id) VALUES (1)
--> allow otherwise
BEGIN
--> allow otherwise
SAVEPOINT a
--> allow otherwise
SET search_path = public
--> allow otherwise
SET TIME ZONE 'UTC'
--> allow otherwise
SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY
--> allow otherwise
SELECT set_config('app.user', '7', false)
--> allow otherwise
SHOW server_version
--> allow otherwise
COPY users FROM STDIN
--> allow otherwise
COPY users (id, name) TO STDOUT WITH (FORMAT csv, HEADER)
--> allow otherwise
COPY (SELECT * FROM users) TO STDOUT
--> allow otherwise
LISTEN x
--> allow otherwise
CREATE TABLE t (id int PRIMARY KEY, role text, owner_id int)
--> allow otherwise
ALTER TABLE users ADD COLUMN description text
--> allow otherwise
CREATE INDEX CONCURRENTLY i ON users (name) WHERE name IS NOT NULL
--> allow otherwise
DROP TABLE IF EXISTS t
--> allow otherwise
EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM users WHERE id = 1
--> allow otherwise
PREPARE p (int) AS SELECT * FROM users WHERE id = $1
--> allow otherwise
EXECUTE p(1)
--> allow otherwise
DEALLOCATE ALL
--> allow otherwise
DECLARE c CURSOR FOR SELECT * FROM users
--> allow otherwise
FETCH 100 FROM c
--> allow otherwise
SELECT "user", "role" FROM (SELECT 1 AS "user", 2 AS "role") x
--> allow otherwise
SELECT u.user FROM (SELECT 1 AS user) u
--> allow otherwise
SELECT name FROM users WHERE name = 'it''s; DROP TABLE users; --'
--> allow otherwise
SELECT name FROM users WHERE name = $$' OR 1=1 --$$
--> allow otherwise
SELECT data->>'a', data #>> '{b,c}' FROM users WHERE data @> '{"a": 1}'
--> allow otherwise
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY id) FILTER (WHERE status = 'a') FROM orders
--> allow otherwise
SELECT * FROM generate_series(1, 10) AS g(i)
--> allow otherwise
SELECT sum(id) OVER (PARTITION BY status ORDER BY id) FROM orders
--> allow otherwise
SELECT * FROM users WHERE 5 IN (id, 7)
--> allow otherwise
SELECT * FROM users WHERE $1 = ANY (ARRAY[id])
--> allow otherwise
SELECT * FROM users WHERE id BETWEEN 1 AND 10
--> allow otherwise
SELECT * FROM users ORDER BY (name = 'x') DESC
--> allow otherwise
VACUUM users
--> allow otherwise
ANALYZE
--> allow otherwise
SELECT * FROM orders WHERE status NOT IN ('a', 'b') OR status IS NULL
--> allow otherwise
SELECT * FROM orders WHERE id NOT BETWEEN 1 AND 5 OR name NOT LIKE 'a%'
--> allow otherwise
SELECT * FROM users WHERE id = 1 OR 1 NOT IN (1)
--> allow otherwise
SELECT * FROM users WHERE id = 1 OR 'a' LIKE 'b'
--> allow otherwise
SELECT * FROM users WHERE id = 1 OR 1 = 2
--> allow otherwise
CREATE MATERIALIZED VIEW m AS SELECT id FROM users WITH NO DATA
--> allow otherwise
CREATE VIEW v AS SELECT id FROM users WHERE id > 5 WITH CHECK OPTION
--> allow otherwise
SELECT * FROM users WHERE NOT name = 'a' OR name = 'b'
--> allow otherwise
SELECT * FROM users WHERE id IN (1, 2, 3) OR name IN ('a', 'b')
--> allow otherwise
CREATE TABLE t (owner text, security text, server text, policy text, system text)
--> allow otherwise
CREATE TABLE server (id int, "user" text)
--> allow otherwise
CREATE TABLE system (role text)
--> allow otherwise
CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$
--> allow otherwise
SHOW pg_stat_statements.max
--> allow otherwise
CREATE EXTENSION pgcrypto
--> allow otherwise
ALTER TABLE server RENAME TO servers
--> allow otherwise
MERGE INTO users u USING orders o ON true WHEN NOT MATCHED THEN INSERT (id) VALUES (1)
--> allow otherwise
SELECT name FROM users UNION ALL VALUES ('none')
