--> set x = 1
SET x = 1
--> set x = 1
SET x TO 1;
--> set x = -1.5
SET x = -1.5
--> set x = +3
SET x=+3
--> set work_mem = '64MB'
SET SESSION work_mem = '64MB'
--> set work_mem = '64MB'
set session work_mem to '64MB'
--> set app.user_id = '42'
SET app.user_id = '42'
--> set app.tenant.id = 'a'
SET "App"."Tenant".id TO 'a'
--> set session.x = 1
SET session.x = 1
--> set local.x = 1
SET local.x = 1
--> reset x
SET x = DEFAULT
--> reset x
SET x TO default
--> reset x
RESET x
--> reset app.user_id
RESET app.user_id
--> set search_path = 'a', '$user', 'public'
SET search_path = a, "$user", public
--> set search_path = 'my schema', 'it''s'
SET search_path TO 'my schema', 'it''s'
--> set search_path = 'shop'
SET SCHEMA 'shop'
--> set search_path = ''
SET search_path = ''
--> set timezone = 'UTC'
SET TIME ZONE 'UTC'
--> set timezone = UTC
SET TIME ZONE UTC
--> set timezone = 'Europe/Rome'
SET timezone TO 'Europe/Rome'
--> set timezone = "Europe/Rome"
SET TimeZone = "Europe/Rome"
--> set timezone = -7
SET TIME ZONE -7
--> reset timezone
SET TIME ZONE LOCAL
--> reset timezone
SET TIME ZONE DEFAULT
--> reset timezone
RESET TIME ZONE
--> set timezone = 'INTERVAL ''-08:00'''
SET TIME ZONE INTERVAL '-08:00' HOUR TO MINUTE
--> pin unfollowed setting
SET TIME ZONE INTERVAL '-8' HOUR TO MINUTE
--> pin unfollowed setting
SET TIME ZONE INTERVAL (2) '-08:00'
--> set client_encoding = 'LATIN1'
SET NAMES 'LATIN1'
--> reset client_encoding
SET NAMES
--> reset client_encoding
SET NAMES DEFAULT
--> set client_encoding = 'utf8'
SET client_encoding TO UTF8
--> set xmloption = DOCUMENT
SET XML OPTION DOCUMENT
--> set role = 'app'
SET ROLE app
--> set role = 'App User'
SET SESSION ROLE "App User"
--> set role = 'none'
SET ROLE none
--> set role = 'app'
SET role = 'app'
--> reset role
RESET ROLE
--> pin session authorization & blurs
SET SESSION AUTHORIZATION app
--> pin session authorization & blurs
SET SESSION SESSION AUTHORIZATION DEFAULT
--> pin session authorization & blurs
SET session_authorization = 'app'
--> pin session authorization & blurs
RESET SESSION AUTHORIZATION
--> pin session authorization & blurs
RESET session_authorization
--> set default_transaction_isolation = 'serializable' & set default_transaction_read_only = on & set default_transaction_deferrable = on
SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE
--> set default_transaction_isolation = 'repeatable read'
SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ
--> set default_transaction_isolation = 'read committed' & set default_transaction_read_only = off & set default_transaction_deferrable = off
set session characteristics as transaction isolation level read committed read write not deferrable
--> pin unfollowed setting
SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL CHAOS
--> pin unfollowed setting
SET SESSION CHARACTERISTICS AS TRANSACTION
--> point passes
SET LOCAL x = 1
--> local role = 'app' & point passes
SET LOCAL ROLE app
--> pin unfollowed setting & blurs & point passes
SET LOCAL standard_conforming_strings = off
--> pin unfollowed setting & blurs & point passes
SET LOCAL NAMES 'SJIS'
--> point passes
SET LOCAL TIME ZONE 'UTC'
--> point passes
SET LOCAL SESSION CHARACTERISTICS AS TRANSACTION READ ONLY
--> nothing
SET TRANSACTION ISOLATION LEVEL SERIALIZABLE
--> nothing
SET SESSION TRANSACTION READ ONLY
--> nothing
SET TRANSACTION SNAPSHOT '00000003-0000001B-1'
--> nothing
SET transaction_isolation = 'serializable'
--> nothing
SET transaction_read_only TO on
--> nothing
RESET TRANSACTION ISOLATION LEVEL
--> nothing
SET CONSTRAINTS ALL DEFERRED
--> nothing
SHOW search_path
--> nothing
SHOW ALL
--> resets all
RESET ALL
--> role=app | resets all
RESET ALL
--> resets all & reset role & discards & forgets prepared
DISCARD ALL
--> nothing
DISCARD PLANS
--> frees
DISCARD TEMP
--> nothing
DISCARD SEQUENCES
--> pin random seed
SET SEED TO 0.5
--> pin pg_temp in search_path & blurs
SET search_path = pg_temp, public
--> pin pg_temp in search_path & blurs
SET search_path TO 'PG_TEMP', public
--> set datestyle = 'ISO, DMY'
SET DateStyle = 'ISO, DMY'
--> set datestyle = sql, mdy
SET datestyle TO sql, mdy
--> set datestyle = German
SET DateStyle TO German
--> pin unfollowed setting
SET DateStyle TO ISO
--> pin unfollowed setting
SET DateStyle = 'DMY'
--> reset datestyle
RESET DateStyle
--> set work_mem = '1MB'
SET sort_mem = '1MB'
--> set x = E'a\\b'
SET x = 'a\b'
--> set x = E'a\'b'
SET x = E'a\'b'
--> set x = 'it''s'
SET x = $$it's$$
--> set x = 'a; SET y = 2'
SET x = $q$a; SET y = 2$q$
--> set x = true
SET x = true
--> set x = on
SET x TO on
--> pin unfollowed setting
SET x = U
   + 1
--> pin unread statement
SET x = U&'\0041'
--> pin unfollowed setting
SET x = 'a'
        'b'
--> pin unfollowed setting
SET x = f(1)
--> pin unfollowed setting
SET x = $1
--> pin unfollowed setting
SET x
--> pin unfollowed setting
SET x =
--> pin unfollowed setting & blurs
SET "odd name" = 1
--> pin unfollowed setting & blurs
SET x FROM CURRENT
--> pin unfollowed setting & blurs
RESET x y
--> pin unfollowed setting & blurs
SET
--> set a = 1 & set b = 2
SET a = 1; SET b = 2;
--> set b = 2 & set a = 3
SET a = 1; SET b = 2; SET a = 3
--> resets all
SET a = 1; RESET ALL
--> resets all & set a = 1
RESET ALL; SET a = 1
--> set x = 1
SELECT 1; SET x = 1
--> set x = 1
SET x = 1; SELECT 1; COMMENT ON TABLE t IS 'SET y = 2'
--> set x = 1 & point ends
BEGIN; SET x = 1; COMMIT
--> set app.user_id = '1' & set work_mem = '2MB' & point unseen
START TRANSACTION; SET work_mem = '2MB'; SET LOCAL app.user_id = '2'; SAVEPOINT a; SET app.user_id = '1'; RELEASE a; SET work_mem = '2MB'; END
--> set x = 2 & point ends
BEGIN; SET x = 1; COMMIT; BEGIN; SET x = 2; COMMIT WORK
--> resets all & point ends
BEGIN; SET x = 1; RESET ALL; COMMIT
--> set x = 1 & point ends
SET x = 1; COMMIT
--> set x = 1
BEGIN; SET x = 1
--> pin set inside a batch & frees & point ends
END; SET x = 1; BEGIN
--> pin set inside a batch & frees & point ends
BEGIN; SET x = 1; ROLLBACK
--> pin set inside a batch & frees & point ends
BEGIN; SET x = 1; ABORT
--> pin set inside a batch & frees & point unseen
BEGIN; SAVEPOINT a; SET x = 1; ROLLBACK TO a; COMMIT
--> pin set inside a batch & frees & point ends
BEGIN; SET x = 1; PREPARE TRANSACTION 'a'
--> pin set inside a batch & frees
SET x = 1; COMMIT PREPARED 'a'
--> pin set inside a batch & frees & point ends
COMMIT; SET x = 1
--> pin set inside a batch & frees & blurs & point unseen
SAVEPOINT a; RESET ALL; ROLLBACK TO a
--> point ends
BEGIN; SET LOCAL x = 1; COMMIT
--> set a.b = 'c'
SELECT set_config('a.b', 'c', false)
--> set a.b = 'c'
SELECT pg_catalog.set_config('A.B', 'c', 'f') AS x
--> set a.b = 'c'
select "set_config"('a.b','c',false)
--> set a.b = 'c' & reset d.e
SELECT set_config('a.b', 'c'::text, false) one, set_config('d.e', NULL, false) "Two";
--> set search_path = 'a', 'B c', '$user', 'x"y'
SELECT set_config('search_path', 'a, "B c", "$user", "x""y"', false)
--> set search_path = 'a'
SELECT set_config('search_path', 'a', false)
--> pin set_config & blurs
SELECT set_config('search_path', 'a,b', false)
--> pin set_config & blurs
SELECT set_config('search_path', 'A, b', false)
--> pin set_config & blurs
SELECT set_config('search_path', '"a", b', false)
--> pin set_config & blurs
SELECT set_config('search_path', 'a, ', false)
--> pin set_config & blurs
SELECT set_config('search_path', '', false)
--> pin set_config & blurs
SELECT set_config('search_path', 'a b', false)
--> pin pg_temp in search_path & blurs
SELECT set_config('search_path', 'pg_temp, a', false)
--> set role = 'app'
SELECT set_config('role', 'app', false)
--> pin set_config & blurs
SELECT set_config('session_authorization', 'app', false)
--> pin set_config
SELECT set_config('odd name', 'app', false)
--> pin set_config
SELECT set_config('DateStyle', 'ISO', false)
--> set datestyle = 'ISO, YMD'
SELECT set_config('DateStyle', 'ISO, YMD', false)
--> point passes
SELECT set_config('a.b', $1, true)
--> point passes
SELECT set_config('a.b', 'c', true), set_config('a.c', 'c', TRUE)
--> pin set_config
SELECT set_config('a.b', 'c', 't')
--> set a.c = 'c'
SELECT set_config('a.b', 'c', true), set_config('a.c', 'c', false)
--> pin set_config & blurs
SELECT set_config($1, $2, false)
--> pin set_config
SELECT set_config('a', 'b', $1)
--> pin set_config
SELECT set_config('a.b', 'c' || 'd', false)
--> pin set_config
SELECT set_config('a.b', E'c', false)
--> pin set_config & blurs
SELECT set_config(setting_name => 'a.b', new_value => 'c', is_local => false)
--> pin set_config
SELECT set_config('a.b', 'c', false) WHERE false
--> pin set_config
SELECT set_config('a.b', 'c', false) FROM t
--> pin set_config
SELECT set_config('a.b', 'c', false), 1
--> pin set_config
SELECT 1, set_config('a.b', 'c', false)
--> pin set_config
SELECT set_config('a.b', 'c', false) UNION ALL SELECT 'x'
--> pin set_config
SELECT * FROM set_config('a.b', 'c', false)
--> pin set_config
SELECT (SELECT set_config('a.b', 'c', false))
--> pin set_config
SELECT coalesce(set_config('a.b', 'c', false), 'x')
--> pin set_config
WITH x AS (SELECT set_config('a.b', 'c', false)) SELECT * FROM x
--> pin set_config
VALUES (set_config('a.b', 'c', false))
--> pin set_config
SELECT a FROM t CROSS JOIN LATERAL (SELECT set_config('a.b', t.x, false)) z
--> pin set_config & schema
CREATE TABLE x AS SELECT set_config('a.b', 'c', false)
--> pin set_config
INSERT INTO t SELECT set_config('a.b', 'c', false)
--> pin set_config
UPDATE t SET a = set_config('a.b', 'c', false)
--> pin set_config
COPY (SELECT set_config('a.b', 'c', false)) TO STDOUT
--> pin set_config
CALL p(set_config('a.b', 'c', false))
--> pin set_config & runs
EXECUTE p(set_config('a.b', 'c', false))
--> pin set_config
EXPLAIN ANALYZE SELECT set_config('a.b', 'c', false)
--> nothing
EXPLAIN SELECT set_config('a.b', 'c', false)
--> nothing
SELECT app.set_config('a.b', 'c', false)
--> similar | pin set_config & blurs
SELECT set_config('a.b', 'c', false)
--> similar | blurs & point passes
SELECT set_config('a.b', 'c', true)
--> pin set_config & blurs
UPDATE pg_settings SET setting = 'x' WHERE name = 'work_mem'
--> pin set_config & blurs
WITH x AS (UPDATE pg_catalog."pg_settings" AS s SET setting = 'x') SELECT 1
--> set standard_conforming_strings = 'off'
SET standard_conforming_strings = off
--> local search_path = 'a', 'B c' & point passes
SET LOCAL search_path = a, "B c"
--> blurs & point passes
SET LOCAL search_path TO DEFAULT
--> local search_path = 'x' & point passes
SET LOCAL SCHEMA 'x'
--> local role = 'none' & point passes
SET LOCAL ROLE NONE
--> blurs & point passes
SET LOCAL search_path = a, pg_temp
--> blurs & point passes
SET LOCAL SESSION AUTHORIZATION app
--> blurs & point passes
BEGIN; SET LOCAL ROLE app
--> local search_path = 'a', 'b' & point passes
SELECT set_config('search_path', 'a, b', true)
--> local role = 'x' & point passes
SELECT set_config('role', 'x', true), set_config('a.b', 'c', true)
--> set x.y = '1' & blurs & point passes
SELECT set_config('search_path', 'a', true), set_config('x.y', '1', false)
--> blurs & point passes
SELECT set_config('search_path', 'a', true) FROM t
--> blurs & point passes
SELECT set_config('search_path', $1, true)
--> blurs & point passes
SELECT set_config('role', NULL, true)
--> pin set_config & blurs
EXPLAIN ANALYZE SELECT set_config('search_path', 'a', false)
--> blurs
EXPLAIN ANALYZE SELECT set_config('search_path', 'a', true)
--> pin set_config
EXPLAIN ANALYZE SELECT set_config('a.b', 'a', false)
--> pin temporary table + set_config & blurs
CREATE TEMP TABLE x AS SELECT set_config('search_path', 'a', false)
--> pin held cursor + set_config & blurs
DECLARE c CURSOR WITH HOLD FOR SELECT set_config('search_path', 'a', false)
--> pin sql-prepare + prepared effect & blurs
PREPARE p AS SELECT set_config('search_path', 'a', false)
--> makes & blurs
PREPARE p AS SELECT set_config('search_path', 'a', true)
--> pin too many settings & blurs
SET x0 = 1; SET x1 = 1; SET x2 = 1; SET x3 = 1; SET x4 = 1; SET x5 = 1; SET x6 = 1; SET x7 = 1; SET x8 = 1; SET x9 = 1; SET x10 = 1; SET x11 = 1; SET x12 = 1; SET x13 = 1; SET x14 = 1; SET x15 = 1; SET x16 = 1; SET x17 = 1; SET x18 = 1; SET x19 = 1; SET x20 = 1; SET x21 = 1; SET x22 = 1; SET x23 = 1; SET x24 = 1; SET x25 = 1; SET x26 = 1; SET x27 = 1; SET x28 = 1; SET x29 = 1; SET x30 = 1; SET x31 = 1; SET x32 = 1; SET x33 = 1; SET x34 = 1; SET x35 = 1; SET x36 = 1; SET x37 = 1; SET x38 = 1; SET x39 = 1; SET x40 = 1; SET x41 = 1; SET x42 = 1; SET x43 = 1; SET x44 = 1; SET x45 = 1; SET x46 = 1; SET x47 = 1; SET x48 = 1; SET x49 = 1; SET x50 = 1; SET x51 = 1; SET x52 = 1; SET x53 = 1; SET x54 = 1; SET x55 = 1; SET x56 = 1; SET x57 = 1; SET x58 = 1; SET x59 = 1; SET x60 = 1; SET x61 = 1; SET x62 = 1; SET x63 = 1; SET x64 = 1; SET role = a
--> pin set inside a batch & frees & blurs & point unseen
SAVEPOINT a; ROLLBACK TO a; SET search_path = b
