SELECT ARRAY[1, 2, 3], ARRAY['a', 'b c', NULL, ''], '{1,2}'::int[], '{"a b",c,NULL}'::text[], ARRAY[]::int[], ARRAY[1.50, 2], ARRAY[true, false];
SELECT ARRAY[];
SELECT '{1,x}'::int[];
SELECT '{1,2'::int[];
SELECT (ARRAY[10, 20, 30])[2], (ARRAY[10])[5], (ARRAY['a'])[1];
SELECT ARRAY[1, 2] || 3, ARRAY[1] || ARRAY[2, 3], 0 || ARRAY[1], ARRAY['a'] || 'b'::text;
SELECT ARRAY[1, 2] = ARRAY[1, 2], ARRAY[1] <> ARRAY[2], ARRAY[1, 2, 3] @> ARRAY[2], ARRAY[2] <@ ARRAY[1, 2], ARRAY[1, 2] && ARRAY[2, 3];
SELECT array_length(ARRAY[1, 2, 3], 1), array_length(ARRAY[]::int[], 1), cardinality(ARRAY[1, 2]), array_position(ARRAY['a', 'b'], 'b'), array_upper(ARRAY[5, 6], 1), array_lower(ARRAY[5], 1);
SELECT array_append(ARRAY[1], 2), array_prepend(0, ARRAY[1]), array_remove(ARRAY[1, 2, 1], 1), array_cat(ARRAY[1], ARRAY[2]);
SELECT unnest(ARRAY[1, 2, 3]);
SELECT u FROM unnest(ARRAY['a', 'b']) AS u;
SELECT u, o FROM unnest(ARRAY['a', 'b']) WITH ORDINALITY AS t(u, o);
SELECT u, o FROM upper('one') WITH ORDINALITY AS t(u, o);
SELECT array_agg(x ORDER BY x DESC), array_agg(x) FROM generate_series(1, 3) AS x;
SELECT array_agg(x) FROM generate_series(1, 0) AS x;
SELECT ARRAY(SELECT x FROM generate_series(1, 3) AS x);
SELECT 2 = ANY (ARRAY[1, 2]), 5 = ANY ('{1,2}'::int[]), 1 <> ALL (ARRAY[2, 3]), 1 = ANY (NULL::int[]), NULL = ANY (ARRAY[1]);
SELECT 1.0 = ANY (ARRAY[1.00, 2]);
SELECT ARRAY[1, 2]::text[], '{1.5,2}'::numeric[], ARRAY['1', '2']::int[], ARRAY[date '2024-01-01'];
SELECT pg_typeof(ARRAY[1]), pg_typeof(ARRAY['a']), pg_typeof(ARRAY[1, 2.5]);
-- differs 0A000
SELECT ARRAY[[1, 2], [3, 4]];
-- differs 0A000
SELECT (ARRAY[1, 2, 3])[1:2];
-- differs 0A000
SELECT ARRAY[1] < ARRAY[2];
SELECT a[i], i FROM (VALUES (ARRAY[10, 20, 30], 1), (ARRAY[10, 20, 30], 3), (ARRAY[10, 20, 30], 4)) v (a, i) ORDER BY i;
SELECT (ARRAY['a', 'b', 'c'])[i + 1], (ARRAY['a', 'b', 'c'])[2], (ARRAY['a', 'b', 'c'])[1 + 1] FROM generate_series(0, 2) i ORDER BY i;
