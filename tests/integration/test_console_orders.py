"""What the console's orders do to real clients and servers, and that they are answered as PgBouncer answers them."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import StartProxy
from tests.integration import console, house
from tests.integration.console import ADMIN, WATCHER, Console, Later, connect, opened
from tests.servers import pgbouncer, ports, proxy
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy

SESSIONS = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{ADMIN}'"


def sessions(server: PostgresServer) -> int:
    ((count,),) = server.execute(SESSIONS)
    assert isinstance(count, int)
    return count


def pid(line: psycopg.Connection[Any]) -> int:
    found: Any = line.execute("SELECT pg_backend_pid()").fetchone()
    return int(found[0])


def waiting(ours: Console, count: int, database: str = "shop") -> bool:
    return ports.wait(lambda: ours.row("SHOW POOLS", database=database)["cl_waiting"] == count, 10)


def refused(attempt: Callable[[], object]) -> str:
    with pytest.raises(psycopg.Error) as caught:
        attempt()
    return caught.value.sqlstate or str(caught.value)


# --- pause and resume ----------------------------------------------------------------------------


def test_pause_ends_when_the_last_connection_is_closed_and_who_waits_goes_on(
    postgres_server: PostgresServer, running: Proxy, ours: Console
) -> None:
    with connect(running.port) as holder, connect(running.port) as other, opened(running.port) as second:
        holder.execute("BEGIN")
        first = pid(holder)
        pause = Later(lambda: second.order("PAUSE shop"))
        assert ports.wait(lambda: ours.row("SHOW DATABASES", name="shop")["paused"] == 1, 10)
        late = Later(lambda: pid(other))
        assert waiting(ours, 1)
        assert pid(holder) == first, "a transaction is not interrupted"
        assert not pause.done
        assert not late.done
        holder.execute("COMMIT")
        assert pause.result() == "PAUSE"
        assert sessions(postgres_server) == 0
        # Who comes now gets in, and waits too.
        with connect(running.port) as third:
            later = Later(lambda: pid(third))
            assert waiting(ours, 2)
            assert ours.row("SHOW POOLS", database="shop")["maxwait"] >= 0
            assert ours.order("RESUME shop") == "RESUME"
            assert first not in (late.result(), later.result())


def test_only_the_database_named_is_paused(running: Proxy, ours: Console) -> None:
    assert ours.order("PAUSE shop") == "PAUSE"
    with connect(running.port, "books") as line:
        assert line.execute("SELECT 1").fetchone() == (1,)
    assert [(row["name"], row["paused"]) for row in ours.rows("SHOW DATABASES")] == [
        ("articdbm", 0),
        ("shop", 1),
        ("books", 0),
    ]


@pytest.mark.parametrize("database", ["", " shop"])
def test_the_first_client_of_a_pool_gets_in_when_it_is_resumed(
    postgres_server: PostgresServer, running: Proxy, ours: Console, database: str
) -> None:
    assert ours.order(f"PAUSE{database}") == "PAUSE"
    coming = Later(lambda: connect(running.port))
    assert ports.wait(lambda: ours.row("SHOW LISTS", list="login_clients")["items"] == 1, 10)
    assert sessions(postgres_server) == 0, "nobody is dialled"
    assert ours.order(f"RESUME{database}") == "RESUME"
    line = coming.result()
    assert line.execute("SELECT 1").fetchone() == (1,)
    line.close()


def test_resume_takes_back_a_pause_that_still_waits(running: Proxy, ours: Console) -> None:
    with connect(running.port) as holder, opened(running.port) as second:
        holder.execute("BEGIN")
        pid(holder)
        pause = Later(lambda: second.order("PAUSE"))
        assert ports.wait(lambda: ours.row("SHOW STATE", key="paused")["value"] == "yes", 10)
        assert ours.order("RESUME") == "RESUME"
        assert pause.result() == "55000 it was resumed meanwhile"
        holder.execute("COMMIT")
        pid(holder)


def test_a_command_that_waits_can_be_cancelled(running: Proxy, ours: Console) -> None:
    with connect(running.port) as holder, opened(running.port) as second:
        holder.execute("BEGIN")
        pid(holder)
        pause = Later(lambda: second.order("PAUSE shop"))
        assert ports.wait(lambda: ours.row("SHOW DATABASES", name="shop")["paused"] == 1, 10)
        second.line.cancel()
        assert pause.result() == "57014 canceling statement due to user request"
        # What it began stands, and the console it came from goes on.
        assert second.row("SHOW DATABASES", name="shop")["paused"] == 1
        holder.execute("COMMIT")


def test_suspend_keeps_connections(postgres_server: PostgresServer, running: Proxy, ours: Console) -> None:
    with connect(running.port) as line, connect(running.port) as holder, opened(running.port) as second:
        before = pid(line)
        holder.execute("BEGIN")
        assert pid(holder) == before
        suspend = Later(lambda: second.order("SUSPEND"))
        assert ports.wait(lambda: ours.row("SHOW STATE", key="suspended")["value"] == "yes", 10)
        late = Later(lambda: pid(line))
        assert waiting(ours, 1)
        assert not suspend.done
        holder.execute("COMMIT")
        assert suspend.result() == "SUSPEND"
        assert not late.done
        assert sessions(postgres_server) == 1
        assert ours.order("RESUME") == "RESUME"
        assert late.result() == before


# --- disable, kill, reconnect --------------------------------------------------------------------


def test_disable_lets_nobody_new_in(running: Proxy, ours: Console) -> None:
    with connect(running.port) as there:
        assert ours.order("DISABLE shop") == "DISABLE"
        assert ours.row("SHOW DATABASES", name="shop")["disabled"] == 1
        assert 'database "shop" is not currently accepting connections' in refused(
            lambda: connect(running.port)
        )
        assert there.execute("SELECT 1").fetchone() == (1,)
        with connect(running.port, "books") as other:
            assert other.execute("SELECT 1").fetchone() == (1,)
        assert ours.order("ENABLE shop") == "ENABLE"
        connect(running.port).close()


def test_kill_ends_everybody_and_pauses(
    postgres_server: PostgresServer, running: Proxy, ours: Console
) -> None:
    with connect(running.port, "books") as neighbour, contextlib.ExitStack() as lines:
        kept = pid(neighbour)
        idle, busy, holder = (lines.enter_context(connect(running.port)) for _ in range(3))
        holder.execute("BEGIN")
        pid(holder)
        idle.execute("SELECT 1")
        asleep = Later(lambda: refused(lambda: busy.execute("SELECT pg_sleep(60)")))
        assert ports.wait(lambda: ours.row("SHOW POOLS", database="shop")["sv_active"] == 2, 10)
        assert ours.order("KILL shop") == "KILL"
        assert asleep.result() == "57P01"
        for line in (idle, holder):
            assert refused(lambda line=line: line.execute("SELECT 1")) == "57P01"  # type: ignore[misc]
        assert ports.wait(lambda: sessions(postgres_server) == 1, 10), "the sleep is stopped too"
        assert pid(neighbour) == kept
        back = connect(running.port)
        late = Later(lambda: back.execute("SELECT 'back'").fetchone())
        assert waiting(ours, 1)
        assert ours.order("RESUME shop") == "RESUME"
        assert late.result() == ("back",)
        back.close()


def test_kill_client_ends_one(postgres_server: PostgresServer, running: Proxy, ours: Console) -> None:
    with connect(running.port, application_name="first") as one, connect(running.port) as other:
        asleep = Later(lambda: refused(lambda: one.execute("SELECT pg_sleep(60)")))
        other.execute("SELECT 1")
        assert ports.wait(lambda: ours.row("SHOW CLIENTS", application_name="first")["state"] == "active", 10)
        which = ours.row("SHOW CLIENTS", application_name="first")["id"]
        assert ours.order(f"KILL_CLIENT {which}") == "KILL_CLIENT"
        assert asleep.result() == "57P01"
        stopped = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        assert ports.wait(lambda: postgres_server.execute(stopped) == [(0,)], 10)
        assert other.execute("SELECT 1").fetchone() == (1,)
        assert ours.order(f"KILL_CLIENT {which}") == "42704 client not found"
        # A server connection is no client.
        server = ours.rows("SHOW SERVERS")[0]["id"]
        assert ours.order(f"KILL_CLIENT {server}") == "42704 client not found"
    for wrong in ("KILL_CLIENT", "KILL_CLIENT first", "KILL_CLIENT -1", f"KILL_CLIENT {'9' * 30}"):
        assert ours.order(wrong) == "42601 the id of a client is required"


def test_reconnect_replaces_connections_and_wait_close_waits_for_it(running: Proxy, ours: Console) -> None:
    with connect(running.port) as holder, connect(running.port) as other, opened(running.port) as second:
        holder.execute("BEGIN")
        first = pid(holder)
        idle = pid(other)
        assert ours.order("RECONNECT shop") == "RECONNECT"
        assert pid(other) != idle
        assert pid(holder) == first
        assert ours.row("SHOW SERVERS", remote_pid=first)["close_needed"] == 1
        closed = Later(lambda: second.order("WAIT_CLOSE shop"))
        assert ours.order("WAIT_CLOSE books") == "WAIT_CLOSE"
        assert not closed.done
        holder.execute("COMMIT")
        assert closed.result() == "WAIT_CLOSE"
        assert pid(holder) != first


# --- settings ------------------------------------------------------------------------------------


def test_set_changes_a_setting_until_the_next_reload(running: Proxy, ours: Console) -> None:
    key = "databases[shop].pool.size"
    assert ours.order(f"SET {key} = 1") == "SET"
    assert ours.row("SHOW CONFIG", key=key)["value"] == "1"
    assert ours.row("SHOW DATABASES", name="shop")["pool_size"] == 1
    assert ours.row("SHOW SNAPSHOT", key=f"set {key}")["value"] == "1"
    with connect(running.port) as holder, connect(running.port) as other:
        holder.execute("BEGIN")
        pid(holder)
        late = Later(lambda: pid(other))
        assert waiting(ours, 1)
        assert ours.order("RELOAD") == "RELOAD"
        assert late.result() > 0
        assert ours.row("SHOW DATABASES", name="shop")["pool_size"] == 4
        holder.execute("COMMIT")


def test_set_refuses_with_the_reason(ours: Console) -> None:
    before = ours.rows("SHOW CONFIG")
    in_the_file = "this setting is not one to change in a running process"
    for key, value, reason in (
        ("databases[shop].pool.size", "0", "0 is out of range"),
        ("limits.max_clients", "5", in_the_file),
        ("admin.users", WATCHER, in_the_file),
        ("clusters[main].tls.mode", "disable", in_the_file),
    ):
        assert ours.order(f"SET {key} = {value}") == f"55000 {key}: {reason}"
        assert ours.rows("SHOW CONFIG") == before


# --- who may -------------------------------------------------------------------------------------


def test_users_who_may_only_look(running: Proxy, ours: Console) -> None:
    commands = [str(row["command"]) for row in ours.rows("SHOW HELP")]
    with opened(running.port, user=WATCHER) as watcher:
        for command in commands:
            words = (
                command.replace("[db]", "").replace("db", "shop").replace("key = value", "log.level = debug")
            )
            words = words.split("[")[0].replace(" id", " 1").strip()
            if command.startswith("EXPLAIN"):
                assert not watcher.order(words).startswith("42501")
                continue
            allowed = command.startswith("SHOW ") and command != "SHOW FDS"
            assert watcher.order(words) == ("SHOW" if allowed else "42501 this needs a user of admin.users")
    assert ours.row("SHOW STATE", key="active")["value"] == "yes"
    assert "permission denied" in refused(
        lambda: connect(running.port, "articdbm", "other", password="other-password")
    )


def test_rights_that_are_taken_away_end_at_once(running: Proxy, ours: Console) -> None:
    with opened(running.port, user=WATCHER) as watcher:
        assert watcher.order("SHOW STATE") == "SHOW"
        text = running.config.read_text()
        running.config.write_text(text.replace(f'stats_users = ["{WATCHER}"]', "stats_users = []"))
        assert ours.order("RELOAD") == "RELOAD"
        assert watcher.order("SHOW STATE").startswith("28000")


# --- the end -------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["", " WAIT_FOR_CLIENTS", " WAIT_FOR_SERVERS"])
def test_shutdown(postgres_server: PostgresServer, tmp_path: Path, how: str) -> None:
    config = console.configuration(postgres_server)
    with (
        pytest.raises(proxy.ProxyError, match="the proxy ended with status 0"),
        proxy.start(config, tmp_path, house.environment()) as running,
        opened(running.port) as ours,
        contextlib.closing(connect(running.port)) as one,
        contextlib.closing(connect(running.port)) as two,
    ):
        one.execute("BEGIN")
        pid(one)
        two.execute("SELECT 1")
        assert ours.order("SHUTDOWN SOON").startswith("42601")
        assert ours.order(f"SHUTDOWN{how}") == "SHUTDOWN"
        if how:
            assert ports.wait(lambda: not ports.listens(running.port), 10), "nobody new comes in"
            assert pid(one) > 0
            assert running.process.poll() is None
            one.execute("COMMIT")
        if how.endswith("CLIENTS"):
            assert two.execute("SELECT 2").fetchone() == (2,)
            assert running.process.poll() is None
            one.close()
            two.close()
        assert running.process.wait(20) == 0
        assert ports.wait(lambda: sessions(postgres_server) == 0, 10)


# --- as PgBouncer answers ------------------------------------------------------------------------

ANSWERED = (
    "PAUSE nope", "PAUSE", "PAUSE", "SUSPEND", "RESUME", "RESUME", "PAUSE shop", "PAUSE shop", "SUSPEND", "RESUME shop",
    "RESUME shop", "RESUME nope", 'PAUSE "shop"', "resume shop;", "DISABLE shop", "DISABLE shop", "ENABLE shop", "ENABLE shop",
    "DISABLE", "ENABLE", "ENABLE nope", "RECONNECT", "RECONNECT shop", "RECONNECT nope", "KILL", "KILL nope",
    "KILL shop", "RESUME shop", "WAIT_CLOSE", "WAIT_CLOSE shop", "WAIT_CLOSE nope", "RELOAD",
    "PAUSE pgbouncer", "KILL pgbouncer", "DISABLE pgbouncer", "SUSPEND", "SUSPEND", "PAUSE", "RESUME",
)  # fmt: skip
"""One after the other. The texts are compared, not the codes: PgBouncer has one code for all."""
REFUSED = (
    "SET",
    "SELECT 1",
    "SHOW",
    "SHOW nope",
    "SHOW POOLS extra",
    "RELOAD x",
    "",
    ";",
    "PAUSE 'shop'",
    "PAUSE a b",
)


def test_orders_are_answered_as_pgbouncer_answers_them(
    postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    running = start_proxy(console.configuration(postgres_server), house.environment())
    with (
        pgbouncer.start(postgres_server.port) as real,
        opened(real, "pgbouncer") as theirs,
        opened(running.port, "pgbouncer") as mine,
    ):
        said = [
            [(order, one.order(order).removeprefix("08P01 ")) for order in ANSWERED] for one in (theirs, mine)
        ]
        codes = ("42601 ", "42704 ", "55000 ")
        assert [(order, _without(answer, codes)) for order, answer in said[1]] == said[0]
        for order in REFUSED:
            assert theirs.order(order).startswith("08P01 invalid command")
            assert mine.order(order) == "42601 the console has no such command"


UNUSED = (
    ("RESUME a", False), ("ENABLE a", False), ("WAIT_CLOSE a", True), ("PAUSE b", True), ("PAUSE b", False),
    ("SUSPEND", False), ("RESUME b", False), ("DISABLE c", True), ("ENABLE c", False), ("RECONNECT d", True),
    ("KILL e", True), ("SUSPEND", False), ("RESUME e", False), ("SUSPEND", False), ("RESUME", False),
)  # fmt: skip
"""Orders for names that only `*` makes databases and that nobody has used; and whether a warning comes with the answer."""


def test_orders_for_names_that_nobody_used_are_answered_as_pgbouncer_answers_them(
    postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    wild = '\n[[databases]]\nname = "*"\ncluster = "main"\n'
    running = start_proxy(console.configuration(postgres_server) + wild, house.environment())
    with (
        pgbouncer.start(postgres_server.port, wild=True) as real,
        opened(real, "pgbouncer") as theirs,
        opened(running.port) as mine,
    ):
        warned: list[str] = []
        mine.line.add_notice_handler(lambda said: warned.append(said.message_primary or ""))
        for order, doubtful in UNUSED:
            warned.clear()
            answer = _without(mine.order(order), ("42704 ", "55000 "))
            assert (order, answer) == (order, theirs.order(order).removeprefix("08P01 "))
            assert (order, len(warned)) == (order, int(doubtful))


def _without(text: str, starts: tuple[str, ...]) -> str:
    for start in starts:
        text = text.removeprefix(start)
    return text
