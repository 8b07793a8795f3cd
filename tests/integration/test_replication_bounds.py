"""Who may not replicate, how many may, how much memory it takes, and how it ends.

Raw connections where a program would hide what is said; the names of the tests are the rules. One file, for all of them
share one server, and each leaves it without a sender.
"""

import os
import signal
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import psycopg2  # type: ignore[import-untyped]
import pytest
from psycopg2.extras import LogicalReplicationConnection, PhysicalReplicationConnection  # type: ignore[import-untyped]

from protocols.postgres import messages
from tests.conftest import StartProxy
from tests.integration import replication
from tests.integration.conftest import Front
from tests.integration.console import Later, opened
from tests.integration.replication import ADMIN, ENVIRONMENT, PLAIN, SENDERS, USER, dsn, one, senders, until
from tests.integration.test_memory import MOST, highest, resident
from tests.integration.wire import COPY_DONE, END, Line, Message, copy_data, error, query, rows
from tests.operation.house import House
from tests.servers import proxy as servers
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy

MIB = 1 << 20
ENDED = ("57P01", "terminating connection due to administrator command")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with replication.server("15") as found:
        yield found


@pytest.fixture(scope="module")
def proxy(server: PostgresServer, front: Front) -> Proxy:
    return front(replication.configuration(server), ENVIRONMENT)


@pytest.fixture(autouse=True)
def nobody_is_left(server: PostgresServer) -> Iterator[None]:
    yield
    assert until(lambda: senders(server) == 0)


@contextmanager
def line(proxy: Proxy, kind: str = "database", database: str = "shop") -> Iterator[Line]:
    """A raw connection of who proves nothing."""
    with Line(proxy.host, proxy.port) as made:
        said = made.log_in(ADMIN, database, {"replication": kind})
        assert error(said) == {}, said
        yield made


def refusal(proxy: Proxy, kind: Any = LogicalReplicationConnection, **options: str) -> str:
    with pytest.raises(psycopg2.OperationalError) as caught:
        psycopg2.connect(dsn(proxy, **options), connection_factory=kind)
    return str(caught.value).rpartition("FATAL:")[2].strip()


def refused(proxy: Proxy, kind: str, database: str = "shop", user: str = ADMIN) -> tuple[str, str]:
    """Code and text."""
    with Line(proxy.host, proxy.port) as made:
        found = error(made.log_in(user, database, {"replication": kind}))
        return found["C"], found["M"]


def ended(said: list[Message]) -> tuple[str, str]:
    """What came last before the end of the connection."""
    assert said[-1].kind == END, said[-1]
    found = error(said)
    return found["C"], found["M"]


def stream(made: Line, server: PostgresServer) -> str:
    """START_REPLICATION from where the server is now; that position."""
    start = str(one(server, "SELECT pg_current_wal_lsn()"))
    made.ask(query(f"START_REPLICATION PHYSICAL {start}"), "W")
    return start


def write(server: PostgresServer, mib: int) -> None:
    server.execute(
        "SELECT count(pg_logical_emit_message(false, 'x', repeat(md5(i::text), 32768))) "
        f"FROM generate_series(1, {mib}) i"
    )


# --- who may not ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["on", "database"])
def test_only_who_is_given_the_right(server: PostgresServer, start_proxy: StartProxy, kind: str) -> None:
    proxy = start_proxy(replication.configuration(server, right=""), ENVIRONMENT)
    assert refused(proxy, kind) == ("42501", "permission denied to start WAL sender")
    # As any other client it may.
    with Line(proxy.host, proxy.port) as plain:
        plain.log_in(ADMIN, "shop")
        assert rows(plain.ask(query("SELECT 1"))) == [("1",)]
    assert senders(server) == 0


def test_a_wrong_password_is_one(proxy: Proxy) -> None:
    for kind in (PhysicalReplicationConnection, LogicalReplicationConnection):
        assert refusal(proxy, kind, password="wrong") == 'password authentication failed for user "repl"'


def test_the_servers_own_rights_count_too(proxy: Proxy) -> None:
    for kind in (PhysicalReplicationConnection, LogicalReplicationConnection):
        assert refusal(proxy, kind, user=PLAIN) == "must be superuser or replication role to start walsender"


def test_the_servers_limit_is_told_in_its_words(server: PostgresServer, proxy: Proxy) -> None:
    held = [
        psycopg2.connect(
            server.dsn(user=USER, password=replication.PASSWORD),
            connection_factory=LogicalReplicationConnection,
        )
        for _ in range(SENDERS)
    ]
    try:
        said = f"number of requested standby connections exceeds max_wal_senders (currently {SENDERS})"
        assert refusal(proxy) == said
    finally:
        for each in held:
            each.close()


def test_a_limit_of_our_own(server: PostgresServer, start_proxy: StartProxy) -> None:
    text = replication.configuration(server, more="[limits]\nmax_replication = 2\n")
    proxy = start_proxy(text, ENVIRONMENT)
    said = "number of requested replication connections exceeds max_replication (currently 2)"
    for _ in range(2):
        with line(proxy), line(proxy, "true"):
            assert refused(proxy, "database") == ("53300", said)
        assert until(lambda: senders(server) == 0)


def test_rules_name_physical_replication(server: PostgresServer, start_proxy: StartProxy) -> None:
    """A rule for everybody is not for it, and a rule for it is for nothing else: as in pg_hba.conf."""
    rules = f'rules = [{{ users = ["{ADMIN}"], auth = "trust" }}]'
    proxy = start_proxy(replication.configuration(server, listener=rules), ENVIRONMENT)
    what = f'no rule of this listener admits replication by user "{ADMIN}" from host "127.0.0.1" without TLS'
    assert refused(proxy, "true", "replication") == ("28000", what)
    with line(proxy, "database"):
        pass
    rules = f'rules = [{{ users = ["{ADMIN}"], databases = ["replication"], auth = "trust" }}]'
    proxy = start_proxy(replication.configuration(server, listener=rules), ENVIRONMENT)
    assert refused(proxy, "database")[0] == "28000"
    with line(proxy, "true", "whatever"):
        pass


def test_the_console_is_no_source(proxy: Proxy) -> None:
    assert refused(proxy, "database", "articdbm") == ("3D000", 'database "articdbm" does not exist')


def test_which_cluster(server: PostgresServer, start_proxy: StartProxy) -> None:
    """A name or an alias decides, or that the user may use one cluster only; PostgreSQL's programs say `replication`."""
    other = '[[clusters]]\nname = "other"\nprotocol = "postgres"\nservers = [{ address = "127.0.0.1:1" }]\n'
    books = '[[databases]]\nname = "books"\ncluster = "other"\n'
    shop = '[[databases]]\nname = "shop"\ncluster = "main"\n'
    proxy = start_proxy(replication.configuration(server, databases=shop + books + other), ENVIRONMENT)
    assert refused(proxy, "true", "replication") == ("3D000", "nothing says which cluster to replicate from")
    with line(proxy, "true", "shop"):
        pass
    assert refused(proxy, "true", "books")[0] == "08006"
    named = shop + 'aliases = ["replication"]\n'
    proxy = start_proxy(replication.configuration(server, databases=named + books + other), ENVIRONMENT)
    with line(proxy, "true", "replication"):
        pass
    fenced = replication.configuration(
        server, databases=shop + books + other, right='replication = true\ndatabases = ["shop"]'
    )
    proxy = start_proxy(fenced, ENVIRONMENT)
    with line(proxy, "true", "replication"):
        pass
    assert refused(proxy, "true", "books") == ("42501", 'permission denied for database "books"')


# --- whose connection it is -----------------------------------------------------------------------


def test_it_is_shown_and_never_in_a_pool(server: PostgresServer, proxy: Proxy) -> None:
    with (
        opened(proxy.port) as console,
        line(proxy) as logical,
        line(proxy, "true", "replication") as physical,
    ):
        clients = {row["replication"]: row for row in console.rows("SHOW CLIENTS")}
        assert set(clients) == {"none", "logical", "physical"}
        for kind in ("logical", "physical"):
            row = console.row("SHOW SERVERS", replication=kind)
            assert (row["user"], row["database"], row["link"]) == (ADMIN, "shop", clients[kind]["ptr"])
            assert (clients[kind]["link"], clients[kind]["state"]) == (row["ptr"], "active")
        pool = console.row("SHOW POOLS", user=ADMIN, database="shop")
        assert (pool["cl_active"], pool["sv_active"], pool["sv_idle"]) == (2, 2, 0)
        pids = {row["remote_pid"] for row in console.rows("SHOW SERVERS") if row["replication"] != "none"}
        # Others have others, though these rest.
        with Line(proxy.host, proxy.port) as plain:
            plain.log_in(ADMIN, "shop")
            for _ in range(5):
                ((pid,),) = rows(plain.ask(query("SELECT pg_backend_pid()")))
                assert int(pid or 0) not in pids
        assert rows(logical.ask(query("SELECT pg_backend_pid()")))[0][0] in {str(pid) for pid in pids}
        assert len(rows(physical.ask(query("IDENTIFY_SYSTEM")))) == 1
        logical.send(messages.TERMINATE)
        physical.close()
        assert until(lambda: all(row["replication"] == "none" for row in console.rows("SHOW SERVERS")))
        assert until(lambda: senders(server) == 0)
        assert console.row("SHOW POOLS", user=ADMIN, database="shop")["cl_active"] == 0


def test_statement_limits_do_not_apply(server: PostgresServer, start_proxy: StartProxy) -> None:
    cluster = 'pool = { statement = "200ms", client_idle = "200ms", idle_transaction = "200ms", size = 1 }'
    proxy = start_proxy(replication.configuration(server, cluster=cluster), ENVIRONMENT)
    with line(proxy) as made:
        assert rows(made.ask(query("SELECT pg_sleep(0.7), 'slept'"))) == [("", "slept")]
        assert made.is_silent(0.7)
        assert rows(made.ask(query("SELECT 'still here'"))) == [("still here",)]


@pytest.mark.parametrize("kind", ["database", "true"])
def test_a_cancel_request_stops_what_runs(proxy: Proxy, kind: str) -> None:
    with line(proxy, kind) as made:
        long = "SELECT pg_sleep(60)" if kind == "database" else "BASE_BACKUP (CHECKPOINT 'fast', MAX_RATE 32)"
        made.send(query(long))
        if kind == "true":
            made.until("H")
        pid, secret = struct.unpack_from("!I", made.key)[0], made.key[4:]
        with Line(proxy.host, proxy.port) as other:
            other.send(messages.cancel_request(pid, secret))
            assert other.receive().kind == END
        assert error(made.until("Z"))["C"] == "57014"
        assert len(rows(made.ask(query("IDENTIFY_SYSTEM")))) == 1


# --- how much it takes ----------------------------------------------------------------------------


def wal(server: PostgresServer, start: str, count: int) -> bytes:
    """So many bytes from this position, as they lie in the server's directory."""
    segment = 16 * MIB
    high, low = (int(part, 16) for part in start.split("/"))
    at = (high << 32) + low
    found = b""
    while len(found) < count:
        number, offset = divmod(at, segment)
        name = f"00000001{number >> 8:08X}{number & 0xFF:08X}"
        piece = (server.data / "pg_wal" / name).read_bytes()[offset:]
        found += piece
        at += len(piece)
    return found[:count]


def test_a_slow_reader_of_much_wal_costs_little(server: PostgresServer, start_proxy: StartProxy) -> None:
    """It waits in the server; and what is read at last is what was written."""
    proxy = start_proxy(replication.configuration(server, more="[limits]\ncarriers = 1\n"), ENVIRONMENT)
    with line(proxy, "true", "replication") as made:
        before = resident(proxy.process.pid)
        start = stream(made, server)
        write(server, 96)
        ((sent, behind),) = server.execute(
            f"SELECT sent_lsn - '{start}'::pg_lsn, pg_current_wal_lsn() - sent_lsn FROM pg_stat_replication"
        )
        assert int(str(behind)) > 64 * MIB, (sent, behind)
        assert highest(proxy.process.pid) - before < MOST
        got = bytearray()
        while len(got) < 96 * MIB:
            message = made.receive()
            assert message.kind == "d", message
            if message.body[:1] == b"w":
                got += message.body[25:]
        assert highest(proxy.process.pid) - before < MOST
        assert bytes(got[: 96 * MIB]) == wal(server, start, 96 * MIB)


def test_a_server_that_does_not_read_holds_its_client_up(
    server: PostgresServer, start_proxy: StartProxy
) -> None:
    """The other way: a COPY that waits for a lock."""
    proxy = start_proxy(replication.configuration(server, more="[limits]\ncarriers = 1\n"), ENVIRONMENT)
    server.execute("CREATE TABLE copied (a text); GRANT ALL ON copied TO PUBLIC")
    data = copy_data(b"x" * (MIB - 1) + b"\n") * 64
    with psycopg.connect(server.local()) as holder, line(proxy) as made:
        holder.execute("LOCK TABLE copied")
        before = resident(proxy.process.pid)
        made.send(query("COPY copied FROM STDIN"))

        def send() -> bool:
            made.send(data + COPY_DONE)
            return True

        sending = Later(send)
        waits = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'walsender' AND wait_event_type = 'Lock'"
        assert until(lambda: one(server, waits) == 1)
        with opened(proxy.port) as console:
            # Both buffers are full, and stay as they are.
            full = 256 << 10
            assert until(lambda: console.row("SHOW SOCKETS", type="S")["send_remain"] > full)
            seen = {console.row("SHOW SOCKETS", type="S")["send_remain"] for _ in range(20)}
        assert len(seen) == 1
        assert not sending.done
        assert highest(proxy.process.pid) - before < MOST
        holder.rollback()
        sending.result()
        said = made.until("Z")
        assert error(said) == {}
        assert said[-2].body == b"COPY 64\0"
    server.execute("DROP TABLE copied")


# --- how it ends ----------------------------------------------------------------------------------


def test_when_the_server_ends_it_the_client_hears_why(server: PostgresServer, proxy: Proxy) -> None:
    with line(proxy, "true", "replication") as made:
        stream(made, server)
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'walsender'"
        )
        assert ended(made.until("E" + "!")) == ENDED


def test_a_server_that_is_gone(spare_postgres: PostgresServer, start_proxy: StartProxy) -> None:
    spare_postgres.execute("CREATE ROLE repl LOGIN REPLICATION PASSWORD 'repl-password'")
    proxy = start_proxy(replication.configuration(spare_postgres), ENVIRONMENT)
    with line(proxy, "database") as made:
        ((pid,),) = rows(made.ask(query("SELECT pg_backend_pid()")))
        os.kill(int(pid or 0), signal.SIGKILL)
        assert ended(made.until("!")) == ("08006", "server closed the connection unexpectedly")
    spare_postgres.process.send_signal(signal.SIGQUIT)
    spare_postgres.process.wait(20)
    assert refused(proxy, "database")[0] == "08006"


@pytest.mark.parametrize("reads", [True, False])
def test_kill_ends_it_between_two_messages(server: PostgresServer, proxy: Proxy, reads: bool) -> None:
    """Who reads is told after the message under way; who does not is cut off in a bounded time."""
    with opened(proxy.port) as console, line(proxy, "true", "replication") as made:
        stream(made, server)
        write(server, 32)
        client = console.row("SHOW CLIENTS", replication="physical")
        assert console.order(f"KILL_CLIENT {client['id']}") == "KILL_CLIENT"
        if reads:
            said = made.until("E")
            assert all(message.kind == "d" for message in said[:-1])
            assert (error(said)["C"], error(said)["M"]) == ENDED
            assert made.receive().kind == END
        gone = until(lambda: all(row["replication"] == "none" for row in console.rows("SHOW CLIENTS")))
        assert gone
        assert until(lambda: senders(server) == 0)


def test_kill_stops_what_it_runs(server: PostgresServer, proxy: Proxy) -> None:
    """The server would not notice otherwise that nobody waits any more."""
    with opened(proxy.port) as console, line(proxy) as made:
        made.send(query("SELECT pg_sleep(600)"))
        assert until(
            lambda: one(server, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
        )
        client = console.row("SHOW CLIENTS", replication="logical")
        assert console.order(f"KILL_CLIENT {client['id']}") == "KILL_CLIENT"
        assert ended(made.until("!")) == ENDED
        assert until(lambda: senders(server) == 0)


def test_kill_and_disable_of_its_database(server: PostgresServer, proxy: Proxy) -> None:
    with opened(proxy.port) as console, line(proxy) as made, line(proxy, "true", "shop") as other:
        assert console.order("KILL shop") == "KILL"
        for each in (made, other):
            assert ended(each.until("!")) == ENDED
        try:
            assert refused(proxy, "database")[0] == "55000"
        finally:
            console.order("RESUME shop")
        assert console.order("DISABLE shop") == "DISABLE"
        try:
            assert refused(proxy, "true", "replication")[0] == "55000"
        finally:
            console.order("ENABLE shop")


def test_pause_does_not_wait_for_it(proxy: Proxy) -> None:
    with opened(proxy.port) as console, line(proxy) as made:
        assert console.order("PAUSE shop") == "PAUSE"
        assert rows(made.ask(query("SELECT 'goes on'"))) == [("goes on",)]
        assert console.order("RESUME shop") == "RESUME"


def test_a_right_that_is_taken_away_ends_at_once(server: PostgresServer, start_proxy: StartProxy) -> None:
    proxy = start_proxy(replication.configuration(server), ENVIRONMENT)
    with line(proxy) as made, line(proxy, "true", "replication") as other:
        stream(other, server)
        # Another setting leaves them alone.
        proxy.reload(replication.configuration(server, cluster="max_connections = 50"))
        assert until(lambda: "the new configuration is in force" in proxy.log_text())
        assert rows(made.ask(query("SELECT 'stays'"))) == [("stays",)]
        proxy.reload(replication.configuration(server, right=""))
        for each in (made, other):
            assert ended(each.until("E" + "!")) == ENDED


@contextmanager
def process(server: PostgresServer, directory: Path, more: str) -> Iterator[House]:
    """A proxy that a test may end, or replace."""
    house = House(servers._launch(replication.configuration(server, more=more), directory, ENVIRONMENT))
    try:
        yield house
        assert not any(sign in house.text() for sign in servers.DEFECTS), house.text()[-4000:]
    finally:
        for pid in house.pids:
            if not house.ends(pid, 0):
                os.kill(pid, signal.SIGKILL)
        house.proxy.process.wait(20)


def test_sigterm_lets_a_backup_finish_and_then_ends_what_streams(
    server: PostgresServer, tmp_path: Path
) -> None:
    with (
        process(server, tmp_path, '[limits]\ndrain = "60s"\n') as house,
        line(house.proxy) as idle,
        line(house.proxy, "true", "replication") as streaming,
        line(house.proxy, "true", "replication") as backup,
    ):
        stream(streaming, server)
        backup.ask(query("BASE_BACKUP (CHECKPOINT 'fast', PROGRESS)"), "H")
        house.proxy.process.send_signal(signal.SIGTERM)
        assert ended(idle.until("!")) == ENDED
        # As long as the backup is under way the stream goes on, for it may belong to it.
        server.execute("SELECT pg_logical_emit_message(false, 'drain', 'streamed while draining')")
        found = b""
        while b"streamed while draining" not in found:
            found += streaming.receive().body
        said = backup.until("Z")
        assert error(said) == {}
        assert ended(backup.until("!")) == ENDED
        assert ended(streaming.until("E" + "!")) == ENDED
        assert house.ends(house.pids[0])
        assert house.proxy.process.wait(20) == 0


def test_sigterm_has_a_bound(server: PostgresServer, tmp_path: Path) -> None:
    with process(server, tmp_path, '[limits]\ndrain = "1s"\n') as house, line(house.proxy) as made:
        made.send(query("SELECT pg_sleep(10)"))
        house.proxy.process.send_signal(signal.SIGTERM)
        assert ended(made.until("!")) == ENDED
        assert house.proxy.process.wait(20) == 0


def test_an_upgrade_leaves_it_with_the_old_process_until_its_bound(
    server: PostgresServer, tmp_path: Path
) -> None:
    private = '[upgrade]\ndirectory = "private"\ndrain = "3s"\n'
    with process(server, tmp_path, private) as house, line(house.proxy, "true", "replication") as made:
        assert until(lambda: "articdbm is ready" in house.text())
        stream(made, server)
        done = house.upgrade()
        assert done.returncode == 0, done.stdout + done.stderr
        server.execute("SELECT pg_logical_emit_message(false, 'upgrade', 'streamed by the old process')")
        found = b""
        while b"streamed by the old process" not in found:
            found += made.receive().body
        with line(house.proxy) as new, opened(house.port) as console:
            assert rows(new.ask(query("SELECT 'by the new one'"))) == [("by the new one",)]
            assert [row["replication"] for row in console.rows("SHOW SERVERS")] == ["logical"]
        assert ended(made.until("E" + "!")) == ENDED
        assert house.ends(house.pids[0])
