-- rules: closed
--> deny salaries
SELECT * FROM hr.salaries
--> deny salaries
select pay from HR.Salaries
--> deny salaries
SELECT * FROM "hr"."salaries"
--> deny salaries
SELECT * FROM/**/hr/**/./**/salaries
--> deny salaries
SELECT * FROM /* public.users */ hr.salaries -- public.users
--> deny salaries
TABLE hr.salaries
--> deny salaries
SELECT * FROM users u JOIN hr.salaries s ON s.id = u.id
--> deny salaries
SELECT * FROM users, LATERAL (SELECT * FROM hr.salaries s WHERE s.id = users.id) x
--> deny salaries
SELECT name FROM users WHERE id IN (SELECT id FROM hr.salaries WHERE pay > 100)
--> deny salaries
SELECT (SELECT max(pay) FROM hr.salaries)
--> deny salaries
SELECT name FROM users WHERE EXISTS (SELECT 1 FROM hr.salaries)
--> deny salaries
WITH s AS (SELECT * FROM hr.salaries) SELECT * FROM s
--> deny salaries
WITH RECURSIVE s AS (SELECT id FROM hr.salaries UNION SELECT id FROM s) SELECT * FROM s
--> deny salaries
WITH a AS (WITH b AS (SELECT * FROM hr.salaries) SELECT * FROM b) SELECT * FROM a
--> deny salaries
SELECT id FROM users UNION SELECT pay FROM hr.salaries
--> deny salaries
SELECT id FROM users EXCEPT ALL SELECT id FROM hr.salaries
--> deny salaries
(((SELECT * FROM hr.salaries)))
--> deny salaries
SELECT * FROM (((SELECT * FROM (hr.salaries CROSS JOIN users)))) x
--> deny salaries
SELECT * FROM ONLY hr.salaries
--> deny salaries
SELECT * FROM hr.salaries AS users
--> deny salaries
SELECT pay::text FROM hr.salaries
--> deny salaries
SELECT CAST(pay AS text) FROM hr.salaries
--> deny salaries
INSERT INTO users (id) SELECT pay FROM hr.salaries
--> deny salaries
INSERT INTO hr.salaries VALUES (1, 2)
--> deny salaries
UPDATE hr.salaries SET pay = pay * 2 WHERE id = 1
--> deny salaries
UPDATE users SET name = s.pay FROM hr.salaries s WHERE s.id = users.id
--> deny salaries
DELETE FROM hr.salaries WHERE id = 1
--> deny salaries
DELETE FROM users USING hr.salaries s WHERE s.id = users.id
--> deny salaries
MERGE INTO users u USING hr.salaries s ON s.id = u.id WHEN MATCHED THEN DELETE
--> deny salaries
WITH w AS (INSERT INTO hr.salaries VALUES (1, 2) RETURNING *) SELECT * FROM w
--> deny salaries
TRUNCATE hr.salaries
--> deny salaries
TRUNCATE users, hr.salaries
--> deny salaries
COPY hr.salaries TO STDOUT
--> deny salaries
COPY hr.salaries (id, pay) FROM STDIN
--> deny salaries
COPY (SELECT * FROM hr.salaries) TO STDOUT WITH (FORMAT csv)
--> deny salaries
EXPLAIN SELECT * FROM hr.salaries
--> deny salaries
EXPLAIN ANALYZE VERBOSE SELECT * FROM hr.salaries
--> deny salaries
EXPLAIN (ANALYZE, FORMAT json) DELETE FROM hr.salaries WHERE id = 1
--> deny salaries
PREPARE p AS SELECT * FROM hr.salaries
--> deny salaries
PREPARE p (int) AS SELECT * FROM hr.salaries WHERE id = $1
--> deny salaries
DECLARE c CURSOR FOR SELECT * FROM hr.salaries
--> deny salaries
DECLARE c NO SCROLL CURSOR WITH HOLD FOR (SELECT * FROM hr.salaries)
--> deny salaries
CREATE TABLE x AS SELECT * FROM hr.salaries
--> deny salaries
CREATE TEMP TABLE x AS TABLE hr.salaries
--> deny salaries
SELECT * INTO x FROM hr.salaries
--> deny salaries
CREATE VIEW x AS SELECT * FROM hr.salaries
--> deny salaries
CREATE MATERIALIZED VIEW x AS SELECT * FROM hr.salaries
--> deny salaries
SELECT * FROM pays
--> deny salaries
SELECT 1; SELECT * FROM hr.salaries
--> deny salaries
BEGIN; SELECT * FROM hr.salaries; COMMIT
--> deny salaries | search_path=hr
SELECT * FROM salaries
--> deny salaries | search_path=hr, public
SELECT * FROM salaries s
--> allow otherwise
SELECT * FROM public.salaries
--> allow otherwise
SELECT * FROM salaries
--> deny salaries possibly
SELECT U&"p\0061y" FROM hr.salaries
--> deny salaries possibly
SELECT * FROM U&"hr"."salaries"
--> deny salaries possibly
SELECT * FROM U&"\0068r"."salaries"
--> deny salaries possibly
DO $$ BEGIN PERFORM * FROM hr.salaries; END $$
--> deny salaries possibly
DO $$ BEGIN EXECUTE 'SELECT * FROM h' || 'r.salaries'; END $$
--> deny salaries possibly
SELECT query_to_xml('SELECT * FROM hr.salaries', true, true, '')
--> deny salaries possibly
SELECT purge()
--> deny salaries possibly
SELECT public."purge"()
--> deny salaries possibly
CALL purge()
--> deny salaries possibly
EXECUTE p
--> deny salaries possibly
EXPLAIN ANALYZE EXECUTE p
--> deny salaries possibly
CREATE TABLE x AS EXECUTE p
--> deny salaries possibly
SELECT * FROM what_is_not_known
--> deny salaries possibly
ALTER TABLE hr.salaries ADD x int
--> deny salaries possibly
DROP TABLE hr.salaries
--> deny salaries possibly
LOCK TABLE hr.salaries
--> deny salaries possibly
SET search_path = hr; SELECT * FROM salaries
--> deny salaries possibly
SELECT 'never closed
--> deny salaries possibly
SELECT $$ never closed
--> deny salaries possibly
SELECT /* /* */ 1
--> deny salaries possibly
GRANT SELECT ON hr.salaries TO eve
--> deny salaries possibly
CREATE RULE r AS ON INSERT TO users DO ALSO SELECT * FROM hr.salaries
--> deny salaries possibly
CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT max(pay) FROM hr.salaries; END
--> allow payroll | user=payroll
SELECT * FROM hr.salaries
--> allow payroll | user=payroll
SELECT * FROM hr.salaries s JOIN users u ON u.id = s.id
--> deny salaries | user=payroll
SELECT * FROM hr.salaries s JOIN orders o ON o.id = s.id
--> deny salaries possibly | user=payroll
SELECT purge() FROM hr.people
--> deny salaries | user=payrol
SELECT * FROM hr.salaries
--> deny salaries | user=payroll
SELECT * FROM hr.people; INSERT INTO orders SELECT * FROM hr.salaries
--> allow otherwise
FETCH ALL FROM c
--> allow otherwise
CLOSE c
--> allow otherwise
SELECT 'hr.salaries'
--> allow otherwise
SELECT name AS "hr.salaries" FROM users
--> allow otherwise
SELECT * FROM users -- hr.salaries
--> allow otherwise
WITH salaries AS (SELECT 1 AS pay) SELECT * FROM salaries
--> allow otherwise
SELECT count(*), max(id), lower(name) FROM users GROUP BY name
--> allow otherwise
COPY users TO STDOUT
--> allow otherwise
BEGIN
--> allow otherwise
SET work_mem = '1MB'
