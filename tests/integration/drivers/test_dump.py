"""pg_dump and pg_restore, direct and through the proxy: the same text, and the same database afterwards.

On the version that apt has: PostgreSQL 17 comes to these tests without its clients.
"""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration import house
from tests.integration.conftest import Front
from tests.integration.drivers.transcript import USER, through
from tests.integration.house import Side
from tests.servers.postgres import USERS, PostgresServer
from tests.servers.proxy import Proxy

SCHEMA = "dumped"
MADE = f"""
CREATE SCHEMA {SCHEMA} AUTHORIZATION {USER};
SET ROLE {USER};
SET search_path TO {SCHEMA};
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE people (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, feels mood DEFAULT 'happy', age positive,
    data jsonb, raw bytea, upper_name text GENERATED ALWAYS AS (upper(name)) STORED
);
CREATE TABLE events (day date, what text, who int REFERENCES people) PARTITION BY RANGE (day);
CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
INSERT INTO people (name, age, data, raw)
    SELECT 'name ' || i, i, jsonb_build_object('n', i), decode(md5(i::text), 'hex') FROM generate_series(1, 2000) i;
INSERT INTO events SELECT date '2024-01-01' + i % 300, repeat('x', i), i FROM generate_series(1, 500) i;
INSERT INTO people (name, data) VALUES (E'ünï\\n\\t''', NULL), ('wide', to_jsonb(repeat('wide', 500000)));
CREATE INDEX lower_name ON people (left(lower(name), 9)) WHERE age > 5;
CREATE VIEW happy AS SELECT name FROM people WHERE feels = 'happy';
CREATE MATERIALIZED VIEW ages AS SELECT age, count(*) FROM people GROUP BY age;
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
CREATE FUNCTION noticed() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
CREATE TRIGGER noticing BEFORE INSERT ON people FOR EACH ROW EXECUTE FUNCTION noticed();
COMMENT ON TABLE people IS 'whoever it is';
GRANT SELECT ON happy TO other;
ALTER TABLE people ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_of_them ON people USING (true);
"""


@pytest.fixture(scope="module")
def server(postgres_server: PostgresServer) -> PostgresServer:
    return postgres_server


@pytest.fixture(scope="module")
def proving(server: PostgresServer, front: Front) -> Proxy:
    return front(house.configuration(server, listener=""))


@pytest.fixture(scope="module", autouse=True)
def filled(server: PostgresServer) -> Iterator[None]:
    subprocess.run(
        [server.psql, "--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", server.local()],
        input=f"GRANT CREATE ON DATABASE shop TO {USER};{MADE}", text=True, check=True, timeout=60,
    )  # fmt: skip
    yield
    server.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
    server.execute(f"REVOKE CREATE ON DATABASE shop FROM {USER}")


def tool(server: PostgresServer, name: str, side: Side, *arguments: str | Path) -> str:
    done = subprocess.run(
        [server.psql.parent / name, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60, check=False, cwd="/",
        env={"PGHOST": side.host, "PGPORT": str(side.port), "PGUSER": USER, "PGPASSWORD": USERS[USER],
             "PGDATABASE": side.database},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return re.sub(r"^(\\(?:un)?restrict) \w+$", r"\1", done.stdout, flags=re.MULTILINE)


def dump(server: PostgresServer, side: Side, *arguments: str | Path) -> str:
    return tool(server, "pg_dump", side, "--schema", SCHEMA, *arguments)


@pytest.mark.parametrize(
    "how", ["--format=plain", "--inserts", "--column-inserts", "--schema-only", "--clean"]
)
@pytest.mark.parametrize("database", ["shop", "shop_one"])
def test_a_dump_is_the_same_text(
    server: PostgresServer, direct: Side, proving: Proxy, database: str, how: str
) -> None:
    expected = dump(server, direct, how)
    assert "CREATE TABLE dumped.people" in expected
    assert dump(server, through(proving, database), how) == expected


@pytest.mark.parametrize(("form", "jobs"), [("custom", 1), ("directory", 3)])
def test_a_database_comes_back_as_it_was(
    server: PostgresServer, direct: Side, proving: Proxy, tmp_path: Path, form: str, jobs: int
) -> None:
    """Dumped by several at once, on one snapshot, and restored by several at once."""
    proxied = through(proving, "shop")
    before = dump(server, direct)
    parallel = f"--jobs={jobs}"
    dump(server, proxied, f"--format={form}", parallel, "--file", tmp_path / "dump")
    server.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
    tool(server, "pg_restore", proxied, parallel, "--dbname=shop", "--exit-on-error", tmp_path / "dump")
    assert dump(server, direct) == before


def test_one_transaction_restores_all_or_nothing(
    server: PostgresServer, direct: Side, proving: Proxy, tmp_path: Path
) -> None:
    proxied = through(proving, "shop_one")
    before = dump(server, direct)
    dump(server, direct, "--format=custom", "--file", tmp_path / "dump")
    restore = ("--single-transaction", "--dbname=shop_one", tmp_path / "dump")
    with pytest.raises(AssertionError, match="already exists"):
        tool(server, "pg_restore", proxied, *restore)
    assert dump(server, direct) == before
    tool(server, "pg_restore", proxied, "--clean", *restore)
    assert dump(server, direct) == before
