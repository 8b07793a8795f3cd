"""pgbench in its three modes and with pipelines: no error, nothing lost, nothing counted twice."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.house import Side
from tests.servers.postgres import USERS, PostgresServer
from tests.servers.proxy import Proxy

USER = "app"
ROWS = "SELECT count(*)::int, sum(delta)::int FROM pgbench_history"
SCALE = 1

PIPELINE = r"""
\set aid random(1, 1000)
\startpipeline
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = :aid;
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
\endpipeline
BEGIN;
\startpipeline
INSERT INTO pgbench_history (tid, bid, aid, delta) VALUES (1, 1, :aid, 1);
SELECT 1;
SELECT 2;
\endpipeline
END;
"""
FAILING = r"""
\set zero random(0, 0)
BEGIN;
SELECT 1 / (1 - :zero);
SAVEPOINT s;
INSERT INTO pgbench_history (tid, bid, aid, delta) VALUES (1, 1, 1, 1);
ROLLBACK TO s;
INSERT INTO pgbench_history (tid, bid, aid, delta) VALUES (1, 1, 1, 1);
COMMIT;
SELECT :client_id AS me \gset
\if :me <> :client_id
SELECT 1/0;
\endif
"""


def pgbench(server: PostgresServer, side: Side | Proxy, database: str, *arguments: str | Path) -> str:
    done = subprocess.run(
        [
            server.psql.parent / "pgbench", "--host", side.host, "--port", str(side.port), "--username", USER,
            *arguments, database,
        ],
        capture_output=True, text=True, timeout=30, check=False, cwd="/", env={"PGPASSWORD": USERS[USER]},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def clients(count: int) -> tuple[str, str, str, str]:
    """A thread for each: pgbench prepares statements without looking at its other clients, and with a pool of one
    connection would wait for the very transaction it does not go on with.
    """
    return "--client", str(count), "--jobs", str(count)


@pytest.fixture(scope="module")
def tables(server: PostgresServer, proving: Proxy) -> Iterator[None]:
    """Made through the proxy, as everything else here."""
    pgbench(
        server, proving, "shop", "--initialize", "--scale", str(SCALE), "--quiet", "--init-steps", "dtgvp"
    )
    yield
    server.execute("DROP TABLE pgbench_accounts, pgbench_branches, pgbench_history, pgbench_tellers")


@pytest.fixture(autouse=True)
def emptied(server: PostgresServer, tables: None) -> None:
    server.execute("TRUNCATE pgbench_history")


def counted(output: str) -> int:
    """Transactions that pgbench says it made; it must have made all, and none may have failed."""
    found = re.search(r"number of transactions actually processed: (\d+)/(\d+)", output)
    assert found is not None, output
    assert found[1] == found[2], output
    assert "number of failed transactions: 0 " in output, output
    return int(found[1])


@pytest.mark.parametrize("mode", ["simple", "extended", "prepared"])
@pytest.mark.parametrize("database", ["shop", "shop_one", "shop_session"])
def test_balances_are_kept(server: PostgresServer, proving: Proxy, database: str, mode: str) -> None:
    output = pgbench(server, proving, database, "--protocol", mode, *clients(8), "--transactions", "20")
    made = counted(output)
    (row,) = server.execute(ROWS)
    assert row[0] == made == 160
    checks = "SELECT sum(delta) FROM pgbench_history"
    (history,) = server.execute(checks)
    for table, column in (("accounts", "a"), ("tellers", "t"), ("branches", "b")):
        changed = server.execute(f"SELECT sum({column}balance) FROM pgbench_{table}")
        assert changed == [history]
    server.execute("UPDATE pgbench_accounts SET abalance = 0 WHERE abalance <> 0")
    server.execute("UPDATE pgbench_tellers SET tbalance = 0; UPDATE pgbench_branches SET bbalance = 0")


@pytest.mark.parametrize("mode", ["simple", "extended", "prepared"])
def test_many_readers_share_few_connections(server: PostgresServer, proving: Proxy, mode: str) -> None:
    output = pgbench(
        server, proving, "shop", "--select-only", "--protocol", mode, "--client", "40", "--transactions", "50"
    )
    assert counted(output) == 2_000


@pytest.mark.parametrize("mode", ["extended", "prepared"])
@pytest.mark.parametrize("database", ["shop", "shop_one"])
def test_pipelines(server: PostgresServer, proving: Proxy, tmp_path: Path, database: str, mode: str) -> None:
    script = tmp_path / "pipeline.sql"
    script.write_text(PIPELINE)
    output = pgbench(
        server, proving, database, "--no-vacuum", "--file", script, "--protocol", mode, *clients(6),
        "--transactions", "20",
    )  # fmt: skip
    assert counted(output) == 120
    assert server.execute(ROWS) == [(120, 120)]
    assert server.execute("SELECT sum(abalance)::int FROM pgbench_accounts") == [(120,)]
    server.execute("UPDATE pgbench_accounts SET abalance = 0 WHERE abalance <> 0")


@pytest.mark.parametrize("mode", ["simple", "extended", "prepared"])
def test_savepoints_undo_exactly_what_followed_them(
    server: PostgresServer, proving: Proxy, tmp_path: Path, mode: str
) -> None:
    script = tmp_path / "savepoints.sql"
    script.write_text(FAILING)
    output = pgbench(
        server, proving, "shop_one", "--no-vacuum", "--file", script, "--protocol", mode, *clients(4),
        "--transactions", "25",
    )  # fmt: skip
    assert counted(output) == 100
    assert server.execute(ROWS) == [(100, 100)]


def test_a_connection_for_each_transaction(server: PostgresServer, proving: Proxy) -> None:
    output = pgbench(
        server, proving, "shop", "--select-only", "--connect", "--client", "4", "--transactions", "25"
    )
    assert counted(output) == 100
