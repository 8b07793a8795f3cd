-- rules: tricks
--> deny tautology
SELECT * FROM users WHERE id = 1 OR 1=1
--> deny tautology
SELECT * FROM users WHERE name = '' OR 'a'='a'
--> deny tautology
SELECT * FROM users WHERE name = '' OR 'a'='a' --'
--> deny tautology
SELECT * FROM users WHERE name = '' OR ''=''
--> deny tautology
SELECT * FROM users WHERE name = 'x' AND (email = '' OR 1 = 1)
--> deny tautology
SELECT * FROM users WHERE id = 1 OR TRUE
--> deny tautology
SELECT * FROM users WHERE id = 1 OR NOT FALSE
--> deny tautology
SELECT * FROM users WHERE id = 1 OR NOT (1 = 2)
--> deny tautology
SELECT * FROM users WHERE NOT (id = 1 AND 1 = 2)
--> deny tautology
SELECT * FROM users WHERE id = id
--> deny tautology
SELECT * FROM users u WHERE u.id = id
--> deny tautology
SELECT * FROM users WHERE id = "id"
--> deny tautology
SELECT * FROM users WHERE id = 1 OR id IS NULL OR id IS NOT NULL
--> deny tautology
SELECT * FROM users WHERE id = 1 OR 2 > 1
--> deny tautology
SELECT * FROM users WHERE id = 1 OR 1 IN (1)
--> deny tautology
SELECT * FROM users WHERE id = 1 OR 1 IN (3, 2, 1)
--> deny tautology
SELECT * FROM users WHERE id = 1 OR 2 BETWEEN 1 AND 3
--> deny tautology
SELECT * FROM users WHERE id = 1 OR 'x' LIKE '%'
--> deny tautology
SELECT * FROM users WHERE id = 1 OR 'abc' LIKE 'abc'
--> deny tautology
SELECT * FROM users WHERE id = 1 OR 1 <> 2
--> deny tautology
SELECT * FROM users WHERE id = 1 OR 1 != 2
--> deny tautology
SELECT * FROM users WHERE id = 1 OR -1 < +1
--> deny tautology
SELECT * FROM users WHERE id = 1 OR '1' = 1
--> deny tautology
SELECT * FROM users WHERE id = 1 OR 1.0 = 1
--> deny tautology
SELECT * FROM users WHERE id = 1 OR (1) = ((1))
--> deny tautology
SELECT * FROM users WHERE id = 1 OR 1::int = 1
--> deny tautology
SELECT * FROM users WHERE id = 1 OR ('1' = '1')::bool
--> deny tautology
SELECT * FROM users WHERE id = 1 OR 1 IS NOT DISTINCT FROM 1
--> deny tautology
SELECT * FROM users WHERE id = 1 OR NULL IS NULL
--> deny tautology
SELECT * FROM users WHERE id = 1 OR (SELECT true)
--> deny tautology
SELECT * FROM users WHERE id = 1 OR EXISTS (SELECT 1)
--> deny tautology
SELECT * FROM users WHERE id = 1 OR (SELECT 1) = 1
--> deny tautology
SELECT * FROM users WHERE id = 5 AND 1=1
--> deny tautology
SELECT name FROM users GROUP BY name HAVING 1=1
--> deny tautology
SELECT * FROM users JOIN orders ON users.id = orders.user_id OR 1=1
--> deny tautology
SELECT * FROM orders WHERE user_id IN (SELECT id FROM users WHERE name = '' OR 1=1)
--> deny tautology
WITH x AS (SELECT * FROM users WHERE id = 1 OR 1=1) SELECT * FROM x
--> deny tautology
DELETE FROM users WHERE id = 1 OR 1=1
--> deny tautology
UPDATE users SET name = 'x' WHERE id = 1 OR 'b' = 'b'
--> deny tautology
EXPLAIN ANALYZE SELECT * FROM users WHERE id = 1 OR 1=1
--> deny tautology
PREPARE p AS SELECT * FROM users WHERE id = 1 OR 1=1
--> deny tautology
DECLARE c CURSOR FOR SELECT * FROM users WHERE id = 1 OR 1=1
--> deny tautology
COPY (SELECT * FROM users WHERE id = 1 OR 1=1) TO STDOUT
--> deny tautology
CREATE TABLE x AS SELECT * FROM users WHERE id = 1 OR 1=1
--> deny tautology
SELECT*FROM/**/users/**/WHERE/**/id=1/**/oR/**/1=1
--> deny tautology
SELECT * FROM users WHERE id = 1 /* OR 1=2 */ OR /* /* nested */ */ 1=1
--> deny tautology possibly
SELECT * FROM users WHERE id = 1 OR '1'
--> deny tautology possibly
SELECT * FROM users WHERE id = 1 OR 't'::bool
--> deny tautology possibly
SELECT * FROM users WHERE id = 1 OR lower('A') = 'a'
--> deny tautology possibly
SELECT * FROM users WHERE id = 1 OR ascii('a') = 97
--> deny tautology possibly
SELECT * FROM users WHERE id = 1 OR 'a' || 'b' = 'ab'
--> deny tautology possibly
SELECT * FROM users WHERE id = 1 OR 1 + 1 = 2
--> deny tautology possibly
SELECT * FROM users WHERE id = 1 OR 1 = ANY (ARRAY[1])
--> deny tautology possibly
SELECT * FROM users WHERE id = 1 OR E'\x61' = 'a'
--> deny program possibly
SELECT * FROM users WHERE id = 1 OR U&'\0061' = 'a'
--> deny tautology possibly
SELECT * FROM users WHERE id = 1 OR x'1' = b'0001'
--> deny tautology possibly
SELECT * FROM users WHERE id = 1 OR 'a' ~ '.'
--> deny tautology possibly
SELECT * FROM users WHERE id = 1 OR 1 OPERATOR(pg_catalog.=) 1
--> deny tautology possibly
SELECT * FROM users WHERE id = 1 OR ROW(1) = ROW(1)
--> deny tautology possibly
SELECT * FROM users WHERE id = 1 OR (1, 2) = (1, 2)
--> deny tautology
SELECT * FROM users WHERE id = 1 OR 1 NOT IN (2, 3)
--> deny tautology
SELECT * FROM users WHERE id = 1 OR 'a' NOT LIKE 'b'
--> deny tautology
SELECT * FROM users WHERE id = 1 OR 5 NOT BETWEEN 1 AND 2
--> deny tautology
SELECT * FROM users WHERE id = 1 OR true IS NOT FALSE
--> deny tautology
SELECT * FROM users WHERE id = 1 OR 1 IS DISTINCT FROM 2
--> deny tautology
SELECT * FROM users WHERE id = 1 OR 1 IS NOT NULL
--> deny tautology
SELECT * FROM users WHERE id = 1 OR NOT name = $1 OR name = $1
--> deny tautology
SELECT * FROM users WHERE lower(name) = lower(name)
--> deny tautology
SELECT * FROM users WHERE id = 1 OR $1 = $1
--> deny union
SELECT name FROM users UNION SELECT user
--> deny union
SELECT name FROM users UNION SELECT current_setting('x') || 'y'
--> deny tautology possibly
SELECT * FROM users WHERE id = 1 OR CASE WHEN 1=1 THEN true END
--> deny no-where
DELETE FROM users
--> deny no-where
UPDATE users SET name = 'x'
--> deny no-where
delete from only users
--> deny no-where
DELETE FROM users WHERE true
--> deny no-where
DELETE FROM users WHERE 1=1
--> deny no-where
UPDATE users SET name = 'x' WHERE NOT false
--> deny no-where
DELETE FROM users USING orders
--> deny no-where
UPDATE users SET name = o.status FROM orders o
--> deny no-where
WITH gone AS (DELETE FROM users RETURNING *) SELECT * FROM gone
--> deny no-where
WITH x AS (SELECT 1) UPDATE users SET name = 'a'
--> deny no-where
EXPLAIN ANALYZE DELETE FROM users
--> deny no-where
EXPLAIN (ANALYZE, BUFFERS) UPDATE users SET name = 'x'
--> deny no-where
PREPARE p (int) AS DELETE FROM users
--> deny no-where
delete/**/from
/* where id = 1 */users--where id = 1
--> deny unreadable
DELETE FROM users WHERE CURRENT OF c
--> deny no-where possibly
DELETE FROM users WHERE 'yes'
--> deny delay
SELECT pg_sleep(5)
--> deny delay
SELECT PG_SLEEP(5)
--> deny delay
SELECT "pg_sleep"(5)
--> deny delay
SELECT pg_catalog.pg_sleep(5)
--> deny delay
SELECT "pg_catalog" . /* */ "pg_sleep" -- x
 (5)
--> deny delay
SELECT pg_sleep_for('5 minutes')
--> deny delay
SELECT * FROM users WHERE id = (SELECT 1 FROM pg_sleep(5))
--> deny delay
SELECT CASE WHEN name LIKE 'a%' THEN pg_sleep(5) END FROM users
--> deny delay
INSERT INTO users (id) SELECT 1 FROM pg_sleep(3)
--> deny delay
EXECUTE p(pg_sleep(1))
--> deny delay
CREATE VIEW v AS SELECT pg_sleep(1)
--> deny delay
CALL p(pg_sleep(1))
--> deny delay
SELECT 1 ORDER BY pg_sleep(1)
--> allow otherwise
SELECT app.pg_sleep(1)
--> allow otherwise
SELECT 'pg_sleep(1)' AS pg_sleep
--> deny program possibly
SELECT U&"\0070g_sleep"(5)
--> deny program possibly
SELECT U&"!0070g_sleep" UESCAPE '!' (5)
--> deny files
SELECT pg_read_file('/etc/passwd')
--> deny files
SELECT * FROM pg_ls_dir('.')
--> deny files
SELECT lo_import('/etc/passwd')
--> deny files
SELECT pg_catalog.lo_export(1, '/tmp/x')
--> deny files
COPY users TO '/tmp/x'
--> deny files
COPY users (id, name) FROM '/tmp/x'
--> deny files
COPY (SELECT * FROM users) TO E'/tmp/x'
--> deny files
COPY users TO $$/tmp/x$$
--> deny files
CREATE SERVER s FOREIGN DATA WRAPPER file_fdw
--> deny files
CREATE EXTENSION IF NOT EXISTS file_fdw
--> deny program
COPY users FROM PROGRAM 'id'
--> deny program
COPY (SELECT 1) TO PROGRAM 'id'
--> deny program
copy/**/users(id)from/**/pRoGrAm'id'
--> deny program
LOAD 'evil'
--> deny program
CREATE FUNCTION system(cstring) RETURNS int AS '/lib/libc.so.6', 'system' LANGUAGE c
--> deny program
CREATE OR REPLACE FUNCTION f() RETURNS void LANGUAGE 'plpython3u' AS $$ import os $$
--> deny program
DO LANGUAGE plperlu $$ system("id") $$
--> deny program possibly
DO $$ BEGIN PERFORM 1; END $$
--> deny network
SELECT * FROM dblink('host=10.0.0.1', 'SELECT 1') AS t(a int)
--> deny network
SELECT public.dblink_exec('x', 'DROP TABLE y')
--> deny network
CREATE EXTENSION dblink
--> deny network
CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'x')
--> deny network
IMPORT FOREIGN SCHEMA public FROM SERVER s INTO public
--> deny network
CREATE SUBSCRIPTION s CONNECTION 'host=x' PUBLICATION p
--> deny network
CREATE USER MAPPING FOR app SERVER s
--> deny dynamic
SELECT query_to_xml('SELECT * FROM users', true, true, '')
--> deny dynamic
SELECT xpath('/x', database_to_xml(true, true, ''))
--> deny dynamic
SELECT * FROM crosstab('SELECT 1, 2, 3') AS t(a int, b int)
--> deny dynamic
SELECT ts_stat('SELECT x FROM y')
--> deny privileges
GRANT ALL ON users TO PUBLIC
--> deny privileges
REVOKE ALL ON users FROM app
--> deny privileges
SET ROLE admin
--> deny privileges
SET LOCAL ROLE admin
--> deny privileges
SET "role" = 'admin'
--> deny privileges
SET SESSION role TO admin
--> deny privileges
SET SESSION AUTHORIZATION admin
--> deny privileges
RESET ROLE
--> deny privileges
RESET SESSION AUTHORIZATION
--> deny privileges
SELECT set_config('role', 'admin', false)
--> deny privileges
SELECT set_config('ROLE', 'admin', true)
--> deny privileges possibly
SELECT set_config('ro' || 'le', 'admin', false)
--> deny privileges
SET session_replication_role = replica
--> deny privileges
ALTER ROLE app SUPERUSER
--> deny privileges
CREATE USER eve PASSWORD 'x'
--> deny privileges
ALTER USER app WITH CREATEROLE
--> deny privileges
DROP GROUP g
--> deny privileges
ALTER TABLE users OWNER TO eve
--> deny privileges
ALTER TABLE users DISABLE ROW LEVEL SECURITY
--> deny privileges
DROP POLICY p ON users
--> deny privileges
ALTER SYSTEM SET archive_command = 'x'
--> deny privileges
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC
--> deny privileges
CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'
--> deny union
SELECT id, name FROM users WHERE id = 1 UNION SELECT 1, passwd FROM pg_shadow
--> deny union
SELECT name FROM users UNION ALL SELECT table_name FROM information_schema.tables
--> deny union
SELECT name FROM users UNION SELECT NULL
--> deny union
SELECT id, name FROM users WHERE id = -1 UNION SELECT NULL, NULL--
--> deny union
SELECT id, name, email FROM users UNION ALL SELECT 1, 2, 3
--> deny union
SELECT id, name FROM users UNION SELECT NULL::int, NULL::text
--> deny union
SELECT name FROM users UNION SELECT version()
--> deny union
SELECT name FROM users UNION SELECT current_user
--> deny union
(SELECT name FROM users) UNION (SELECT (NULL))
--> deny union
SELECT name FROM users UNION SELECT status FROM orders UNION SELECT usename FROM pg_user
--> deny union
SELECT name FROM users EXCEPT SELECT rolname FROM pg_catalog.pg_authid
--> deny union
SELECT * FROM orders WHERE id IN (SELECT id FROM users UNION SELECT NULL)
--> deny stacked
SELECT 1; SELECT 2
--> deny stacked
SELECT * FROM users WHERE id = 1; DROP TABLE users --
--> deny catalogue
SELECT * FROM pg_class
--> deny catalogue
SELECT * FROM "pg_catalog"."pg_class"
--> deny catalogue
SELECT table_name FROM INFORMATION_SCHEMA.tables
--> deny catalogue
SELECT name FROM users WHERE id = (SELECT 1 FROM pg_user LIMIT 1)
--> deny catalogue
SELECT pg_get_viewdef('v'::regclass)
--> deny catalogue
SELECT has_table_privilege('users', 'select')
--> deny catalogue possibly
COPY pg_authid TO STDOUT
--> deny catalogue
EXPLAIN SELECT * FROM pg_roles
--> deny server
SELECT version()
--> deny server
SELECT current_setting('data_directory')
--> deny server
SELECT current_user
--> deny server
SELECT name FROM users WHERE name = user
--> deny server
SELECT pg_stat_get_activity(1)
--> deny unreadable
SELECT 1 1 1 FROM FROM
--> deny program possibly
SELECT 'never closed
--> deny unreadable
BANANA
--> deny program
CREATE EXTENSION plpython3u
--> deny program possibly
CREATE FUNCTION f() RETURNS int AS 'x' LANGUAGE E'\x63'
--> deny network
CREATE FOREIGN TABLE t (a int) SERVER s
--> deny privileges
DROP OWNED BY app
--> deny privileges
ALTER FUNCTION f() SECURITY DEFINER
--> deny no-where
MERGE INTO users u USING (SELECT 1) x ON true WHEN MATCHED THEN DELETE
--> deny no-where
MERGE INTO users u USING orders o ON 1 = 1 WHEN MATCHED THEN UPDATE SET name = 'x'
--> deny union
SELECT name FROM users UNION VALUES (NULL)
--> deny union
SELECT name FROM users UNION (VALUES (NULL::text))
--> deny union
SELECT name FROM users UNION TABLE pg_user
--> deny privileges possibly
UPDATE pg_settings SET setting = 'admin' WHERE name = 'role'
--> deny tautology
UPDATE users SET name = 'x' WHERE EXISTS (SELECT 1) OR id = 7
