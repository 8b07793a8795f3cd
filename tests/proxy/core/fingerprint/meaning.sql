--- different: comparisons of constants
SELECT x FROM t WHERE a = 1 OR 1=1
SELECT x FROM t WHERE a = 1 OR 1=2
SELECT x FROM t WHERE a = 1 OR 2=1

--- same: other values beside one
SELECT x FROM t WHERE a = 1 OR 1=1 OR b = 'c'
SELECT x FROM t WHERE a = 2 OR 1=1 OR b = 'd'

--- different: in other words
SELECT x FROM t WHERE 'a' = 'a'
SELECT x FROM t WHERE 'a' = 'b'
SELECT x FROM t WHERE 1 <> 2
SELECT x FROM t WHERE 1 <> 1
SELECT x FROM t WHERE 'a' LIKE 'a'
SELECT x FROM t WHERE 'a' LIKE 'b'
SELECT x FROM t WHERE 'a' NOT ILIKE '%'
SELECT x FROM t WHERE 'a' NOT ILIKE 'b%'
SELECT x FROM t WHERE 1 IN (1)
SELECT x FROM t WHERE 1 IN (2)
SELECT x FROM t WHERE 1 IN (a, 1)
SELECT x FROM t WHERE 1 IN (a, 2)
SELECT x FROM t WHERE 1 NOT IN (2, 3)
SELECT x FROM t WHERE 1 NOT IN (1, 3)
SELECT x FROM t WHERE 2 BETWEEN 1 AND 3
SELECT x FROM t WHERE 2 BETWEEN 3 AND 3
SELECT x FROM t WHERE 2 BETWEEN 1 AND 1
SELECT x FROM t WHERE 1 IS DISTINCT FROM 2
SELECT x FROM t WHERE 1 IS DISTINCT FROM 1
SELECT x FROM t WHERE 1 IS NOT DISTINCT FROM 1
SELECT x FROM t WHERE 1 IS NOT DISTINCT FROM 2
SELECT x FROM t WHERE 'a' ~ 'a'
SELECT x FROM t WHERE 'a' ~ 'b'
SELECT x FROM t WHERE 1 OPERATOR(pg_catalog.=) 1
SELECT x FROM t WHERE 1 OPERATOR(pg_catalog.=) 2
SELECT x FROM t WHERE 1 = ANY (ARRAY[1, 2])
SELECT x FROM t WHERE 1 = ANY (ARRAY[2, 2])

--- different: in parentheses, with signs, casts and arithmetic
SELECT x FROM t WHERE (1) = (1)
SELECT x FROM t WHERE (1) = (2)
SELECT x FROM t WHERE ((1 = 1))
SELECT x FROM t WHERE ((1 = 2))
SELECT x FROM t WHERE -1 = -1
SELECT x FROM t WHERE -1 = -2
SELECT x FROM t WHERE 1::int = 1
SELECT x FROM t WHERE 1::int = 2
SELECT x FROM t WHERE '1'::double precision = 1
SELECT x FROM t WHERE '1'::double precision = 2
SELECT x FROM t WHERE 1::numeric(10, 2) = 1
SELECT x FROM t WHERE 1::numeric(10, 2) = 2
SELECT x FROM t WHERE CAST(1 AS int) = CAST(1 AS int)
SELECT x FROM t WHERE CAST(1 AS int) = CAST(2 AS int)
SELECT x FROM t WHERE date '2020-01-01' = date '2020-01-01'
SELECT x FROM t WHERE date '2020-01-01' = date '2020-01-02'
SELECT x FROM t WHERE timestamp with time zone '2020-01-01' < '2020-01-02'
SELECT x FROM t WHERE timestamp with time zone '2020-01-03' < '2020-01-02'
SELECT x FROM t WHERE 'a' COLLATE "C" = 'a'
SELECT x FROM t WHERE 'a' COLLATE "C" = 'b'
SELECT x FROM t WHERE 1 + 1 = 2
SELECT x FROM t WHERE 1 + 2 = 2
SELECT x FROM t WHERE 'a' || 'b' = 'ab'
SELECT x FROM t WHERE 'a' || 'b' = 'ba'
SELECT x FROM t WHERE a = (1 = 1)
SELECT x FROM t WHERE a = (1 = 2)
SELECT CASE 1 WHEN 1 THEN a END FROM t
SELECT CASE 1 WHEN 2 THEN a END FROM t
SELECT CASE WHEN 1 = 1 THEN a END FROM t
SELECT CASE WHEN 1 = 2 THEN a END FROM t
SELECT x FROM t WHERE E'a' = $$a$$
SELECT x FROM t WHERE E'a' = $$b$$
SELECT x FROM t WHERE 1/**/=/**/1
SELECT x FROM t WHERE 1/**/=/**/2

--- same: a comparison with a column has a free value
SELECT x FROM t WHERE a = 1 AND 2 < b AND c BETWEEN 1 AND 2 AND d IN (1, 2) AND e LIKE 'f'
SELECT x FROM t WHERE a = 9 AND 8 < b AND c BETWEEN 7 AND 6 AND d IN (5, 4) AND e LIKE 'g'

--- same: and so has one with a function of a column
SELECT x FROM t WHERE coalesce(a, 0) = 1 AND a + 1 = 2 AND a -> 'b' = '1' AND now() > '2020-01-01' AND (a) = 1
SELECT x FROM t WHERE coalesce(a, 2) = 3 AND a + 4 = 5 AND a -> 'b' = '6' AND now() > '2021-01-01' AND (a) = 7

--- same: whatever the column's comparison binds looser or tighter than
SELECT x FROM t WHERE a <-> '[1]' < 2 AND a -> 'b' ->> 'c' = '3' AND a ~ 'd' = true AND a = b || 'e'
SELECT x FROM t WHERE a <-> '[4]' < 5 AND a -> 'b' ->> 'c' = '6' AND a ~ 'f' = true AND a = b || 'g'

--- different: constants compared on one side of a column's comparison
SELECT x FROM t WHERE a = 'b' LIKE 'b'
SELECT x FROM t WHERE a = 'b' LIKE 'c'
SELECT x FROM t WHERE a = 'b' ~ 'b'
SELECT x FROM t WHERE a = 'b' ~ 'c'

--- same: CASE with conditions
SELECT CASE WHEN a = 1 THEN 'b' WHEN a = 2 THEN 'c' ELSE 'd' END FROM t
SELECT CASE WHEN a = 3 THEN 'e' WHEN a = 4 THEN 'f' ELSE 'g' END FROM t

--- different: positions of columns
SELECT a, b FROM t ORDER BY 1
SELECT a, b FROM t ORDER BY 2
SELECT a, b FROM t ORDER BY 1 DESC, 2
SELECT a, b FROM t ORDER BY 1 DESC, 1
SELECT a, b FROM t ORDER BY (1)
SELECT a, b FROM t ORDER BY (2)
SELECT a, b FROM t ORDER BY t.limit, 2
SELECT a, b FROM t ORDER BY t.limit, 1
SELECT a, b FROM t ORDER BY a IS DISTINCT FROM b, 2
SELECT a, b FROM t ORDER BY a IS DISTINCT FROM b, 1
SELECT a, count(*) FROM t GROUP BY 1
SELECT a, count(*) FROM t GROUP BY 2
SELECT a, count(*) FROM t GROUP BY ROLLUP (1, 2)
SELECT a, count(*) FROM t GROUP BY ROLLUP (2, 1)
SELECT a, count(*) FROM t GROUP BY GROUPING SETS ((1), (2))
SELECT a, count(*) FROM t GROUP BY GROUPING SETS ((2), (1))
SELECT DISTINCT ON (1) a, b FROM t
SELECT DISTINCT ON (2) a, b FROM t

--- same: what follows the list, and what is compared in it
SELECT a FROM t WHERE b = 1 ORDER BY 1, c = 5, d <-> '[1]' LIMIT 10 OFFSET 20
SELECT a FROM t WHERE b = 2 ORDER BY 1, c = 6, d <-> '[2]' LIMIT 11 OFFSET 21

--- same: DISTINCT ON ends with its parenthesis
SELECT DISTINCT ON (1) a, 5 FROM t
SELECT DISTINCT ON (1) a, 6 FROM t

--- different: JSON paths
SELECT a->'b' FROM t
SELECT a->'c' FROM t
SELECT a->>'b' FROM t
SELECT a->>'c' FROM t
SELECT a->1 FROM t
SELECT a->2 FROM t
SELECT a->-1 FROM t
SELECT a->-2 FROM t
SELECT a#>'{b}' FROM t
SELECT a#>'{c}' FROM t
SELECT a#>>ARRAY['b'] FROM t
SELECT a#>>ARRAY['c'] FROM t
SELECT a->('b') FROM t
SELECT a->('c') FROM t
SELECT a['b'] FROM t
SELECT a['c'] FROM t
SELECT year['b'] FROM t
SELECT year['c'] FROM t
SELECT a ? 'b' FROM t
SELECT a ? 'c' FROM t
SELECT a @? '$.b' FROM t
SELECT a @? '$.c' FROM t
SELECT jsonb_extract_path(a, 'b') FROM t
SELECT jsonb_extract_path(a, 'c') FROM t
SELECT "jsonb_extract_path"(a, 'b') FROM t
SELECT "jsonb_extract_path"(a, 'c') FROM t
SELECT pg_catalog.jsonb_path_query(a, '$.b') FROM t
SELECT pg_catalog.jsonb_path_query(a, '$.c') FROM t

--- same: values beside a path
SELECT x FROM t WHERE a->>'b' = 'c' AND a @> '{"d": 1}' AND e = ARRAY['f']
SELECT x FROM t WHERE a->>'b' = 'g' AND a @> '{"h": 2}' AND e = ARRAY['i']

--- different: units of time and intervals
SELECT date_trunc('month', a) FROM t
SELECT date_trunc('year', a) FROM t
SELECT extract('month' FROM a) FROM t
SELECT extract('year' FROM a) FROM t
SELECT interval '1 day' FROM t
SELECT interval '1 month' FROM t
SELECT interval '1' day FROM t
SELECT interval '1' month FROM t
SELECT interval '2' month FROM t

--- same: typed values
SELECT x FROM t WHERE a > date '2020-01-01' AND b = timestamp '2020-01-01' AND c = '1'::regclass
SELECT x FROM t WHERE a > date '2021-01-01' AND b = timestamp '2021-01-01' AND c = '2'::regclass

--- different: the type of a typed value
SELECT date '2020-01-01' FROM t
SELECT time '2020-01-01' FROM t
SELECT '2020-01-01'::date FROM t
SELECT '2020-01-01' FROM t

--- different: modifiers of a type
SELECT a::varchar(10) FROM t
SELECT a::varchar(11) FROM t
SELECT a::float(24) FROM t
SELECT a::float(25) FROM t
SELECT CAST(a AS numeric(10, 2)) FROM t
SELECT CAST(a AS numeric(10, 3)) FROM t

--- same: common table expressions are not types
WITH a AS MATERIALIZED (SELECT 1), b AS (SELECT 2), c AS NOT MATERIALIZED (SELECT 'x') SELECT a FROM b
WITH a AS MATERIALIZED (SELECT 3), b AS (SELECT 4), c AS NOT MATERIALIZED (SELECT 'y') SELECT a FROM b

--- different: everything in a subscript
SELECT a[CASE WHEN b THEN 10 ELSE 20 END] FROM t
SELECT a[CASE WHEN b THEN 0 ELSE 20 END] FROM t
SELECT a[1:2] FROM t
SELECT a[1:3] FROM t
