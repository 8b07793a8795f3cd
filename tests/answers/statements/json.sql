SELECT '{"b": 1, "a": [1, 2]}'::jsonb, '[1,2.50,"x",null,true]'::jsonb, '"x"'::jsonb, '{"a":1,"a":2}'::jsonb, '{ "b" : 1 }'::json;
SELECT '{bad'::jsonb;
SELECT '{"a": {"b": [10, 20]}}'::jsonb -> 'a' -> 'b' -> 1, '{"a": {"b": [10, 20]}}'::jsonb -> 'a' ->> 'b', '{"a": "x"}'::jsonb ->> 'a', '{"a": null}'::jsonb ->> 'a', '[1,2]'::jsonb -> -1;
SELECT '{"a": {"b": [10, 20]}}'::jsonb #> '{a,b,0}', '{"a": {"b": "t"}}'::jsonb #>> '{a,b}', '{"a": 1}'::jsonb -> 'x', '{"a": 1}'::jsonb -> 0;
SELECT '{"a": 1, "b": 2}'::jsonb @> '{"a": 1}', '[1,2,3]'::jsonb @> '[1,3]', '{"a": 1}'::jsonb <@ '{"a": 1, "b": 2}', '[1,2]'::jsonb @> '1', '{"a": [1, 2]}'::jsonb @> '{"a": [2]}';
SELECT '{"a": 1}'::jsonb ? 'a', '["a","b"]'::jsonb ? 'b', '{"a": 1, "b": 2}'::jsonb ?| ARRAY['x', 'b'], '{"a": 1}'::jsonb ?& ARRAY['a', 'b'];
SELECT '{"a": 1}'::jsonb || '{"b": 2, "a": 3}', '[1]'::jsonb || '[2]', '[1]'::jsonb || '2'::jsonb, '{"a": 1, "b": 2}'::jsonb - 'a', '[1,2,3]'::jsonb - 1;
SELECT jsonb_set('{"a": {"b": 1}}', '{a,b}', '2'), jsonb_set('{"a": 1}', '{c}', '"x"'), jsonb_set('{"a": 1}', '{c}', '3', false);
SELECT jsonb_typeof('{}'), jsonb_typeof('[]'), jsonb_typeof('1.5'), jsonb_typeof('"x"'), jsonb_typeof('null'), jsonb_typeof('true'), json_typeof('[]');
SELECT jsonb_array_length('[1,2,3]'), json_array_length('[]');
SELECT jsonb_array_length('{}');
SELECT json_build_object('a', 1, 'b', 'x', 'c', NULL, 'd', true), jsonb_build_object('z', 1.50, 'a', ARRAY[1, 2]), json_build_array(1, 'x', NULL), jsonb_build_array(1, 'x', NULL);
SELECT to_jsonb(1), to_jsonb('x'::text), to_jsonb(1.50), to_jsonb(true), to_jsonb(ARRAY[1, 2]), to_jsonb(date '2024-01-01'), to_json('a"b'::text);
SELECT to_jsonb(timestamp '2024-01-01 10:00:00'), to_jsonb(NULL::int);
SELECT jsonb_pretty('{"a": [1, {"b": 2}]}');
SELECT value FROM jsonb_array_elements('[1, "x", {"a": 2}]');
SELECT value FROM jsonb_array_elements_text('[1, "x", null]');
SELECT key, value FROM jsonb_each('{"a": 1, "b": "x"}') ORDER BY key;
SELECT key, value FROM jsonb_each_text('{"a": 1, "b": "x"}') ORDER BY key;
SELECT k FROM jsonb_object_keys('{"b": 1, "a": 2}') AS k ORDER BY k;
SELECT '{"a": 1}'::jsonb = '{"a": 1.0}'::jsonb, '{"a": 1}'::jsonb = '{ "a" : 1 }'::jsonb, '[1]'::jsonb <> '[2]'::jsonb;
SELECT '1'::json = '1'::json;
SELECT ('{"a": "5"}'::jsonb ->> 'a')::int + 1, '5'::jsonb::int, 'true'::jsonb::boolean;
SELECT jsonb_agg(x ORDER BY x), json_agg(x ORDER BY x), jsonb_object_agg(x, x * 2) FROM generate_series(1, 3) AS x;
SELECT '{"a": 1}'::jsonb -> 'a' = '1', '{"é": "ü"}'::jsonb, '"\u00e9"'::jsonb;
-- differs 0A000
SELECT '{"a": {"b":1}}'::json -> 'a';
-- differs 0A000
SELECT '{"a": 1}'::jsonb #- '{a}';
-- differs 0A000
SELECT jsonb_path_query('{"a": 1}', '$.a');
-- differs 0A000
SELECT x FROM (VALUES ('1'::jsonb)) AS v(x) ORDER BY x;
