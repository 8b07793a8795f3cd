--> email=users.email
--reads users
SELECT email FROM users

--> email=users.email | n=users.name
--reads users
SELECT u.email, name AS n FROM users u

--> id=orders.id | user_id=orders.user_id | status=orders.status | note=orders.note | amount=orders.amount
--reads orders
SELECT * FROM orders

--> id=orders.id ? orders.user_id,users.id | user_id=orders.user_id ? users.id | status=orders.status ? orders.user_id,users.id | note=orders.note ? orders.user_id,users.id | amount=orders.amount ? orders.user_id,users.id | email=users.email ? orders.user_id,users.id
--reads orders,users
SELECT o.*, u.email FROM orders o JOIN users u ON u.id = o.user_id

--> id=users.id ? orders.status,orders.user_id | email=users.email ? orders.status,orders.user_id,users.id | name=users.name ? orders.status,orders.user_id,users.id | note=users.note ? orders.status,orders.user_id,users.id | data=users.data ? orders.status,orders.user_id,users.id | home=users.home ? orders.status,orders.user_id,users.id
--reads orders,users
SELECT u.* FROM orders o, users u WHERE o.user_id = u.id AND o.status <> ''

--> = | = | = | = | =
--reads
SELECT 1, 'a', current_date, NULL, current_user

--> =users.email,users.name | lower=users.note | coalesce=users.email,users.name
--reads users
SELECT email || name, lower(note), coalesce(email, name) FROM users

--> =users.name,users.note ? users.email
--reads users
SELECT CASE WHEN email > 'a' THEN name ELSE note END FROM users

--> =users.email ? users.name
--reads users
SELECT CASE name WHEN '<users.name>1' THEN email END FROM users

--> email=users.email ? users.name
--reads users
SELECT email FROM users WHERE name LIKE '%1'

--> email=users.email ? users.name
--reads users
SELECT email FROM users ORDER BY name LIMIT 1

--> count= ? users.email
--reads users
SELECT count(*) FROM users WHERE email > ''

--> max=users.email ? users.note | min=users.name ? users.note
--reads users
SELECT max(email), min(name) FROM users GROUP BY note

--> note=users.note ? users.name | count= ? users.name,users.note
--reads users
SELECT note, count(*) FROM users GROUP BY note HAVING max(name) > ''

--> n=orders.note | count= ? orders.note
--reads orders
SELECT note AS n, count(*) FROM orders GROUP BY n ORDER BY n

--> note=users.note
--reads users
SELECT DISTINCT note FROM users

--> email=users.email ? users.name,users.note
--reads users
SELECT DISTINCT ON (note) email FROM users ORDER BY note, name

--> string_agg=users.email ? users.name
--reads users
SELECT string_agg(email, ',' ORDER BY name) FROM users

--> string_agg=users.email ? users.name
--reads users
SELECT string_agg(email, ',') FILTER (WHERE name > '') FROM users

--> =users.email
--reads users
SELECT mode() WITHIN GROUP (ORDER BY email) FROM users

--> = ? users.name,users.note
--reads users
SELECT row_number() OVER (PARTITION BY note ORDER BY name) FROM users

--> =users.email ? users.id,users.note | = ? users.id,users.note
--reads users
SELECT lag(email) OVER w, rank() OVER w FROM users WINDOW w AS (PARTITION BY note ORDER BY id)

--> =users.email ? users.name
--reads users
SELECT first_value(email) OVER (ORDER BY name ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM users

--> email=users.email ? orders.status,orders.user_id,users.id | id=users.id ? orders.status,orders.user_id
--reads orders,users
SELECT email, id FROM users WHERE id IN (SELECT user_id FROM orders WHERE status > '')

--> =orders.status,users.email
--reads orders,users
SELECT email IN (SELECT status FROM orders) FROM users

--> = ? users.email,users.name
--reads users
SELECT EXISTS (SELECT email FROM users WHERE name > '')

--> =orders.status ? orders.user_id,users.id
--reads orders,users
SELECT (SELECT max(status) FROM orders o WHERE o.user_id = u.id) FROM users u

--> =orders.note,users.email
--reads orders,users
SELECT email = ANY (SELECT note FROM orders) FROM users

--> =users.email ? users.name
--reads users
SELECT ARRAY(SELECT email FROM users ORDER BY name)

--> email=users.email | name=users.name
--reads users
SELECT email::varchar(200), CAST(name AS text) FROM users

--> =users.data | =users.data | data=users.data
--reads users
SELECT data ->> 'k', data #>> '{k}', data FROM users

--> home=users.home | street=users.home | town=users.home
--reads users
SELECT home, (home).street, (u.home).town FROM users u

--> street=users.home | town=users.home
--reads users
SELECT (home).* FROM users

--> u=users.data,users.email,users.home,users.id,users.name,users.note
--reads users
SELECT u FROM users u

--> users=users.data,users.email,users.home,users.id,users.name,users.note
--reads users
SELECT users FROM users

--> row_to_json=users.data,users.email,users.home,users.id,users.name,users.note
--reads users
SELECT row_to_json(u) FROM users u

--> row_to_json=users.data,users.email,users.home,users.id,users.name,users.note
--reads users
SELECT row_to_json(u.*) FROM users u

--> =users.data,users.email,users.home,users.id,users.name,users.note
--reads users
SELECT to_jsonb(u) - 'email' FROM users u

--> email=users.email | id=users.id | email=users.email | name=users.name | note=users.note | data=users.data | home=users.home
--reads users
SELECT (u).email, (u).* FROM users u

--> count=users.data,users.email,users.home,users.id,users.name,users.note | count=users.data,users.email,users.home,users.id,users.name,users.note
--reads users
SELECT count(u), count(u.*) FROM users u

--> row=users.email,users.name | =users.id,users.note
--reads users
SELECT ROW(email, name), (id, note) FROM users

--> =items.tags | tags=items.tags
--reads items
SELECT tags[1], tags FROM items

--> email=users.email
--reads users
SELECT u.email FROM users AS u (a, email)

--> a=users.id | b=users.email
--reads users
SELECT a, b FROM users AS u (a, b)

--> a=users.email
--reads users
SELECT x.a FROM (SELECT email, name FROM users) AS x (a)

--> email=users.email
--reads users
SELECT x.email FROM (SELECT * FROM users) x

--> e=users.email ? orders.note | name=users.name ? orders.note,users.email | id=orders.id ? orders.note,users.email | user_id=orders.user_id ? orders.note,users.email | status=orders.status ? orders.note,users.email | note=orders.note ? users.email | amount=orders.amount ? orders.note,users.email
--reads orders,users
SELECT * FROM (SELECT email AS e, name FROM users) x JOIN orders ON note = e

--> note=orders.note | email=users.email
--reads orders,users
SELECT note, email FROM orders CROSS JOIN (SELECT email FROM users) u

--> E-Mail=Mixed Case.E-Mail | email=Mixed Case.email | Id=Mixed Case.Id
--reads Mixed Case
SELECT "E-Mail", email, "Id" FROM "Mixed Case"

--> X=Mixed Case.E-Mail
--reads Mixed Case
SELECT m."E-Mail" AS "X" FROM "Mixed Case" AS m

--> email=users.email | name=users.name
--reads users
SELECT EMAIL, Users.NAME FROM USERS

--> email=users.email
--reads users
SELECT public.users.email FROM public.users

--> email=users.email | badge=hr.users.badge
--reads hr.users,users
SELECT public.users.email, hr.users.badge FROM users, hr.users

--> name=hr.people.name | salary=hr.people.salary
--reads hr.people
SELECT name, salary FROM hr.people

--> id=users.id ? hr.people.id,hr.people.name,users.name | name=users.name ? hr.people.id,hr.people.name,users.id | email=users.email ? hr.people.id,hr.people.name,users.id,users.name | note=users.note ? hr.people.id,hr.people.name,users.id,users.name | data=users.data ? hr.people.id,hr.people.name,users.id,users.name | home=users.home ? hr.people.id,hr.people.name,users.id,users.name | salary=hr.people.salary ? hr.people.id,hr.people.name,users.id,users.name
--reads hr.people,users
SELECT * FROM users NATURAL JOIN hr.people

--> id=users.id ? hr.users.id | email=users.email ? hr.users.id,users.id | name=users.name ? hr.users.id,users.id | note=users.note ? hr.users.id,users.id | data=users.data ? hr.users.id,users.id | home=users.home ? hr.users.id,users.id | badge=hr.users.badge ? hr.users.id,users.id
--reads hr.users,users
SELECT * FROM users JOIN hr.users USING (id)

--> id=hr.people.id,users.id ? hr.people.name,users.name | name=hr.people.name,users.name ? hr.people.id,users.id
--reads hr.people,users
SELECT id, name FROM users FULL JOIN hr.people USING (id, name)

--> id=hr.users.id ? users.id | badge=hr.users.badge ? hr.users.id,users.id
--reads hr.users,users
SELECT id, badge FROM users RIGHT JOIN hr.users USING (id)

--> name=users.name ? hr.people.name | name=hr.people.name ? users.name | name=users.name ? hr.people.name
--reads hr.people,users
SELECT u.name, p.name, name FROM users u JOIN hr.people p USING (name)

--> id=users.id ? items.order_id,orders.id,orders.user_id | email=users.email ? items.order_id,orders.id,orders.user_id,users.id | name=users.name ? items.order_id,orders.id,orders.user_id,users.id | note=users.note ? items.order_id,orders.id,orders.user_id,users.id | data=users.data ? items.order_id,orders.id,orders.user_id,users.id | home=users.home ? items.order_id,orders.id,orders.user_id,users.id | id=orders.id ? items.order_id,orders.user_id,users.id | user_id=orders.user_id ? items.order_id,orders.id,users.id | status=orders.status ? items.order_id,orders.id,orders.user_id,users.id | note=orders.note ? items.order_id,orders.id,orders.user_id,users.id | amount=orders.amount ? items.order_id,orders.id,orders.user_id,users.id | id=items.id ? items.order_id,orders.id,orders.user_id,users.id | order_id=items.order_id ? orders.id,orders.user_id,users.id | title=items.title ? items.order_id,orders.id,orders.user_id,users.id | tags=items.tags ? items.order_id,orders.id,orders.user_id,users.id
--reads items,orders,users
SELECT * FROM users u JOIN (orders o JOIN items i ON i.order_id = o.id) ON o.user_id = u.id

--> title=items.title ? items.order_id,orders.id | status=orders.status ? items.order_id,orders.id
--reads items,orders
SELECT j.title, j.status FROM (orders o JOIN items i ON i.order_id = o.id) AS j

--> title=items.title ? items.id,orders.id
--reads items,orders
SELECT j.title FROM (orders o JOIN items i USING (id)) AS j

--> id=users.id ? items.order_id,orders.id,orders.user_id | email=users.email ? items.order_id,orders.id,orders.user_id,users.id | name=users.name ? items.order_id,orders.id,orders.user_id,users.id | note=users.note ? items.order_id,orders.id,orders.user_id,users.id | data=users.data ? items.order_id,orders.id,orders.user_id,users.id | home=users.home ? items.order_id,orders.id,orders.user_id,users.id | id=orders.id ? items.order_id,orders.user_id,users.id | user_id=orders.user_id ? items.order_id,orders.id,users.id | status=orders.status ? items.order_id,orders.id,orders.user_id,users.id | note=orders.note ? items.order_id,orders.id,orders.user_id,users.id | amount=orders.amount ? items.order_id,orders.id,orders.user_id,users.id | id=items.id ? items.order_id,orders.id,orders.user_id,users.id | order_id=items.order_id ? orders.id,orders.user_id,users.id | title=items.title ? items.order_id,orders.id,orders.user_id,users.id | tags=items.tags ? items.order_id,orders.id,orders.user_id,users.id
--reads items,orders,users
SELECT * FROM users u JOIN orders o JOIN items i ON i.order_id = o.id ON o.user_id = u.id

--> email=users.email ? orders.user_id,users.id | s=orders.status ? orders.user_id,users.id
--reads orders,users
SELECT u.email, l.s FROM users u, LATERAL (SELECT o.status AS s FROM orders o WHERE o.user_id = u.id) l

--> email=users.email | s=users.name
--reads users
SELECT u.email, l.s FROM users u LEFT JOIN LATERAL (SELECT u.name AS s) l ON true

--> t=items.tags
--reads items
SELECT t FROM items, unnest(tags) AS t

--> x=items.tags | n= ? items.tags
--reads items
SELECT t.x, t.n FROM items, unnest(items.tags) WITH ORDINALITY AS t (x, n)

--> k=users.data | v=users.data
--reads users
SELECT k, v FROM users, jsonb_each_text(data) AS j (k, v)

--> k=users.data
--reads users
SELECT r.k FROM users, jsonb_to_record(data) AS r (k text)

--> g=
--reads
SELECT g FROM generate_series(1, 3) AS g

--> g=users.id | email=users.email ? users.id
--reads users
SELECT g, email FROM users, generate_series(1, id) g

--> unnest=items.tags
--reads items
SELECT unnest(tags) FROM items

--> regexp_split_to_table=users.email
--reads users
SELECT regexp_split_to_table(email, 'm') FROM users

--> p=users.email
--reads users
SELECT p FROM users, regexp_split_to_table(email, 'x') AS p

--> email=orders.status,users.email
--reads orders,users
SELECT email FROM users UNION SELECT status FROM orders

--> email=orders.note,users.email | =orders.id
--reads orders,users
SELECT email, 1 FROM users UNION ALL SELECT note, id FROM orders ORDER BY 1

--> email=users.email ? users.note
--reads users
SELECT email FROM users EXCEPT SELECT note FROM users

--> email=users.email ? users.name
--reads users
SELECT email FROM users INTERSECT SELECT email FROM users WHERE name > ''

--> email=log.line,users.email ? users.name
--reads log,users
(SELECT email FROM users ORDER BY name LIMIT 1) UNION ALL (SELECT line FROM log)

--> column1= | column2=users.email
--reads users
VALUES (1, 'x'), (2, (SELECT max(email) FROM users))

--> b=
--reads
SELECT v.b FROM (VALUES (1, 'x')) AS v (a, b)

--> at=log.at | line=log.line
--reads log
TABLE log

--> name=users.name
--reads users
WITH c AS (SELECT email, name FROM users) SELECT name FROM c

--> b=users.name ? users.email
--reads users
WITH c (a, b) AS (SELECT email, name FROM users) SELECT b FROM c WHERE a > ''

--> line=users.email
--reads users
WITH log AS (SELECT email AS line FROM users) SELECT line FROM log

--> line=log.line
--reads log
WITH log AS (SELECT line FROM log) SELECT line FROM log

--> line=log.line
--reads log,users
WITH log AS (SELECT email AS line FROM users) SELECT public.log.line FROM public.log

--> x=users.email
--reads users
WITH a AS (SELECT email FROM users), b AS (SELECT email AS x FROM a) SELECT x FROM b

--> k= | k=users.email
--reads users
WITH a AS (SELECT 1 AS k), b AS (WITH a AS (SELECT email AS k FROM users) SELECT k FROM a) SELECT a.k, b.k FROM a, b

--> t=users.name,users.note ? users.id | n=users.id
--reads users
WITH RECURSIVE r (n, t) AS (SELECT id, name FROM users WHERE id = 1 UNION ALL SELECT r.n + 1, u.note FROM r JOIN users u ON u.id = r.n + 1) SELECT t, n FROM r

--> a=users.email,users.name,users.note ? users.id
--reads users
WITH RECURSIVE r (a, b, c) AS (SELECT 'x', name, note FROM users WHERE id = 1 UNION ALL SELECT b, c, email FROM r JOIN users ON users.id < 3 WHERE a < 'z' AND a = 'x') SELECT a FROM r

--> mail=users.email via v_users.mail | name=users.name via v_users.name
--reads users,v_users
SELECT mail, name FROM v_users

--> id=users.id ? orders.user_id via v_calm.id,v_users.id | mail=users.email ? orders.user_id,users.id,v_users.id via v_calm.mail,v_users.mail | status=orders.status ? orders.user_id,users.id,v_users.id via v_calm.status
--reads orders,users,v_calm,v_users
SELECT * FROM v_calm

--> who=users.email ? orders.user_id,users.id,v_users.id via v_calm.mail,v_top.who,v_users.mail | what=orders.status ? orders.user_id,users.email,users.id,v_calm.mail,v_users.id,v_users.mail via v_calm.status,v_top.what
--reads orders,users,v_calm,v_top,v_users
SELECT who, what FROM v_top

--> v=orders.status,users.email ? orders.user_id,users.id,v_users.id via v_calm.mail,v_calm.status,v_top.what,v_top.who,v_users.mail
--reads orders,users,v_calm,v_top,v_users
SELECT v FROM v_top v

--> pay= ? hr.people.salary via hr.v_pay.pay | name=hr.people.name via hr.v_pay.name
--reads hr.people,hr.v_pay
SELECT pay, name FROM hr.v_pay

--> email=users.email via m_users.email
--reads m_users,users
SELECT email FROM m_users

--> kind=events.kind,events_high.kind,events_low.kind | body=events.body,events_high.body,events_low.body
--reads events,events_high,events_low
SELECT kind, body FROM events

--> body=events.body,events_low.body
--reads events,events_low
SELECT body FROM events_low

--> tableoid=events.tableoid | kind=events.kind,events_high.kind,events_low.kind
--reads events,events_high,events_low
SELECT e.tableoid, e.kind FROM events e

--> email=users.email
--reads users
SELECT email FROM users TABLESAMPLE system (100)

--> email=users.email
--reads users
SELECT email FROM ONLY users FOR UPDATE

--> =users.email
--reads users
SELECT (SELECT email) FROM users

--> =users.name ? users.email
--reads users
SELECT (SELECT u2.name FROM users u2 WHERE u2.email = u.email) FROM users u

--> id=users.id ? orders.status,orders.user_id
--reads orders,users
SELECT id FROM users u WHERE EXISTS (SELECT 1 FROM orders WHERE user_id = u.id AND status > '')

--> max=users.email | count= ? users.name
--reads users
SELECT max(email) OVER (), count(*) OVER (ORDER BY name) FROM users

--> note=users.note | =users.note
--reads users
SELECT note, GROUPING(note) FROM users GROUP BY ROLLUP (note)

--> note=users.note
--reads users
SELECT note FROM users GROUP BY GROUPING SETS ((note), ())

--> =users.email,users.name | =users.email,users.note | =users.id,users.name
--reads users
SELECT greatest(email, name), nullif(email, note), concat(id, name) FROM users

--> = | =users.email | =users.name | =users.note
--reads users
SELECT extract(year FROM now()), substring(email FROM 1 FOR 40), trim(name), position('a' IN note) FROM users

--> =users.email | =users.name | =users.note
--reads users
SELECT email COLLATE "C", name IS NULL, NOT (note > '') FROM users

--> =users.data,users.email,users.home,users.id,users.name,users.note
--reads users
SELECT json_agg(u) FROM users u

--> json_build_object=log.line,users.email
--reads log,users
SELECT json_build_object('e', email, 'n', (SELECT max(line) FROM log)) FROM users

--> array_agg=users.name
--reads users
SELECT array_agg(DISTINCT name) FROM users

--> x=users.email
--reads users
SELECT x FROM (SELECT email FROM users) AS x

--> email=users.email
--reads users
SELECT (x).email FROM (SELECT email, name FROM users) AS x

--> status=orders.status ? orders.note,orders.user_id,users.email,users.id
--reads orders,users
SELECT status FROM orders WHERE (user_id, note) IN (SELECT id, '<orders.note>1' FROM users WHERE email > '')

--> email=users.email ? users.home
--reads users
SELECT u.email FROM users u WHERE u.home = ROW('a', 'b')::address OR true

--> email=users.email ? orders.status
--reads orders,users
SELECT email FROM users LIMIT (SELECT count(*) FROM orders WHERE status > '')

--> =users.email
--reads users
SELECT pg_typeof(email)::text FROM users

--> relname=pg_catalog.pg_class.relname
--reads pg_catalog.pg_class
SELECT relname FROM pg_class WHERE relname = 'users'

--> column_name=information_schema.columns.column_name ? information_schema.columns.table_name
--reads information_schema.columns
SELECT column_name FROM information_schema.columns WHERE table_name = 'log'

--> ...
--reads users
SELECT email FROM users; SELECT name FROM users WHERE note > ''

--> =users.email
--reads users
SELECT (SELECT string_agg FROM (SELECT string_agg(email, ',') FROM users) AS x)

--> upper=users.email | =users.name,users.note ? users.id
--reads users
SELECT x.* FROM (SELECT upper(email), CASE WHEN id > 1 THEN name ELSE note END FROM users) AS x

--> note=users.name,users.note ? users.id
--reads users
SELECT x.note FROM (SELECT CASE WHEN id > 1 THEN name ELSE note END FROM users) AS x

--> =events.body,events_high.body,events_low.body,users.email
--reads events,events_high,events_low,users
SELECT (SELECT body FROM (SELECT length(email) FROM users LIMIT 1) x) FROM events

--> =users.email
--reads users
SELECT (SELECT email FROM jsonb_to_record('{}') AS r (a int)) FROM users

--> a=users.email | b=users.name
--reads users
SELECT c.a, c.b FROM users u CROSS JOIN LATERAL (VALUES (u.email, u.name)) AS c (a, b)

--> email=users.email ? users.id,users.name,users.note
--reads users
SELECT u1.email FROM users u1 WHERE u1.name > ALL (SELECT u2.name FROM users u2 WHERE u2.note = u1.note AND u2.id <> u1.id)

--> sum=orders.amount ? orders.note,orders.user_id,users.email,users.id,users.name
--reads orders,users
SELECT sum(amount) FROM orders o JOIN users u ON u.id = o.user_id WHERE u.email > '' GROUP BY u.name HAVING count(o.note) > 0

--> email=users.email ? users.id,users.name
--reads users
SELECT email FROM users WHERE id = $1 AND name = $2

--> e=users.email | =users.name ? users.email | =users.note ? users.email
--reads users
SELECT substring(email, 1, 40) AS e, left(name, 40), replace(note, 'a', 'a') FROM users ORDER BY e

--> max=hr.people.name,users.name
--reads hr.people,users
SELECT max(x.n) FROM (SELECT name AS n FROM users UNION ALL SELECT name FROM hr.people) x

--> status=orders.status ? orders.id,users.email,users.id
--reads orders,users
SELECT status FROM orders o NATURAL JOIN (SELECT id FROM users WHERE email > '') u

--> o=orders.amount,orders.id,orders.note,orders.status,orders.user_id
--reads orders
SELECT o FROM orders o WHERE o.id = 1

--> =users.email,users.name | =users.note
--reads users
SELECT ARRAY[email, name], ARRAY[ARRAY[note]] FROM users

--> =users.email,users.name
--reads users
SELECT (ARRAY[email, name])[1] FROM users

--> =users.data,users.email,users.home,users.id,users.name,users.note
--reads users
SELECT (SELECT ROW(u.*)) FROM users u

--> email=users.email ? users.data,users.home,users.id,users.name,users.note
--reads users
SELECT email FROM users u WHERE u IS NOT NULL

--> =users.email,users.name
--reads users
SELECT json_object_agg(name, email) FROM users

--> string_agg=users.email
--reads users
SELECT string_agg(DISTINCT email, ',') FROM users

--> email=users.email
--reads users
SELECT email FROM users FETCH FIRST 2 ROWS ONLY

--> =
--reads users
SELECT 'email' FROM users

--> = ? users.note | = ? users.note
--reads users
SELECT nullif(1, 1), true AND false FROM users WHERE note IS NOT NULL
