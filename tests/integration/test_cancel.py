"""A cancel request stops the statement it was meant for, and never another."""

import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from protocols.postgres import messages
from tests.integration import house
from tests.integration.conftest import Front
from tests.integration.house import Side
from tests.integration.wire import END, SYNC, Line, error, kinds, parse, query, rows
from tests.integration.wire import bind as bound
from tests.integration.wire import execute as executed
from tests.servers import ports
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy

USER = "app_trust"
SLEEP = query("SELECT 'slept' FROM pg_sleep(30)")
CANCELED = {"S": "ERROR", "C": "57014", "M": "canceling statement due to user request"}


@contextmanager
def client(side: Side | Proxy, database: str, version: int = 3 << 16) -> Iterator[Line]:
    with Line(side.host, side.port) as line:
        line.log_in(USER, database, version=version)
        yield line


def cancel(side: Side | Proxy, key: bytes) -> None:
    """Deliver a request; the peer closes when it has acted on it."""
    with Line(side.host, side.port) as line:
        line.send(messages.cancel_request(struct.unpack("!I", key[:4])[0], key[4:]))
        assert line.receive().kind == END


def canceled(line: Line) -> bool:
    said = error(line.until("Z"))
    return {field: said.get(field) for field in "SCM"} == CANCELED


def sleeping(server: PostgresServer, count: int) -> bool:
    """So many sessions sleep on the server by now."""
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    return ports.wait(lambda: server.execute(asleep) == [(count,)], 10)


@pytest.mark.parametrize("version", [3 << 16, 3 << 16 | 2], ids=["3.0", "3.2"])
@pytest.mark.parametrize("database", ["shop", "shop_one", "shop_session"])
def test_a_running_statement_is_stopped(
    server: PostgresServer, trusting: Proxy, database: str, version: int
) -> None:
    with client(trusting, database, version) as line:
        line.send(SLEEP)
        assert sleeping(server, 1)
        cancel(trusting, line.key)
        assert canceled(line)
        assert rows(line.ask(query("SELECT 'alive'"))) == [("alive",)]


def test_in_the_extended_protocol_and_in_a_transaction(server: PostgresServer, trusting: Proxy) -> None:
    with client(trusting, "shop_one") as line:
        line.ask(query("BEGIN"))
        line.send(parse("", "SELECT pg_sleep(30)") + bound() + executed() + SYNC)
        assert sleeping(server, 1)
        cancel(trusting, line.key)
        assert canceled(line)
        said = line.ask(query("SELECT 1"))
        assert error(said)["C"] == "25P02"
        assert line.ask(query("ROLLBACK"))[-1].body == b"I"


def test_a_statement_that_the_connection_did_not_know(server: PostgresServer, trusting: Proxy) -> None:
    """What the proxy prepares in front of it is told done only with the statement itself."""
    with client(trusting, "shop_one") as line, client(trusting, "shop_one") as other:
        line.ask(parse("asleep", "SELECT 'slept' FROM pg_sleep($1::float8)") + SYNC)
        for text in ("CREATE TABLE test_cancel_gone ()", "DROP TABLE test_cancel_gone"):
            other.ask(query(text))  # Nothing that was prepared before is trusted after it.
        line.send(bound("", "asleep", [b"30"]) + executed() + SYNC)
        assert sleeping(server, 1)
        cancel(trusting, line.key)
        assert canceled(line)
        assert rows(line.ask(bound("", "asleep", [b"0"]) + executed() + SYNC)) == [("slept",)]


@pytest.mark.parametrize("database", ["shop", "shop_one", "shop_session"])
def test_an_idle_client_cancels_nothing(server: PostgresServer, trusting: Proxy, database: str) -> None:
    """Not its own next statement, and not that of a neighbour who has the connection now."""
    with client(trusting, database) as idle, client(trusting, database) as busy:
        assert rows(idle.ask(query("SELECT 'first'"))) == [("first",)]
        if database == "shop_one":
            busy.send(query("SELECT 'slept' FROM pg_sleep(0.5)"))
            assert sleeping(server, 1)
        cancel(trusting, idle.key)
        if database == "shop_one":
            assert rows(busy.until("Z")) == [("slept",)]
        assert rows(idle.ask(query("SELECT 'second'"))) == [("second",)]


def test_a_wrong_key_cancels_nothing(server: PostgresServer, trusting: Proxy) -> None:
    with client(trusting, "shop") as line:
        line.send(query("SELECT 'slept' FROM pg_sleep(0.5)"))
        assert sleeping(server, 1)
        for wrong in (
            line.key[:4] + bytes(byte ^ 1 for byte in line.key[4:]),
            struct.pack("!I", struct.unpack("!I", line.key[:4])[0] ^ 1) + line.key[4:],
            line.key[:4] + line.key[4:] * 8,
        ):
            cancel(trusting, wrong)
        assert rows(line.until("Z")) == [("slept",)]


def test_who_waits_for_a_connection_can_give_up(server: PostgresServer, trusting: Proxy) -> None:
    """Its statement has not begun: it gets the error the server would give, and the one who runs is left alone."""
    with client(trusting, "shop_one") as busy, client(trusting, "shop_one") as waiting:
        busy.send(query("SELECT 'slept' FROM pg_sleep(1)"))
        assert sleeping(server, 1)
        waiting.send(query("SELECT 'never'"))
        assert waiting.is_silent()
        cancel(trusting, waiting.key)
        assert canceled(waiting)
        assert rows(busy.until("Z")) == [("slept",)]
        assert rows(waiting.ask(query("SELECT 'alive'"))) == [("alive",)]


def test_a_shared_connection_is_never_cancelled_under_a_neighbour(
    server: PostgresServer, front: Front
) -> None:
    """Clients whose short statements share one connection, and a storm of cancel requests from all of them."""
    running = front(house.configuration(server, pools={"shop_shared": "{ size = 1 }"}))
    wrong: list[object] = []

    def victim(number: int) -> None:
        with client(running, "shop_shared") as line:
            for turn in range(60):
                said = line.ask(query(f"SELECT {number}, {turn}"))
                seen = rows(said)
                if seen != [(str(number), str(turn))]:
                    wrong.append(said)

    def attacker() -> None:
        with client(running, "shop_shared") as line:
            for _ in range(30):
                line.send(query("SELECT 'mine'"))
                cancel(running, line.key)
                said = line.until("Z")
                if rows(said) != [("mine",)] and error(said).get("C") != "57014":
                    wrong.append(said)

    threads = [threading.Thread(target=victim, args=(number,)) for number in range(4)]
    threads += [threading.Thread(target=attacker) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_client_that_leaves_frees_its_place(server: PostgresServer, trusting: Proxy) -> None:
    """Its statement is the server's to finish, as without us, but the next client need not wait for that."""
    with client(trusting, "shop_one") as line:
        line.send(SLEEP)
        assert sleeping(server, 1)
    with client(trusting, "shop_one") as line:
        assert rows(line.ask(query("SELECT 'alive'"))) == [("alive",)]
    assert sleeping(server, 1)
    server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")


@pytest.mark.parametrize("database", ["shop", "shop_one", "shop_session"])
def test_what_was_said_before_leaving_is_done(server: PostgresServer, trusting: Proxy, database: str) -> None:
    server.execute("CREATE TABLE cancel_last (a int); GRANT ALL ON cancel_last TO PUBLIC")
    try:
        with client(trusting, database) as line:
            line.send(query("INSERT INTO cancel_last VALUES (1)") + messages.TERMINATE)
        assert ports.wait(lambda: server.execute("SELECT a FROM cancel_last") == [(1,)], 10)
    finally:
        server.execute("DROP TABLE cancel_last")


def test_a_transaction_left_open_is_undone(server: PostgresServer, trusting: Proxy) -> None:
    server.execute("CREATE TABLE cancel_left (a int); GRANT ALL ON cancel_left TO PUBLIC")
    try:
        with client(trusting, "shop_one") as line:
            line.ask(query("BEGIN; INSERT INTO cancel_left VALUES (1)"))
        with client(trusting, "shop_one") as line:
            said = line.ask(query("SELECT count(*) FROM cancel_left"))
            assert (rows(said), kinds(said)[-1]) == ([("0",)], "Z")
            assert said[-1].body == b"I"
    finally:
        server.execute("DROP TABLE cancel_left")
