--> set x = 1
/**/SET/**/x/**/=/**/1/**/
--> set x = 1
-- a comment
SET -- another
 x --
 = 1
--> set x = 1
/* /* nested */ SET y = 2 */ SET x = 1
--> set x = 1
;;SET x = 1;;
--> set x = 1
sEt X tO 1
--> set x = 1
SELECT '/*'; SET x = 1; SELECT '*/'
--> set x = 1
SELECT '--'; SET x = 1
--> set x = 1
SELECT $a$ $b$ $a$; SET x = 1; SELECT $b$ $a$ $b$
--> set x = 1
SELECT E'\''; SET x = 1; --'
--> shareable
SELECT '\''; SET x = 1; --'
--> pin unread statement
SELECT '\''; SET x = 1; --'
SELECT 1
--> standard_conforming_strings=off | set x = 1
SELECT '\''; SET x = 1; --'
--> standard_conforming_strings=off | shareable
SELECT 'a\'; SET x = 1; --'
--> set x = 1
SELECT 'a\'; SET x = 1; --'
--> pin unread statement
SELECT E'a'
       'b\'; SET x = 1; --'
--> set x = 1
SELECT "a""; b"; SET x = 1
--> set x = 1
SELECT a$$ FROM t; SET x = 1; SELECT b$$ FROM t
--> shareable
SELECT $$; SET x = 1; $$
--> pin unread statement
SELECT U&'\0027; SET x = 1'
--> pin unread statement
SELECT U&"set\005fconfig"('a.b', 'c', false)
--> shareable
SELECT '; SET x = 1'
--> shareable
SELECT "; SET x = 1" FROM t
--> shareable
SELECT N'; SET x = 1'
--> shareable
SELECT B'01', X'1F', E'; SET x = 1'
--> set x = 1
SELECT 1 +--; LISTEN a
 2; SET x = 1
--> set x = 1
SELECT 1 */**/ 2; SET x = 1
--> pin unread statement
SELECT 1 */* 2; SET x = 1
--> pin unread statement
SELECT 'open
--> pin unread statement
SELECT "open
--> pin unread statement
SELECT $a$ open $b$
--> pin unread statement
SELECT /* open
--> pin unread statement
SELECT (1; SET x = 1
--> pin unread statement
SELECT 1 \gset
--> pin unread statement
SELECT {fn now()}
--> pin unread statement
"SET" x = 1
--> pin unread statement
GARBAGE
--> pin unread statement
42
--> pin unread statement
SELEC 1
--> pin unread statement
SELECT FROM WHERE
--> pin unread statement
(UPDATE t SET a = 1)
--> pin unread statement
EXPLAIN ANALYZE
--> pin unread statement
EXPLAIN ANALYZE GARBAGE
--> pin unread statement
SELECT 1; GARBAGE
--> pin unread statement & set x = 1
GARBAGE; SET x = 1
--> listen a & set x = 1
LISTEN a; SET x = 1
--> pin advisory lock & schema
EXPLAIN (ANALYZE true, FORMAT json) CREATE TABLE x AS SELECT pg_advisory_lock(1)
--> pin advisory lock
EXPLAIN ANALYSE VERBOSE SELECT pg_advisory_lock(1)
--> nothing
EXPLAIN (SELECT pg_advisory_lock(1))
--> pin advisory lock
EXPLAIN ("analyze") SELECT pg_advisory_lock(1)
--> shareable
SELECT 'pg_advisory_lock(1)'
--> shareable
SELECT pg_advisory_lock FROM t
--> pin advisory lock
SELECT pg_advisory_lock/* */(1)
--> pin advisory lock
SELECT pg_advisory_lock -- x
 (1)
--> nothing
WITH x AS (INSERT INTO t VALUES (1) RETURNING a) SELECT * FROM x
--> nothing
WITH x AS (SELECT 1) DELETE FROM t USING x RETURNING *
--> nothing
MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN UPDATE SET b = 1 WHEN NOT MATCHED THEN INSERT VALUES (1)
--> nothing
UPDATE t SET (a, b) = (SELECT 1, 2) WHERE c = 'SET x = 1'
--> set x = -1
SET x=-1
--> pin unfollowed setting & blurs
SET été.x = 1
