--> line=log.line
--reads log
--writes log
--stores log.at <-
--stores log.line <-
INSERT INTO log VALUES (9, 'x') RETURNING line

--> line=log.line,users.email ? users.name | at=log.at,users.id ? users.name
--reads log,users
--writes log
--stores log.line <- users.email ? users.name
--stores log.at <- users.id ? users.name
INSERT INTO log (line, at) SELECT email, id FROM users WHERE name > '' RETURNING line, at

--> at=log.at | line=log.line,users.email
--reads log,users
--writes log
--stores log.line <- users.email
INSERT INTO log AS l (line) VALUES ((SELECT max(email) FROM users)) RETURNING l.*

--> at=log.at | line=log.line
--reads log
--writes log
INSERT INTO log DEFAULT VALUES RETURNING *

--> email=orders.note,users.email ? orders.id,users.id | note=users.name,users.note ? orders.id,users.id | name=users.name ? orders.id,users.id
--reads orders,users
--writes users
--stores users.id <- orders.id
--stores users.email <- orders.note
--stores users.email <- orders.note ? orders.id,users.id
--stores users.note <- users.name ? orders.id,users.id
INSERT INTO users (id, email) SELECT id, note FROM orders ON CONFLICT (id) DO UPDATE SET email = excluded.email, note = users.name WHERE users.id > 0 RETURNING email, note, name

--> email=orders.status,users.email ? orders.id,users.id | name=orders.note,users.name ? orders.id,users.id
--reads orders,users
--writes users
--stores users.id <-
--stores users.email <-
--stores users.email <- orders.status ? orders.id,users.id
--stores users.name <- orders.note ? orders.id,users.id
INSERT INTO users (id, email) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET (email, name) = (SELECT status, orders.note FROM orders WHERE orders.id = excluded.id) RETURNING email, name

-->
--reads users
--writes users
--stores users.id <-
--stores users.email <-
INSERT INTO users (id, email) VALUES (1, 'x') ON CONFLICT DO NOTHING

--> note=users.email,users.note ? users.name
--reads users
--writes users
--stores users.note <- users.email ? users.name
UPDATE users SET note = email WHERE name > '' RETURNING note

--> note=orders.status,users.note ? orders.user_id,users.id | amount=orders.amount ? orders.user_id,users.id | email=users.email ? orders.user_id,users.id
--reads orders,users
--writes users
--stores users.note <- orders.status ? orders.user_id,users.id
--stores users.name <-  ? orders.user_id,users.id
UPDATE users u SET note = o.status, name = DEFAULT FROM orders o WHERE o.user_id = u.id RETURNING u.note, o.amount, u.email

--> note=users.email,users.note | name=users.name
--reads users
--writes users
--stores users.note <- users.email
--stores users.name <-
UPDATE users SET (note, name) = (email, 'x') RETURNING note, name

--> id=users.id | email=users.email | name=orders.note,users.name ? orders.id,users.id | note=orders.status,users.note ? orders.id,users.id | data=users.data | home=users.home
--reads orders,users
--writes users
--stores users.note <- orders.status ? orders.id,users.id
--stores users.name <- orders.note ? orders.id,users.id
UPDATE users SET (note, name) = (SELECT status, orders.note FROM orders WHERE orders.id = users.id) RETURNING *

--> home=users.email,users.home
--reads users
--writes users
--stores users.home <- users.email
UPDATE users SET home.street = email RETURNING home

--> tags=items.tags,items.title
--reads items
--writes items
--stores items.tags <- items.title
UPDATE items SET tags[1] = title RETURNING tags

-->
--reads
--writes log
--stores log.line <-
UPDATE log SET line = 'x'

--> email=users.email ? users.name
--reads users
--writes users
DELETE FROM users WHERE name > '' RETURNING email

--> email=users.email ? orders.user_id,users.id | status=orders.status ? orders.user_id,users.id
--reads orders,users
--writes users
DELETE FROM users u USING orders o WHERE o.user_id = u.id RETURNING u.email, o.status

-->
--reads
--writes log
DELETE FROM log

--> email=users.email ? users.id
--reads users
--writes users
WITH gone AS (DELETE FROM users RETURNING email, id) SELECT email FROM gone WHERE id > 1

--> line=log.line,users.email
--reads log,users
--writes log
--stores log.at <- users.id
--stores log.line <- users.email
WITH kept AS (INSERT INTO log (at, line) SELECT id, email FROM users RETURNING line) SELECT line FROM kept

--> line=log.line,users.email
--reads log,users
--writes log
--stores log.line <- users.email
WITH a AS (SELECT email FROM users) INSERT INTO log (line) SELECT email FROM a RETURNING line

--> line=log.line,users.email ? log.at,users.id
--reads log,users
--writes log
--stores log.line <- users.email ? log.at,users.id
WITH a AS (SELECT email, id FROM users) UPDATE log SET line = a.email FROM a WHERE a.id = log.at RETURNING line

-->
--reads log,users
--writes log
--stores log.line <- users.email ? log.at,users.id,users.name
--stores log.at <- users.id ? log.at
--stores log.line <- users.note ? log.at,users.id
MERGE INTO log USING users u ON u.id = log.at WHEN MATCHED AND u.name > '' THEN UPDATE SET line = u.email WHEN NOT MATCHED THEN INSERT (at, line) VALUES (u.id, u.note)

-->
--reads log,users
--writes log
MERGE INTO log AS l USING (SELECT id, email FROM users) AS s ON s.id = l.at WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN DO NOTHING

--> mail=users.email via v_users.mail
--reads users,v_users
--writes users,v_users
--stores users.email <-
--stores v_users.mail <-
UPDATE v_users SET mail = 'x' RETURNING mail

--> mail=orders.status,users.email via v_users.mail
--reads orders,users,v_users
--writes users,v_users
--stores users.id <- orders.id
--stores v_users.id <- orders.id
--stores users.email <- orders.status
--stores v_users.mail <- orders.status
INSERT INTO v_users (id, mail) SELECT id + 50, status FROM orders RETURNING mail

--> mail=users.email ? users.name,v_users.name via v_users.mail
--reads users,v_users
--writes users,v_users
DELETE FROM v_users WHERE name > '' RETURNING mail

--> body=events.body,events.kind,events_high.body,events_high.kind,events_low.body,events_low.kind
--reads events,events_high,events_low
--writes events,events_high,events_low
--stores events.body <- events.kind,events_high.kind,events_low.kind
--stores events_high.body <- events.kind,events_high.kind,events_low.kind
--stores events_low.body <- events.kind,events_high.kind,events_low.kind
UPDATE events SET body = kind RETURNING body

--> kind=events.kind,events_high.kind,events_low.kind
--reads events,events_high,events_low
--writes events,events_high,events_low
--stores events.id <-
--stores events_high.id <-
--stores events_low.id <-
--stores events.kind <-
--stores events_high.kind <-
--stores events_low.kind <-
--stores events.body <-
--stores events_high.body <-
--stores events_low.body <-
INSERT INTO events VALUES (5, 'a', 'b') RETURNING kind

-->
--reads users
--stores copy_of.email <- users.email ? users.name
--stores copy_of.key <- users.id ? users.name
--makes copy_of
CREATE TABLE copy_of AS SELECT email, id AS key FROM users WHERE name > ''

-->
--reads users
--stores pg_temp.log.line <- users.email
--makes pg_temp.log
--shadows log
CREATE TEMP TABLE log AS SELECT email AS line FROM users

-->
--reads
--makes new_one
CREATE TABLE new_one (a int, b text)

-->
--reads hr.people
--stores v_new.x <- hr.people.salary
--makes v_new
CREATE VIEW v_new (x) AS SELECT salary FROM hr.people

-->
--reads users
--stores m_new.name <- users.name
--makes m_new
CREATE MATERIALIZED VIEW m_new AS SELECT name FROM users WITH NO DATA

-->
--reads users
--stores copied.email <- users.email
--makes copied
SELECT email INTO copied FROM users

--> email=users.email | id=users.id
--reads users
COPY users (email, id) TO STDOUT

--> name=users.name ? users.email
--reads users
COPY (SELECT name FROM users WHERE email > '') TO STDOUT

-->
--reads
--writes log
--stores log.at <-
--stores log.line <-
COPY log FROM STDIN

-->
--reads
--writes log
--stores log.line <-
COPY log (line) FROM STDIN

--> QUERY PLAN= ? users.email
--reads users
EXPLAIN SELECT email FROM users

--> QUERY PLAN= ? log.line
--reads log
--writes log
EXPLAIN (ANALYZE, COSTS OFF) DELETE FROM log WHERE line > ''

--> email=users.email ? users.name
--reads users
PREPARE p (text) AS SELECT email FROM users WHERE name = $1

--> email=users.email
--reads users
DECLARE c CURSOR FOR SELECT email FROM users

-->
--reads
--writes log,orders
TRUNCATE log, orders

-->
--reads
DEALLOCATE ALL

-->
--reads
BEGIN

-->
--reads
SET search_path = hr
