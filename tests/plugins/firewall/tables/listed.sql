-- rules: listed
--> allow ends | user=app
BEGIN
--> allow ends | user=app
COMMIT
--> allow ends | user=nobody
SHOW search_path
--> deny otherwise | user=app
SET search_path = hr
--> allow reads | user=app
SELECT * FROM users WHERE id = $1
--> allow reads | user=app_2
SELECT name, count(*) FROM users JOIN orders ON user_id = users.id GROUP BY name
--> deny otherwise | user=other
SELECT * FROM users
--> deny otherwise | user=app
SELECT * FROM users JOIN hr.people p ON p.id = users.id
--> deny otherwise | user=app
SELECT * FROM users WHERE id IN (SELECT id FROM hr.people)
--> deny otherwise | user=app
SELECT 1
--> deny otherwise | user=app
SELECT pg_sleep(1)
--> deny otherwise | user=app
SELECT purge() FROM users
--> deny otherwise | user=app
SELECT * FROM users FOR SHARE; DROP TABLE users
--> deny otherwise | user=app
EXPLAIN SELECT * FROM users
--> deny otherwise | user=app
WITH gone AS (DELETE FROM users WHERE id = 1 RETURNING *) SELECT * FROM gone
--> allow orders | user=app
INSERT INTO orders (id, user_id) VALUES (1, 2)
--> allow orders | user=app
UPDATE orders SET status = 'x' WHERE id = 1
--> allow orders | user=app
INSERT INTO orders (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET status = 'again'
--> deny otherwise | user=app
INSERT INTO orders (id) SELECT id FROM users
--> deny otherwise | user=app
DELETE FROM orders WHERE id = 1
--> deny otherwise | user=app
INSERT INTO users (id) VALUES (1)
--> deny otherwise | user=app
UPDATE orders SET status = name FROM users WHERE users.id = user_id
--> deny otherwise | user=app
COPY orders FROM STDIN
--> deny otherwise | user=app
TRUNCATE orders
--> allow counts | user=stats
SELECT count(*), sum(id) FROM users
--> deny otherwise | user=stats
SELECT count(*), max(id) FROM users
--> deny otherwise | user=stats
SELECT id FROM users
--> allow names | user=names
SELECT name FROM users WHERE id = 1
--> deny otherwise | user=names
SELECT name FROM users WHERE email = 'x'
--> deny otherwise | user=names
SELECT name, status FROM users, orders
--> allow calm | user=admin
DO $$ BEGIN END $$
--> allow calm | user=admin
SELECT U&'x'
--> deny otherwise | user=app
SELECT 'never closed
