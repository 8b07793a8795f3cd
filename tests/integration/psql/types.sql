-- Values of many types, their text, and NULLs.
SELECT 1::smallint, 2::int, 3::bigint, 1.5::real, 1.25::double precision, 12345.678900::numeric(20, 6), 'NaN'::numeric;
SELECT true, false, NULL::bool, 't'::"char", 'abc'::char(5), 'abc'::varchar, ''::text, NULL::text;
SELECT '\x00ff10'::bytea, B'1011', '{"a": [1, null]}'::json, '{"b": 2, "a": 1}'::jsonb, '<a/>'::text;
SELECT date '2024-02-29', time '12:34:56.789', timetz '12:00+02', timestamp '2024-02-29 1:2:3', timestamptz '2024-06-01 12:00+00', interval '1 year 2 days 3 seconds';
SELECT '{1,2,NULL}'::int[], '{{a,b},{c,"d e"}}'::text[], int4range(1, 5), '10.0.0.1/8'::inet, '08:00:2b:01:02:03'::macaddr, '(1,2)'::point;
SELECT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, 'fat & rat'::tsquery, to_tsvector('simple', 'a fat cat');
SELECT ROW(1, 'two', NULL), ARRAY[ROW(1, 2)], NULL;
SELECT 'ünïcode ✓ 日本', chr(128512), E'tab\tnewline\nquote''', $$dollar 'quoted'$$, $tag$ $$ $tag$, U&'\0441\043b';
SELECT 1 AS "odd "" name", 2 AS "UPPER", 3 AS "", 4;
\pset null '(null)'
SELECT NULL, '', 'x' WHERE true;
SELECT WHERE false;
SELECT;
\x on
SELECT 1 AS a, 'expanded' AS b;
\x off
\gdesc
SELECT 1 AS a, 'x'::varchar(10) AS b, now() AS c \gdesc
SET DateStyle = 'SQL, DMY';
SET TimeZone = 'Asia/Kolkata';
SET IntervalStyle = 'iso_8601';
SET extra_float_digits = 0;
SET bytea_output = 'escape';
SELECT date '2024-02-29', timestamptz '2024-06-01 12:00+00', interval '1 year 2 days 3 seconds', 0.1::float8 + 0.2::float8, '\x00ff'::bytea;
RESET ALL;
SELECT date '2024-02-29', timestamptz '2024-06-01 12:00+00', interval '1 year 2 days 3 seconds', 0.1::float8 + 0.2::float8, '\x00ff'::bytea;
SELECT * FROM (VALUES (1, 'one'), (2, NULL)) AS v (n, t);
TABLE pg_catalog.pg_am;
SELECT length(repeat('x', 10000000)), md5(repeat('x', 10000000));
