-- COPY in every direction, and what goes wrong with it.
CREATE TABLE psql_copy (a int, b text, c numeric);
COPY psql_copy FROM STDIN;
1	one	1.5
2	\N	\N
3	tab\there	-7
\.
COPY psql_copy (a, b) FROM STDIN WITH (FORMAT csv, HEADER);
a,b
4,"quoted, ""text"""
5,
\.
SELECT * FROM psql_copy ORDER BY a;
COPY psql_copy TO STDOUT;
COPY (SELECT a, b FROM psql_copy ORDER BY a) TO STDOUT WITH (FORMAT csv, HEADER, FORCE_QUOTE *);
COPY psql_copy FROM STDIN;
6	six	6
seven	seven	7
\.
SELECT count(*) FROM psql_copy;
COPY psql_copy FROM STDIN;
6	too	many	columns
\.
COPY nowhere TO STDOUT;
COPY nowhere FROM STDIN;
COPY (SELECT 1/0) TO STDOUT;
\copy (SELECT i, repeat('x', i) FROM generate_series(1, 3) i) TO STDOUT
\copy psql_copy (a) FROM STDIN
70
71
\.
\copy psql_copy (a) FROM PROGRAM 'seq 1000 21000'
SELECT count(*), sum(a) FROM psql_copy;
\copy psql_copy TO PROGRAM 'wc -l'
BEGIN;
COPY psql_copy (a) FROM STDIN;
80
\.
ROLLBACK;
SELECT count(*) FROM psql_copy WHERE a = 80;
COPY psql_copy FROM '/no/such/file';
DROP TABLE psql_copy;
COPY (SELECT 'after') TO STDOUT;
