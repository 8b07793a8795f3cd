-- rules: scoped
--> deny user | user=mallory
SELECT 1
--> deny user | user=temp_7
BEGIN
--> allow otherwise | user=Mallory
SELECT 1
--> allow otherwise | user=atemp_7
SELECT 1
--> deny database | database=old_shop
SELECT 1
--> deny listener | listener=outside
SELECT 1
--> deny network | network=10.9.0.0/16
SELECT 1
--> deny network | network=local
SELECT 1
--> allow otherwise | network=10.0.0.0/8
SELECT 1
--> deny application | application=a crawler 2
SELECT 1
--> deny night until 2026-01-05T23:00 | user=clerk at=2026-01-05T22:30
SELECT 1
--> deny night until 2026-01-05T23:00 | user=clerk at=2026-01-05T21:00
SELECT 1
--> allow otherwise until 2026-01-05T21:00 | user=clerk at=2026-01-05T05:00
SELECT 1
--> deny weekend until 2026-01-04T21:00 | user=clerk at=2026-01-04T12:00
INSERT INTO users VALUES (1)
--> allow otherwise until 2026-01-04T21:00 | user=clerk at=2026-01-04T12:00
SELECT 1
--> deny night until 2026-03-29T00:15 | user=clerk at=2026-03-29T00:10
SELECT 1
--> deny drop
DROP TABLE users
--> deny drop
DROP SCHEMA public CASCADE
--> deny drop
TRUNCATE users
--> deny drop
SELECT 1; DROP TABLE users
--> deny drop possibly
BANANA
--> deny drop possibly
DO $$ BEGIN DROP TABLE users; END $$
--> deny delete
DELETE FROM users WHERE id = 1
--> deny delete
EXPLAIN ANALYZE DELETE FROM users WHERE id = 1
--> deny delete
WITH gone AS (DELETE FROM users WHERE id = 1 RETURNING id) SELECT * FROM gone
--> deny delete
PREPARE p AS DELETE FROM users WHERE id = $1
--> deny delete
EXPLAIN (ANALYZE) WITH g AS (DELETE FROM users WHERE id = 1 RETURNING id) INSERT INTO orders SELECT id FROM g
--> deny delete
MERGE INTO users u USING orders o ON o.id = u.id WHEN MATCHED THEN DELETE
--> deny delete
COPY (DELETE FROM users WHERE id = 1 RETURNING *) TO STDOUT
--> allow otherwise
SELECT 'delete from users'
--> allow otherwise
SELECT delete FROM (SELECT 1 AS delete) x
--> deny schema
SELECT * FROM hr.people
--> deny schema
CREATE TABLE hr.x AS SELECT 1
--> deny schema possibly
SELECT * FROM nowhere
--> allow otherwise
SELECT hr.id FROM users hr
--> deny written
INSERT INTO log VALUES (1)
--> deny written
COPY log FROM STDIN
--> allow otherwise
SELECT * FROM log
--> deny email
SELECT email FROM users
--> deny email
SELECT * FROM users
--> deny email
SELECT name FROM users WHERE email = 'x'
--> deny email
UPDATE users SET email = 'x' WHERE id = 1
--> deny email
SELECT mail FROM mails
--> allow otherwise
SELECT name FROM users
--> deny function
SELECT md5(name) FROM users
--> deny function
SELECT "md5"(name) FROM users
--> allow otherwise
SELECT "MD5" FROM (SELECT 1 AS "MD5") x
--> allow overruled | user=mallory
ROLLBACK
--> allow overruled | user=mallory
ROLLBACK TO a
