"""What goes wrong gets the error that PostgreSQL or PgBouncer would give, in time, and harms nobody else."""

import signal
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.integration import house
from tests.integration.conftest import Front
from tests.integration.wire import END, SYNC, Line, Message, bind, error, execute, kinds, parse, query, rows
from tests.servers import ports, proxy
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy

USER = "app_trust"


@contextmanager
def client(running: Proxy, database: str, user: str = USER) -> Iterator[Line]:
    with Line(running.host, running.port) as line:
        said = line.log_in(user, database)
        assert kinds(said).endswith("Z"), said
        yield line


def refusal(
    running: Proxy, database: str = "shop", user: str = "app", password: str = "app-password"
) -> tuple[str | None, str]:
    """SQLSTATE and text of a log-in that fails."""
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect(running.dsn(database, user, password, connect_timeout=20))
    text = str(caught.value)
    return caught.value.sqlstate, text.splitlines()[0].split("FATAL:  ")[-1]


def code(said: list[Message]) -> tuple[str | None, str | None]:
    found = error(said)
    return found.get("S"), found.get("C")


@pytest.fixture(scope="module")
def strict(server: PostgresServer, front: Front) -> Proxy:
    """Pools in which every patience is short."""
    pools = {
        "waits": '{ size = 1, wait = "2s" }',
        "full": "{ size = 1, max_waiting = 1 }",
        "deadline": '{ size = 2, statement = "300ms" }',
        "lingering": '{ size = 1, idle_transaction = "300ms" }',
        "idle": '{ size = 1, client_idle = "300ms" }',
        "single": '{ size = 2, mode = "statement" }',
        "whole": '{ size = 2, mode = "session", wait = "2s" }',
        "reserve": '{ size = 1, reserve = 1, reserve_after = "100ms" }',
    }
    return front(house.configuration(server, pools=pools))


# --- who is refused ------------------------------------------------------------------------------


def test_a_wrong_password_reads_as_the_servers_own(server: PostgresServer, proving: Proxy) -> None:
    for user in ("app", "nobody at all"):
        assert refusal(proving, user=user, password="wrong") == (
            None,
            f'password authentication failed for user "{user}"',
        )
    with psycopg.connect(proving.dsn("shop", "app", "app-password")) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_an_unknown_database_reads_as_the_servers_own(server: PostgresServer, proving: Proxy) -> None:
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect(server.dsn("nowhere"))
    assert str(caught.value).splitlines()[0].endswith('FATAL:  database "nowhere" does not exist')
    assert refusal(proving, "nowhere") == (None, 'database "nowhere" does not exist')


def test_a_database_that_only_the_server_lacks(server: PostgresServer, front: Front) -> None:
    more = '[[databases]]\nname = "missing"\ncluster = "main"\ndbname = "not_there"\n'
    running = front(house.configuration(server, more=more, listener=""))
    assert refusal(running, "missing")[1] == 'database "not_there" does not exist'


def test_a_password_that_only_the_server_refuses(server: PostgresServer, front: Front) -> None:
    """The client proved itself to the proxy: it must not be told that its own password is wrong."""
    more = '[[users]]\nname = "stale"\npassword = "env://STALE"\nserver_user = "app"\nserver_password = "env://OLD"\n'
    secrets = {**house.environment(), "STALE": "fresh", "OLD": "outdated"}
    running = front(house.configuration(server, more=more, listener=""), secrets)
    _, text = refusal(running, user="stale", password="fresh")
    assert text.startswith("server login failed: ")
    assert "outdated" not in text + running.log_text()
    with psycopg.connect(running.dsn("shop", "app", "app-password")) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_user_without_the_right_to_a_database(server: PostgresServer, front: Front) -> None:
    more = (
        '[[databases]]\nname = "private"\ncluster = "main"\ndbname = "shop"\n'
        '[[users]]\nname = "guest"\npassword = "env://GUEST"\nserver_user = "app"\n'
        'server_password = "env://APP_PASSWORD"\ndatabases = ["shop"]\n'
    )
    running = front(
        house.configuration(server, more=more, listener=""), {**house.environment(), "GUEST": "guest"}
    )
    assert refusal(running, "private", "guest", "guest")[1] == 'permission denied for database "private"'
    with psycopg.connect(running.dsn("shop", "guest", "guest")) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("app",)


# --- servers that are not there ------------------------------------------------------------------


def test_a_server_that_is_down_is_named_in_time(server: PostgresServer, front: Front) -> None:
    gone = ports.free()
    more = (
        f'[[clusters]]\nname = "gone"\nprotocol = "postgres"\nservers = [{{ address = "127.0.0.1:{gone}" }}]\n'
        'pool.wait = "500ms"\n[[databases]]\nname = "gone"\ncluster = "gone"\ndbname = "shop"\n'
    )
    running = front(house.configuration(server, more=more))
    with Line(running.host, running.port) as line:
        said = line.log_in(USER, "gone")
        assert code(said) == ("FATAL", "08006")
        assert str(gone) in error(said)["M"]
        assert said[-1].kind == END
    with client(running, "shop") as other:
        assert rows(other.ask(query("SELECT 1"))) == [("1",)]


def test_a_server_that_accepts_and_says_nothing(server: PostgresServer, front: Front) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        more = (
            '[[clusters]]\nname = "silent"\nprotocol = "postgres"\nconnect_timeout = "300ms"\npool.wait = "1s"\n'
            f'servers = [{{ address = "127.0.0.1:{silent.getsockname()[1]}" }}]\n'
            '[[databases]]\nname = "silent"\ncluster = "silent"\ndbname = "shop"\n'
        )
        running = front(house.configuration(server, more=more))
        with Line(running.host, running.port) as line:
            said = line.log_in(USER, "silent")
            assert code(said) == ("FATAL", "08006")


def test_a_server_that_is_full(server: PostgresServer, front: Front) -> None:
    """The role may hold two connections; the pool believes in twenty. Nobody fails: who is over waits."""
    server.execute("CREATE ROLE scarce LOGIN CONNECTION LIMIT 2 PASSWORD 'scarce'")
    try:
        more = '[[users]]\nname = "scarce"\npassword = "env://SCARCE"\n'
        running = front(
            house.configuration(server, more=more, listener=""), {**house.environment(), "SCARCE": "scarce"}
        )
        wrong: list[object] = []

        def work() -> None:
            with psycopg.connect(running.dsn("shop", "scarce", "scarce")) as connection:
                for _ in range(3):
                    with connection.transaction():
                        if connection.execute("SELECT 1 FROM pg_sleep(0.05)").fetchone() != (1,):
                            wrong.append("no row")

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
    finally:
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'scarce'")
        server.execute("DROP ROLE scarce")


def test_a_connection_the_server_ends(server: PostgresServer, trusting: Proxy) -> None:
    """The client in a transaction hears the server's own words and is disconnected; an idle one notices nothing."""
    end = "SELECT pg_terminate_backend({})"
    with client(trusting, "shop_one") as line:
        pid = rows(line.ask(query("BEGIN; SELECT pg_backend_pid()")))[0][0]
        server.execute(end.format(pid))
        said = line.ask(query("SELECT 1"))
        assert code(said) == ("FATAL", "57P01")
        assert said[-1].kind == END
    with client(trusting, "shop_one") as line:
        pid = rows(line.ask(query("SELECT pg_backend_pid()")))[0][0]
        server.execute(end.format(pid))
        gone = f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}"
        assert ports.wait(lambda: server.execute(gone) == [(0,)], 10)
        assert rows(line.ask(query("SELECT 'alive'"))) == [("alive",)]


def test_a_server_that_dies(spare_postgres: PostgresServer, front: Front) -> None:
    """Who has a transaction hears of it; who has none waits for the server to come back, and then is told."""
    running = front(
        house.configuration(
            spare_postgres, cluster='login_retry = "100ms"', pools={"shop": '{ wait = "1s" }'}
        )
    )
    with client(running, "shop") as idle, client(running, "shop") as busy:
        assert rows(idle.ask(query("SELECT 1"))) == [("1",)]
        busy.ask(query("BEGIN; SELECT 1"))
        # Immediate shutdown: as if it had crashed.
        spare_postgres.process.send_signal(signal.SIGQUIT)
        spare_postgres.process.wait(20)
        said = busy.ask(query("SELECT 1"))
        assert error(said)["S"] == "FATAL"
        assert said[-1].kind == END
        said = idle.ask(query("SELECT 1"))
        assert code(said) in (("FATAL", "08006"), ("FATAL", "08P01"))
        assert said[-1].kind == END


# --- waiting, and its end ------------------------------------------------------------------------


def test_who_waits_too_long_gets_pgbouncers_error(strict: Proxy) -> None:
    with client(strict, "waits") as holder, client(strict, "waits") as waiting:
        holder.ask(query("BEGIN"))
        said = waiting.ask(query("SELECT 1"))
        assert (code(said), error(said)["M"]) == (("FATAL", "08P01"), "query_wait_timeout")
        assert said[-1].kind == END
        assert holder.ask(query("COMMIT"))[-1].body == b"I"
    with client(strict, "waits") as after:
        assert rows(after.ask(query("SELECT 1"))) == [("1",)]


def test_the_queue_is_bounded(strict: Proxy) -> None:
    with client(strict, "full") as holder, client(strict, "full") as waiting, client(strict, "full") as third:
        holder.ask(query("BEGIN"))
        waiting.send(query("SELECT 'waited'"))
        assert waiting.is_silent()
        assert error(third.ask(query("SELECT 1")))["C"] == "53300"
        holder.ask(query("COMMIT"))
        assert rows(waiting.until("Z")) == [("waited",)]


def test_the_reserve_is_used_when_the_wait_is_long(strict: Proxy) -> None:
    with client(strict, "reserve") as holder, client(strict, "reserve") as waiting:
        holder.ask(query("BEGIN"))
        assert rows(waiting.ask(query("SELECT 'from the reserve'"))) == [("from the reserve",)]
        holder.ask(query("COMMIT"))


@pytest.mark.parametrize(
    "statement",
    [query("SELECT pg_sleep(30)"), parse("", "SELECT pg_sleep(30)") + bind() + execute() + SYNC],
    ids=["simple", "extended"],
)
def test_a_statement_over_its_deadline(strict: Proxy, statement: bytes) -> None:
    with client(strict, "deadline") as line:
        said = line.ask(statement)
        assert code(said) == ("ERROR", "57014")
        assert rows(line.ask(query("SELECT 'alive'"))) == [("alive",)]
        line.ask(query("BEGIN"))
        assert code(line.ask(statement)) == ("ERROR", "57014")
        assert line.ask(query("ROLLBACK"))[-1].body == b"I"


def test_a_prepared_statement_over_its_deadline(strict: Proxy) -> None:
    """Also where it had to be prepared on its connection first."""
    with client(strict, "deadline") as line, client(strict, "deadline") as other:
        line.ask(parse("asleep", "SELECT pg_sleep($1::float8)") + SYNC)
        for text in ("CREATE TABLE test_failures_gone ()", "DROP TABLE test_failures_gone"):
            other.ask(query(text))
        assert code(line.ask(bind("", "asleep", [b"30"]) + execute() + SYNC)) == ("ERROR", "57014")
        assert rows(line.ask(query("SELECT 'alive'"))) == [("alive",)]


def test_a_transaction_left_idle(strict: Proxy) -> None:
    with client(strict, "lingering") as line, client(strict, "lingering") as other:
        line.ask(query("BEGIN; SELECT 1"))
        said = line.until("E" + "Z")
        assert code(said) == ("FATAL", "25P03")
        assert said[-1].kind == END
        assert rows(other.ask(query("SELECT 'free again'"))) == [("free again",)]


def test_a_client_left_idle(strict: Proxy) -> None:
    with client(strict, "idle") as line:
        line.ask(query("SELECT 1"))
        said = line.until("EZ")
        assert code(said) == ("FATAL", "57P05")
        assert said[-1].kind == END


# --- modes ---------------------------------------------------------------------------------------


def test_statement_mode_has_no_transactions(strict: Proxy) -> None:
    with client(strict, "single") as line:
        assert rows(line.ask(query("SELECT 1"))) == [("1",)]
        assert rows(line.ask(query("SELECT 1; SELECT 2"))) == [("1",), ("2",)]
        said = line.ask(query("BEGIN"), "~")
        assert error(said)["M"] == "transaction blocks not allowed in statement pooling mode"
    with client(strict, "single") as line:
        said = line.ask(parse("", "BEGIN") + bind() + execute() + SYNC, "~")
        assert error(said)["M"] == "transaction blocks not allowed in statement pooling mode"
    with client(strict, "single") as line:
        assert rows(line.ask(parse("p", "SELECT 2") + bind("", "p") + execute() + SYNC)) == [("2",)]


def test_session_mode_keeps_the_connection(strict: Proxy) -> None:
    with client(strict, "whole") as first, client(strict, "whole") as second:
        pids = {rows(first.ask(query("SELECT pg_backend_pid()")))[0][0] for _ in range(5)}
        assert len(pids) == 1
        assert rows(second.ask(query("SELECT pg_backend_pid()")))[0][0] not in pids
        with client(strict, "whole") as third:
            assert error(third.ask(query("SELECT 1")))["M"] == "query_wait_timeout"
        first.ask(
            query(
                "CREATE TEMP TABLE mine (a int); SET work_mem = '7MB'; PREPARE mine AS SELECT 1; LISTEN mine"
            )
        )
    with client(strict, "whole") as after, client(strict, "whole") as other:
        for line in (after, other):
            said = line.ask(
                query(
                    "SELECT count(*), current_setting('work_mem') FROM pg_prepared_statements WHERE name = 'mine'"
                )
            )
            assert rows(said) == [("0", "4MB")]
            assert error(line.ask(query("SELECT * FROM mine")))["C"] == "42P01"


# --- peers that misbehave ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rubbish",
    [
        struct.pack("!ci", b"Q", 3),
        struct.pack("!ci", b"Q", -1),
        struct.pack("!ci", b"Q", 2**31 - 1) + b"x" * 100,
        struct.pack("!ci", b"!", 4),
        struct.pack("!ci", b"Q", 8) + b"SELE",
        struct.pack("!ci", b"P", 6) + b"\0\0",
        struct.pack("!ci", b"B", 5) + b"\0",
        struct.pack("!ci", b"B", 12) + b"\0\0\0\1\0\1\0\5",
        struct.pack("!ci", b"D", 6) + b"Q\0",
        struct.pack("!ci", b"E", 5) + b"\0",
        struct.pack("!ci", b"C", 4),
        struct.pack("!ci", b"S", 8) + b"more",
        b"\0" * 100,
        b"\xff" * 100,
    ],
    ids=[
        "short", "negative", "huge and cut off", "unknown", "no end", "Parse cut", "Bind cut", "Bind wrong",
        "Describe of what", "Execute cut", "Close empty", "Sync with a body", "zeros", "ones",
    ],
)  # fmt: skip
@pytest.mark.parametrize("where", ["idle", "in a transaction", "in mid-pipeline"])
def test_rubbish_harms_nobody_else(trusting: Proxy, rubbish: bytes, where: str) -> None:
    """It may be answered with an error or with silence until the client goes; neighbours go on, and so does the pool."""
    with client(trusting, "shop_one") as neighbour:
        with client(trusting, "shop_one") as line:
            before = {
                "idle": b"",
                "in a transaction": query("BEGIN"),
                "in mid-pipeline": parse("", "SELECT 1"),
            }[where]
            line.send(before + rubbish)
            line.socket.shutdown(socket.SHUT_WR)
            said = line.until("~")
            assert said[-1].kind == END
        assert rows(neighbour.ask(query("SELECT 'unharmed'"))) == [("unharmed",)]


def test_half_a_message_then_silence_holds_nothing_up(trusting: Proxy) -> None:
    with client(trusting, "shop_one") as half:
        half.send(query("SELECT 1")[:7])
        with client(trusting, "shop_one") as other:
            assert rows(other.ask(query("SELECT 'not held up'"))) == [("not held up",)]
        half.send(query("SELECT 1")[7:])
        assert rows(half.until("Z")) == [("1",)]


def test_half_a_bind_holds_only_its_own_connection(trusting: Proxy) -> None:
    whole = bind("", "", [b"x" * 3_000_000])
    with client(trusting, "shop") as half:
        half.send(parse("", "SELECT length($1)", [25]) + whole[:2_000_000])
        with client(trusting, "shop") as other:
            assert rows(other.ask(query("SELECT 'not held up'"))) == [("not held up",)]
        half.send(whole[2_000_000:] + execute() + SYNC)
        assert rows(half.until("Z")) == [("3000000",)]


def test_more_clients_than_allowed(server: PostgresServer, front: Front) -> None:
    running = front(house.configuration(server, limits="max_clients = 3"))
    with client(running, "shop"), client(running, "shop"), client(running, "shop"):
        with Line(running.host, running.port) as fourth:
            said = fourth.log_in(USER, "shop")
            assert (code(said), error(said)["M"]) == (("FATAL", "53300"), "sorry, too many clients already")
    assert ports.wait(lambda: admitted(running), 10)


def admitted(running: Proxy) -> bool:
    with Line(running.host, running.port) as line:
        return kinds(line.log_in(USER, "shop")).endswith("Z")


def test_stopping_lets_clients_finish(
    server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with (
        proxy.start(
            house.configuration(server), tmp_path_factory.mktemp("stopping"), house.environment()
        ) as running,
        client(running, "shop") as line,
    ):
        line.ask(query("BEGIN"))
        assert rows(line.ask(query("SELECT 'in time'"))) == [("in time",)]
        line.ask(query("COMMIT"))
