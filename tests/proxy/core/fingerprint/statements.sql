--- same: values in statements on rows
INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y') ON CONFLICT (a) DO UPDATE SET b = 'z' RETURNING a
INSERT INTO t (a, b) VALUES (3, 'p'), (4, 'q') ON CONFLICT (a) DO UPDATE SET b = 'r' RETURNING a

--- same: changes
UPDATE t SET a = a + 1, b = 'x' WHERE c = 2
update T set A = a + 9, b = 'y' where c = 8

--- same: limits
SELECT a FROM t LIMIT 1 OFFSET 2
SELECT a FROM t LIMIT 3 OFFSET 4

--- different: statements in one text
SELECT 1
SELECT 1;
;SELECT 1
SELECT 1; SELECT 1
SELECT 1; DELETE FROM t

--- same: several statements
SELECT 1; DELETE FROM t WHERE a = 'b';
select 2 ;/**/ delete from t where a = 'c' ;

--- different: values that decide what a statement does
SET a = 1
SET a = 2
SET a = '1'
SET LOCAL a = 1
SELECT set_config('a', '1', false)
SELECT set_config('a', '2', false)
SELECT pg_catalog."set_config"('a', '1', false)
SELECT pg_catalog."set_config"('a', '2', false)
SELECT 1; SET a = 1
SELECT 2; SET a = 1
PREPARE a AS SELECT 1
PREPARE a AS SELECT 2
EXPLAIN (ANALYZE 0) DELETE FROM t
EXPLAIN (ANALYZE 1) DELETE FROM t
DO $$ x $$
DO $$ y $$
COPY t TO 'a'
COPY t TO 'b'
NOTIFY a, 'b'
NOTIFY a, 'c'
CREATE TABLE t (a int DEFAULT 1)
CREATE TABLE t (a int DEFAULT 2)

--- exact: statements whose values decide
SET a = 1
SHOW a
RESET a
DISCARD ALL
LISTEN a
NOTIFY a, 'b'
PREPARE a AS SELECT 1
EXECUTE a (1)
DEALLOCATE a
DECLARE a CURSOR FOR SELECT 1
FETCH 10 FROM a
COPY t TO 'a'
DO $$ x $$
BEGIN
START TRANSACTION
COMMIT
CREATE TABLE t (a int DEFAULT 1)
ALTER TABLE t ADD a int
DROP TABLE t
GRANT a TO b
REVOKE a FROM b
COMMENT ON TABLE t IS 'a'
SECURITY LABEL ON TABLE t IS 'a'
EXPLAIN SELECT 1
CALL a(1)
VACUUM t
SELECT 1; SET a = 1
WITH a AS (SELECT set_config('a', 'b', true)) SELECT a FROM a
nonsense 1
'a'
1
