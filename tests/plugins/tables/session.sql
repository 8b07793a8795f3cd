--> nothing
BEGIN
--> nothing
START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY
--> point ends
COMMIT AND CHAIN
--> point ends
END
--> point returns a
ROLLBACK TO SAVEPOINT a
--> point ends
ABORT
--> point makes a
SAVEPOINT a
--> point frees a
RELEASE SAVEPOINT a
--> point ends
PREPARE TRANSACTION 'x'
--> nothing
COMMIT PREPARED 'x'
--> nothing
ROLLBACK PREPARED 'x'
--> point ends
BEGIN; INSERT INTO t VALUES (1); COMMIT
--> makes
PREPARE p AS SELECT 1
--> makes
PREPARE "P" (int, text) AS INSERT INTO t VALUES ($1, $2)
--> pin sql-prepare
SELECT 1; PREPARE p AS SELECT 1
--> pin sql-prepare + prepared effect & blurs
PREPARE p
--> pin sql-prepare + prepared effect
PREPARE p (int) AS SELECT set_config('a', $1::text, false)
--> makes
prepare transaction_ as select 1
--> pin advisory lock & runs
EXECUTE p(pg_advisory_lock(1))
--> runs
EXECUTE p(1, 2)
--> runs
EXPLAIN (COSTS off) EXECUTE p(1)
--> runs
EXPLAIN ANALYZE EXECUTE p
--> schema & runs
CREATE TABLE t AS EXECUTE p
--> nothing
SELECT 1; EXECUTE p
--> drops & frees
DEALLOCATE p
--> drops & frees
DEALLOCATE PREPARE p
--> forgets prepared & frees
DEALLOCATE ALL
--> forgets prepared & frees
DEALLOCATE PREPARE ALL
--> drops & frees
DEALLOCATE "all"
--> listen a & aside
LISTEN A
--> listen A & aside
LISTEN "A";
--> pin listen
LISTEN a, b
--> unlisten b & aside & frees
UNLISTEN b
--> unlisten * & aside & frees
UNLISTEN *
--> listen a & unlisten * & listen b & frees
LISTEN a; SELECT 1; UNLISTEN *; LISTEN b
--> listen a & frees & pin advisory lock & point ends
BEGIN; LISTEN a; SELECT pg_advisory_lock(1); ROLLBACK
--> nothing
NOTIFY a, 'LISTEN b'
--> listen A b
SELECT 1; LISTEN "A b"
--> pin load
LOAD 'auto_explain'
--> pin held cursor
DECLARE c CURSOR WITH HOLD FOR SELECT 1
--> pin held cursor
DECLARE c BINARY INSENSITIVE NO SCROLL CURSOR WITH HOLD FOR SELECT 1
--> nothing
DECLARE c CURSOR FOR SELECT 1
--> nothing
DECLARE c CURSOR WITHOUT HOLD FOR SELECT 1
--> nothing
DECLARE c CURSOR FOR SELECT 'WITH HOLD' FROM t WHERE a = "with hold"
--> pin advisory lock
DECLARE c CURSOR FOR SELECT pg_advisory_lock(id) FROM t
--> point fetches
FETCH ALL FROM c
--> point fetches
MOVE 3 IN c
--> frees
CLOSE ALL
--> nothing
COPY t FROM STDIN
--> nothing
COPY t (a, b) TO STDOUT WITH (FORMAT csv)
--> pin advisory lock
COPY (SELECT pg_advisory_lock(1)) TO STDOUT
--> nothing
VACUUM (ANALYZE) t
--> nothing
ANALYSE t
--> nothing
REINDEX TABLE t
--> nothing
REFRESH MATERIALIZED VIEW v
--> nothing
CHECKPOINT
--> nothing
LOCK TABLE t IN ACCESS EXCLUSIVE MODE
--> nothing
TRUNCATE t
--> nothing
GRANT SELECT ON t TO app
--> nothing
COMMENT ON TABLE t IS 'x'
--> nothing
CALL p(1)
--> pin advisory lock
SELECT pg_advisory_lock(1)
--> pin advisory lock & frees
SELECT pg_try_advisory_lock_shared(1, 2)
--> pin advisory lock & frees
SELECT pg_catalog . pg_try_advisory_lock (1)
--> pin advisory lock
SELECT "pg_advisory_lock"(1)
--> pin advisory lock
SELECT PG_ADVISORY_LOCK(1)
--> pin advisory lock & frees
SELECT * FROM t WHERE pg_try_advisory_lock(t.id) LIMIT 1
--> pin advisory lock
SELECT 1 FROM a JOIN LATERAL (SELECT pg_advisory_lock(a.id)) x ON true
--> pin advisory lock
WITH x AS MATERIALIZED (SELECT pg_advisory_lock(1)) SELECT * FROM x
--> pin advisory lock
SELECT * FROM ROWS FROM (pg_advisory_lock(1)) AS x
--> pin advisory lock & frees
INSERT INTO t SELECT 1 WHERE pg_try_advisory_lock(1)
--> pin advisory lock
DELETE FROM t RETURNING pg_advisory_lock(id)
--> pin advisory lock
SELECT array(SELECT pg_advisory_lock(1))
--> pin advisory lock
SELECT CASE WHEN true THEN pg_advisory_lock(1) END
--> nothing
SELECT pg_advisory_xact_lock(1)
--> frees
SELECT pg_advisory_unlock(1)
--> frees
SELECT pg_advisory_unlock_all()
--> nothing
SELECT "PG_ADVISORY_LOCK"(1)
--> nothing
SELECT app.pg_advisory_lock(1)
--> resets all & unlisten * & frees
SELECT pg_advisory_unlock_all();
CLOSE ALL;
UNLISTEN *;
RESET ALL;
--> pin sequence state
SELECT currval('s')
--> pin sequence state
SELECT lastval()
--> pin sequence state
INSERT INTO t (a) VALUES (currval('s'))
--> nothing
SELECT nextval('s')
--> nothing
SELECT setval('s', 1)
--> pin random seed
SELECT setseed(0.5)
--> pin dblink connection
SELECT ext.dblink_connect('a', 'host=b')
--> nothing
SELECT * FROM dblink('host=b', 'SELECT 1') AS t(a int)
--> pin set_limit
SELECT set_limit(0.2)
--> pin runs text as a statement
SELECT query_to_xml('SELECT pg_advisory_lock(1)', true, false, '')
--> pin runs text as a statement
SELECT * FROM crosstab('SELECT 1') AS t(a int)
--> pin temporary replication slot
SELECT pg_create_logical_replication_slot('a', 'pgoutput', true)
--> nothing
SELECT pg_create_logical_replication_slot('a', 'pgoutput')
--> nothing
SELECT pg_create_physical_replication_slot('a')
--> pin backup
SELECT pg_backup_start('x')
--> pin replication origin
SELECT pg_replication_origin_session_setup('x')
--> pin temporary table
CREATE TEMP TABLE x (a int)
--> pin temporary table
CREATE TEMPORARY TABLE x AS SELECT 1
--> pin temporary table & frees
create local temp table x (a int) on commit drop
--> pin temporary table
CREATE GLOBAL TEMPORARY TABLE x (a int)
--> pin temporary table
CREATE OR REPLACE TEMP VIEW v AS SELECT 1
--> pin temporary table
CREATE TEMP RECURSIVE VIEW v (a) AS SELECT 1
--> pin temporary table
CREATE TEMPORARY SEQUENCE s
--> pin temporary table
CREATE TABLE pg_temp.x (a int)
--> pin temporary table
CREATE TABLE "pg_temp".x (a int)
--> pin temporary table
CREATE TABLE pg_temp_3.x AS SELECT 1
--> pin temporary table
CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'
--> pin temporary table
ALTER TABLE x SET SCHEMA pg_temp
--> pin temporary table
IMPORT FOREIGN SCHEMA a FROM SERVER b INTO pg_temp
--> pin temporary table
SELECT 1 AS a INTO TEMP x
--> pin temporary table
SELECT * INTO TEMPORARY TABLE x FROM t
--> pin temporary table
WITH y AS (SELECT 1) SELECT * INTO TEMP TABLE x FROM y
--> pin temporary table
EXPLAIN ANALYZE CREATE TEMP TABLE x AS SELECT 1
--> search_path=pg_temp, public | pin temporary table
CREATE TABLE x (a int)
--> search_path="pg_temp" | pin temporary table
SELECT 1 INTO x
--> search_path=public, pg_temp | frees
DROP INDEX i
--> nothing
DELETE FROM pg_temp.x
--> schema
CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path = admin, pg_temp AS 'SELECT 1'
--> schema
CREATE TABLE temp (temporary int)
--> schema
SELECT 1 INTO temp_x
--> schema
CREATE TABLE x (a int)
--> schema
CREATE UNLOGGED TABLE x (a int)
--> schema
CREATE TABLE IF NOT EXISTS x AS SELECT 1
--> schema
SELECT 1 INTO x
--> schema
EXPLAIN (ANALYZE, BUFFERS) CREATE TABLE x AS SELECT 1
--> nothing
EXPLAIN (BUFFERS) CREATE TABLE x AS SELECT 1
--> nothing
EXPLAIN CREATE TEMP TABLE x AS SELECT 1
--> schema
ALTER TABLE x ADD COLUMN b int
--> schema
ALTER TABLE x ALTER COLUMN b SET DEFAULT 1
--> schema & frees
DROP TABLE x, y CASCADE
--> schema
CREATE OR REPLACE VIEW v AS SELECT 1
--> schema
CREATE MATERIALIZED VIEW v AS SELECT 1
--> schema
CREATE OR REPLACE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('a','b',false); END $$
--> schema
CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END
--> set x = 1 & schema
CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END; SET x = 1
--> set y = 1 & schema & point ends
CREATE TABLE t AS SELECT begin atomic FROM x; SET y = 1; END
--> schema
CREATE TYPE mood AS ENUM ('a', 'b')
--> schema
ALTER TYPE mood ADD VALUE 'c'
--> schema
CREATE DOMAIN d AS int
--> schema
CREATE SCHEMA s
--> schema & frees
DROP SCHEMA s CASCADE
--> schema
CREATE EXTENSION hstore
--> schema
CREATE RULE r AS ON INSERT TO t DO ALSO (INSERT INTO u VALUES (1); INSERT INTO v VALUES (2))
--> schema & frees
DROP OWNED BY app
--> schema
CREATE FOREIGN TABLE ft (a int) SERVER s
--> nothing
CREATE INDEX CONCURRENTLY i ON t (lower(a))
--> nothing
CREATE DATABASE shop
--> nothing
CREATE ROLE r SET search_path = a
--> outdates
ALTER ROLE r SET search_path = a
--> outdates
ALTER USER "R" IN DATABASE d SET search_path TO DEFAULT
--> outdates
ALTER ROLE ALL SET search_path FROM CURRENT
--> outdates
ALTER ROLE CURRENT_USER RESET ALL
--> outdates
ALTER ROLE in IN DATABASE set RESET search_path
--> outdates
ALTER DATABASE d SET SCHEMA 'a'
--> outdates
ALTER DATABASE d RESET "search_path"
--> outdates
ALTER DATABASE d SET NAMES 'latin1'
--> outdates
ALTER ROLE r SET role = admin
--> search_path='pg_temp, public' | outdates
ALTER ROLE r SET client_encoding = 'latin1'
--> point ends & outdates
BEGIN; ALTER ROLE r SET search_path = a; COMMIT
--> nothing
ALTER ROLE r PASSWORD 'set'
--> nothing
ALTER ROLE r IN DATABASE d SET work_mem = '1MB'
--> nothing
ALTER ROLE set RENAME TO search_path
--> nothing
ALTER DATABASE d RESET work_mem
--> nothing
ALTER DATABASE d SET TIME ZONE 'UTC'
--> nothing
ALTER DATABASE d SET work_mem = '1MB'
--> nothing
ALTER SYSTEM SET work_mem = '1MB'
--> nothing
CREATE USER "table"
--> nothing
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO r
--> nothing
DO $$ BEGIN UPDATE t SET a = 1; END $$
--> blurs
DO LANGUAGE plpgsql $$ BEGIN PERFORM f(); SET LOCAL x = 1; END $$
--> nothing
DO 'BEGIN INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2; END'
--> blurs
DO $$ BEGIN PERFORM set_config('a', 'b', true); END $$
--> schema
DO $$ BEGIN ALTER TABLE t ALTER COLUMN a SET NOT NULL; END $$
--> pin do block & blurs
DO $$ BEGIN SET x = 1; END $$
--> pin do block & blurs
DO $$ BEGIN IF true THEN SET x = 1; END IF; END $$
--> pin do block & blurs
DO $$ BEGIN UPDATE t SET a = 1; /* */ set x = 1; END $$
--> pin do block & blurs
DO $$ <<l>> BEGIN RESET ALL; END $$
--> pin do block & schema & blurs
DO $$ BEGIN CREATE TEMP TABLE x (a int); END $$
--> pin do block & schema & blurs
DO $$ BEGIN EXECUTE 'SET x = 1'; END $$
--> pin do block & blurs
DO $$ BEGIN LISTEN a; END $$
--> pin set_config & blurs
DO $$ BEGIN PERFORM set_config('a', 'b', false); END $$
--> pin advisory lock & blurs
DO $do$ BEGIN PERFORM pg_advisory_lock(1); END $do$
--> pin do block & schema & blurs
DO $$ plpy.execute("SET x = 1") $$ LANGUAGE plpython3u
--> pin do block & schema & blurs
DO LANGUAGE "plperl" 'x'
--> pin do block & schema & blurs
DO $$ it's broken $$
--> pin do block & schema & blurs
DO E'BEGIN SET x = 1; END'
--> similar | pin do block & schema & blurs
DO $$ BEGIN NULL; END $$
--> nothing

--> nothing
;;  ;
--> nothing
-- SET x = 1
--> nothing
/* SET x = 1; /* LISTEN a */ */
--> point returns b
ROLLBACK WORK TO b
--> point returns A b
ROLLBACK TRANSACTION TO SAVEPOINT "A b"
--> point returns savepoint
ROLLBACK TO savepoint
--> point frees a
RELEASE a
--> point frees savepoint
RELEASE SAVEPOINT savepoint
--> pin unread statement
SAVEPOINT U&"x"
--> point ends
ROLLBACK AND CHAIN
--> point unseen
SAVEPOINT a; INSERT INTO t VALUES (1); RELEASE a
--> point makes äääääääääääääääääääääääääääääää
SAVEPOINT ääääääääääääääääääääääääääääääääääääääää
