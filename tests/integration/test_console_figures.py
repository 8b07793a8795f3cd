"""What the console shows, beside the real PgBouncer's console, and as an exporter asks for it."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration import console
from tests.integration.conftest import Front
from tests.integration.console import Console, connect, opened
from tests.servers import pgbouncer, ports
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy

LATER = [("replication", 25), ("prepared_statements", 23), ("id", 20)]
"""Columns of PgBouncer's later versions, behind those of the installed one."""
SHOWN: dict[str, list[tuple[str, int]]] = {
    "CLIENTS": LATER,
    "SERVERS": LATER,
    "SOCKETS": LATER,
    "ACTIVE_SOCKETS": LATER,
    "FDS": [],
    "POOLS": [],
    "STATS": [],
    "STATS_TOTALS": [],
    "STATS_AVERAGES": [],
    "TOTALS": [],
    "DATABASES": [],
    "USERS": [],
    "LISTS": [],
    "MEM": [],
    "CONFIG": [],
    "VERSION": [],
    "DNS_HOSTS": [],
    "DNS_ZONES": [],
}
EXPORTED = {
    "databases": (
        "name host port database force_user pool_mode",
        "pool_size reserve_pool max_connections current_connections paused disabled",
    ),
    "stats_totals": (
        "database",
        "query_count query_time bytes_received bytes_sent wait_time xact_count xact_time",
    ),
    "pools": (
        "database user",
        "cl_active cl_active_cancel_req cl_waiting cl_waiting_cancel_req sv_active sv_active_cancel sv_idle sv_login",
    ),
}
"""prometheus-community/pgbouncer_exporter: of each SHOW it asks for, the labels and the numbers it takes."""


@pytest.fixture(scope="module")
def bouncer(postgres_server: PostgresServer) -> Iterator[Console]:
    """The console of the real PgBouncer, through which a few statements went."""
    with pgbouncer.start(postgres_server.port) as port:
        work(port)
        with opened(port, "pgbouncer") as real:
            yield real


@pytest.fixture(scope="module")
def running(postgres_server: PostgresServer, front: Front) -> Proxy:
    """The proxy, through which the same went."""
    found = front(console.configuration(postgres_server))
    work(found.port)
    return found


@pytest.fixture
def ours(running: Proxy) -> Iterator[Console]:
    with opened(running.port, "pgbouncer") as own:
        yield own


def work(port: int) -> None:
    with connect(port) as line:
        for _ in range(5):
            line.execute("SELECT 1")
        line.execute("BEGIN")
        line.execute("SELECT pg_sleep(0.02)")
        line.execute("ROLLBACK")


def described(of: Console, what: str) -> list[tuple[str, int]]:
    cursor = of.line.execute(f"SHOW {what}".encode())
    return [(column.name, column.type_code) for column in cursor.description or []]


@pytest.mark.parametrize("what", SHOWN)
def test_columns_are_pgbouncers(bouncer: Console, ours: Console, what: str) -> None:
    assert described(ours, what) == described(bouncer, what) + SHOWN[what]
    tag = ours.line.execute(f"show {what.lower()};".encode()).statusmessage
    assert tag == bouncer.line.execute(f"SHOW {what}".encode()).statusmessage == "SHOW"


@pytest.mark.parametrize(
    ("what", "columns"),
    [("STATE", ["key", "value"]), ("PEERS", ["peer_id", "host", "port", "pool_size"])],
)
def test_columns_of_a_later_pgbouncer(ours: Console, what: str, columns: list[str]) -> None:
    assert [name for name, _ in described(ours, what)] == columns


@pytest.mark.parametrize(("what", "column"), [("LISTS", "list"), ("TOTALS", "name")])
def test_rows_have_pgbouncers_names(bouncer: Console, ours: Console, what: str, column: str) -> None:
    theirs = [row[column] for row in bouncer.rows(f"SHOW {what}")]
    assert [row[column] for row in ours.rows(f"SHOW {what}")][: len(theirs)] == theirs


def test_counts_are_pgbouncers(bouncer: Console, ours: Console) -> None:
    counted = [
        {name: int(value) for name, value in one.row("SHOW STATS_TOTALS", database="shop").items() if name != "database"}
        for one in (bouncer, ours)
    ]  # fmt: skip
    theirs, mine = counted
    for name in ("xact_count", "query_count"):
        assert mine[name] == theirs[name]
    for figures in counted:
        assert figures["xact_time"] >= figures["query_time"] * 0.9
        assert figures["query_time"] >= 20_000
        assert figures["bytes_received"] >= 5 * len("QSELECT 1")
        assert figures["bytes_sent"] > figures["bytes_received"]
        assert figures["wait_time"] >= 0


def test_averages_are_of_what_was_counted(ours: Console) -> None:
    stats = ours.row("SHOW STATS", database="shop")
    assert int(stats["avg_query_time"]) == int(stats["total_query_time"]) // int(stats["total_query_count"])
    assert int(stats["avg_xact_time"]) == int(stats["total_xact_time"]) // int(stats["total_xact_count"])
    assert ours.row("SHOW STATS_AVERAGES", database="shop")["query_time"] == stats["avg_query_time"]


@pytest.mark.parametrize("side", ["bouncer", "ours"])
def test_an_exporter_finds_what_it_asks_for(request: pytest.FixtureRequest, side: str) -> None:
    of: Console = request.getfixturevalue(side)
    assert of.rows("SHOW STATS")
    for what, (labels, numbers) in EXPORTED.items():
        rows = of.rows(f"SHOW {what};")
        assert any("shop" in (row.get("database"), row.get("name")) for row in rows)
        for row in rows:
            assert all(isinstance(row[label], str | int | None) for label in labels.split())
            assert all(float(row[number]) >= 0 for number in numbers.split())
    lists = [(row["list"], float(row["items"])) for row in of.rows("SHOW LISTS;")]
    assert {"databases", "users", "pools", "used_clients", "login_clients", "used_servers"} <= {
        name for name, _ in lists
    }
    config = {row["key"]: row["value"] for row in of.rows("SHOW CONFIG;")}
    assert float(config["max_client_conn"]) > 0
    assert float(config["max_user_connections"]) == 0
    ((version,),) = of.line.execute("SHOW VERSION;").fetchall()
    assert version.startswith("PgBouncer 1.18.0")


def test_every_client_and_server_is_listed(running: Proxy, ours: Console) -> None:
    with (
        connect(running.port, application_name="the holder's") as holder,
        connect(running.port, "books") as idle,
    ):
        holder.execute("BEGIN")
        pid: Any = holder.execute("SELECT pg_backend_pid()").fetchone()
        idle.execute("SELECT 1")
        clients = {
            row["application_name"]: row for row in ours.rows("SHOW CLIENTS") if row["database"] == "shop"
        }
        held = clients["the holder's"]
        assert (held["type"], held["user"], held["state"]) == ("C", console.ADMIN, "active")
        assert (held["addr"], held["local_port"]) == ("127.0.0.1", running.port)
        assert ours.row("SHOW CLIENTS", database="books")["state"] == "idle"
        assert ours.row("SHOW CLIENTS", database="pgbouncer")["state"] == "active"
        server = ours.row("SHOW SERVERS", database="shop", state="active")
        assert (server["link"], server["remote_pid"]) == (held["ptr"], pid[0])
        assert held["link"] == server["ptr"]
        assert ours.row("SHOW SERVERS", database="books")["state"] == "idle"
        states = {row["state"] for row in ours.rows("SHOW SOCKETS")}
        assert {"cl_active", "cl_idle", "sv_active", "sv_idle"} <= states
        active = {row["state"] for row in ours.rows("SHOW ACTIVE_SOCKETS")}
        assert active == {"cl_active", "sv_active"}
        descriptors = ours.rows("SHOW FDS")
        assert {row["task"] for row in descriptors} == {"pooler", "client", "server"}
        by_fd = {row["fd"]: row for row in descriptors}
        linked = next(row for row in descriptors if row["task"] == "client" and row["link"] is not None)
        assert by_fd[linked["link"]]["link"] == linked["fd"]
        secrets = ("cancel", "password", "scram_client_key", "scram_server_key")
        assert all(row[name] is None for row in descriptors for name in secrets)
        pool = ours.row("SHOW POOLS", database="shop")
        assert (pool["cl_active"], pool["sv_active"], pool["sv_idle"]) == (1, 1, 0)
        holder.execute("ROLLBACK")


def test_more_connections_than_are_looked_at_in_one_turn(
    postgres_server: PostgresServer, front: Front
) -> None:
    running = front(console.configuration(postgres_server))
    lines = [connect(running.port) for _ in range(600)]
    try:
        with opened(running.port) as own:
            rows = [row for row in own.rows("SHOW CLIENTS") if row["database"] == "shop"]
            assert len(rows) == 600
            assert len({row["id"] for row in rows}) == 600
            assert {row["port"] for row in rows} == {_port_of(line.fileno()) for line in lines}
    finally:
        for line in lines:
            line.close()


def _port_of(descriptor: int) -> int:
    with socket.socket(fileno=descriptor) as line:
        port: int = line.getsockname()[1]
        line.detach()
        return port


def test_who_waits_is_shown(running: Proxy, ours: Console) -> None:
    holders = [connect(running.port) for _ in range(4)]
    for holder in holders:
        holder.execute("BEGIN")
        holder.execute("SELECT 1")
    before = ours.row("SHOW WAITS", database="shop")
    with connect(running.port, application_name="waits") as late:
        waits = console.Later(lambda: late.execute("SELECT 'served'").fetchone())
        assert ports.wait(lambda: ours.row("SHOW POOLS", database="shop")["cl_waiting"] == 1, 10)
        row = ours.row("SHOW CLIENTS", application_name="waits")
        assert (row["state"], row["link"]) == ("waiting", "")
        assert row["wait"] * 1_000_000 + row["wait_us"] > 0
        assert ours.row("SHOW WAITS", database="shop")["waiting"] == 1
        for holder in holders:
            holder.execute("ROLLBACK")
            holder.close()
        assert waits.result() == ("served",)
    counted = ours.row("SHOW WAITS", database="shop")
    assert counted["waits"] == before["waits"] + 1
    assert counted["total_us"] > before["total_us"]
    assert counted["p50_us"] <= counted["p90_us"] <= counted["p99_us"] <= counted["max_us"]


def test_plans_and_slow_statements_without_literals(running: Proxy, ours: Console) -> None:
    with connect(running.port) as line:
        line.execute("SELECT 'a secret', pg_sleep(0.05)")
        line.execute("SELECT /* another secret */ 1, 2, 3")
        line.execute("SET application_name = 'third secret'")
    shown = {row["statement"]: row for row in ours.rows("SHOW PLANS") if row["database"] == "shop"}
    slow = shown["SELECT ?, pg_sleep(?)"]
    assert (slow["user"], slow["action"], slow["shareable"]) == (console.ADMIN, "forward", "no")
    assert slow["mean_us"] >= 50_000
    assert ours.rows("SHOW SLOW")[0]["mean_us"] >= slow["mean_us"]
    assert {"SELECT …", "SET …"} <= shown.keys()
    assert "secret" not in str(ours.rows("SHOW PLANS")) + running.log_text()


def test_ours(running: Proxy, ours: Console) -> None:
    carriers = ours.rows("SHOW CARRIERS")
    assert [row["carrier"] for row in carriers] == [0, 1]
    assert sum(row["statements"] for row in carriers) == sum(
        row["statements"] for row in ours.rows("SHOW SHARING")
    )
    with connect(running.port) as line:
        line.execute("CREATE TEMP TABLE kept (x int)")
        assert ours.row("SHOW PINS", reason="temporary table")["connections"] == 1
    snapshot = {row["key"]: row["value"] for row in ours.rows("SHOW SNAPSHOT")}
    assert (snapshot["databases"], len(snapshot["digest"])) == ("2", 16)
    assert {row["key"]: row["value"] for row in ours.rows("SHOW STATE")} == {
        "active": "yes",
        "paused": "no",
        "suspended": "no",
    }
