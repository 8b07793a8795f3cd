-- Rows of 64 MB, and statements of a few.
\pset format unaligned
\pset tuples_only on
SELECT repeat('0123456789abcdef', 4194304) \g | md5sum
SELECT repeat('x', 33554432), repeat('y', 33554432), NULL \g | md5sum
SELECT i, repeat(chr(65 + i), 2000000) FROM generate_series(0, 15) i \g | md5sum
COPY (SELECT repeat('z', 67108864)) TO STDOUT \g | md5sum
CREATE TABLE psql_big (a text);
\copy psql_big FROM PROGRAM 'head -c 67108864 /dev/zero | tr "\\000" "q"'
SELECT length(a), md5(a) FROM psql_big;
DROP TABLE psql_big;
SELECT i FROM generate_series(1, 200000) i \g | md5sum
SELECT 'done';
