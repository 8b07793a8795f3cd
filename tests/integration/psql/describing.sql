-- What \d and its kin ask the catalogue.
CREATE SCHEMA psql_d;
SET search_path = psql_d, public;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE SEQUENCE counter START 5;
CREATE TABLE parent (id int PRIMARY KEY DEFAULT nextval('counter'), name text NOT NULL UNIQUE, m mood DEFAULT 'ok', at timestamptz);
CREATE TABLE child (id serial PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE, n positive, CHECK (n < 100));
CREATE TABLE parts (k int, v text) PARTITION BY RANGE (k);
CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE INDEX child_n ON child (n) WHERE n > 5;
CREATE VIEW both_of AS SELECT p.name, c.n FROM parent p JOIN child c ON c.parent = p.id;
CREATE MATERIALIZED VIEW kept AS SELECT count(*) FROM parent;
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.at := 'epoch'; RETURN NEW; END$$;
CREATE TRIGGER stamping BEFORE INSERT ON parent FOR EACH ROW EXECUTE FUNCTION stamp();
COMMENT ON TABLE parent IS 'has children';
\d
\d parent
\d child
\d+ parts
\d both_of
\d+ kept
\d counter
\dt psql_d.*
\di psql_d.*
\ds psql_d.*
\dv psql_d.*
\dm psql_d.*
\df psql_d.*
\dT psql_d.*
\dD psql_d.*
\dn psql_d
\du app_trust
\dp psql_d.parent
\dt nowhere
\sf twice
\sv both_of
\ddp
\dconfig search_path
\conninfo_of_nobody
INSERT INTO parent (name) VALUES ('a'), ('b') RETURNING *;
SELECT twice(21), currval('counter');
INSERT INTO child (parent, n) SELECT id, 7 FROM parent RETURNING id, parent, n;
SELECT * FROM both_of ORDER BY 1;
TRUNCATE child;
SELECT format('SELECT %L AS made', x) FROM unnest(ARRAY['one', 'two']) x \gexec
SELECT 1 AS one, 'zwei' AS two \gset
\echo :one :two
SELECT :one + 1, :'two', :"two" FROM (SELECT 3 AS zwei) s;
SELECT 'eins' AS x, 'zwei' AS y, 5 AS z \crosstabview
PREPARE p (int) AS SELECT $1 * 2 AS twice;
EXECUTE p (4);
EXPLAIN (COSTS off) EXECUTE p (4);
DEALLOCATE p;
EXECUTE p (4);
SET ROLE app_trust;
RESET ROLE;
SELECT current_user = session_user;
DROP SCHEMA psql_d CASCADE;
RESET search_path;
SHOW search_path;
