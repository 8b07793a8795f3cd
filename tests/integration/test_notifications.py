"""LISTEN in transaction mode: no connection is kept for it, and nobody misses what was sent after it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest

from tests.integration.wire import SYNC, Line, Message, bind, error, execute, parse, query, rows
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy

USER = "app_trust"


@pytest.fixture(params=["shop_one", "shop", "shop_alone"])
def lines(request: pytest.FixtureRequest, trusting: Proxy) -> Iterator[list[Line]]:
    with ExitStack() as stack:
        opened = [stack.enter_context(Line(trusting.host, trusting.port)) for _ in range(4)]
        for line in opened:
            line.log_in(USER, request.param)
        yield opened


def told(line: Line, count: int) -> list[tuple[str, str]]:
    """So many notifications: channel and payload."""
    found: list[Message] = []
    while len(found) < count:
        message = line.receive()
        assert message.kind == "A", message
        found.append(message)
    return [heard(message) for message in found]


def heard(message: Message) -> tuple[str, str]:
    channel, payload = message.body[4:].split(b"\0")[:2]
    return channel.decode(), payload.decode()


def said(line: Line, text: str) -> list[str]:
    return [message.kind for message in line.ask(query(text))]


def test_everybody_who_listens_is_told_in_order_and_nobody_else(lines: list[Line]) -> None:
    one, two, other, sender = lines
    assert said(one, "LISTEN news") == said(two, "listen News;") == ["C", "Z"]
    assert said(two, 'LISTEN "News"') == ["C", "Z"]
    for number in range(200):
        assert not error(sender.ask(query(f"NOTIFY news, '{number}'")))
    assert not error(sender.ask(query("NOTIFY \"News\", 'spelt'")))
    assert told(one, 200) == [("news", str(number)) for number in range(200)]
    assert told(two, 201) == [*(("news", str(number)) for number in range(200)), ("News", "spelt")]
    assert rows(other.ask(query("SELECT 'nothing came'"))) == [("nothing came",)]


def test_what_is_sent_right_after_it_is_not_missed(lines: list[Line]) -> None:
    one, _, _, sender = lines
    for number in range(30):
        assert said(one, f"LISTEN quick_{number}") == ["C", "Z"]
        sender.ask(query(f"NOTIFY quick_{number}, 'now'"))
        assert told(one, 1) == [(f"quick_{number}", "now")]


def test_it_comes_between_messages_of_a_long_answer(server: PostgresServer, lines: list[Line]) -> None:
    one, two, _, _ = lines
    said(one, "LISTEN busy")
    said(two, "LISTEN busy")
    one.send(query("SELECT repeat('x', 100000) FROM generate_series(1, 300)"))
    for number in range(50):
        server.execute(f"NOTIFY busy, '{number}'")
    answer = one.until("Z")
    assert len(rows(answer)) == 300
    among = [heard(message) for message in answer if message.kind == "A"]
    assert [*among, *told(one, 50 - len(among))] == told(two, 50)


def test_unlisten_and_discard_all(lines: list[Line]) -> None:
    one, two, three, sender = lines
    for line in (one, two, three):
        said(line, "LISTEN a")
        said(line, "LISTEN b")
    assert said(one, "UNLISTEN a") == ["C", "Z"]
    assert said(two, "UNLISTEN *") == ["C", "Z"]
    assert said(three, "DISCARD ALL")[-2:] == ["C", "Z"]
    sender.ask(query("NOTIFY a, '1'"))
    sender.ask(query("NOTIFY b, '2'"))
    assert told(one, 1) == [("b", "2")]
    for line in (two, three):
        assert rows(line.ask(query("SELECT 'nothing came'"))) == [("nothing came",)]
    assert said(two, "LISTEN a") == ["C", "Z"]
    sender.ask(query("NOTIFY a, '3'"))
    assert told(two, 1) == [("a", "3")]


def test_a_listener_that_leaves_is_forgotten(lines: list[Line], server: PostgresServer) -> None:
    one, two, _, sender = lines
    said(one, "LISTEN gone")
    said(two, "LISTEN gone")
    one.socket.close()
    sender.ask(query("NOTIFY gone, 'still'"))
    assert told(two, 1) == [("gone", "still")]


def test_when_the_session_that_listens_ends_so_do_those_who_rely_on_it(
    lines: list[Line], server: PostgresServer
) -> None:
    one, two, other, _ = lines
    said(one, "LISTEN fragile")
    said(two, "LISTEN fragile")
    server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE query LIKE 'LISTEN%' AND usename = 'app_trust' AND state = 'idle'"
    )
    for line in (one, two):
        ended = line.until("E")
        assert (error(ended)["S"], error(ended)["C"]) == ("FATAL", "57P01")
    assert rows(other.ask(query("SELECT 'goes on'"))) == [("goes on",)]
    assert said(other, "LISTEN fragile") == ["C", "Z"]


def extended(text: str) -> bytes:
    return parse("", text) + bind() + execute() + SYNC


@pytest.mark.parametrize("say", [query, extended])
def test_in_a_transaction_it_holds_from_the_commit(lines: list[Line], say: Callable[[str], bytes]) -> None:
    one, _, other, sender = lines
    for text in ("BEGIN", "LISTEN inside", "NOTIFY inside, 'own'", "SELECT 1"):
        assert not error(one.ask(say(text)))
    assert not error(one.ask(say("COMMIT")))
    assert told(one, 1) == [("inside", "own")]
    # It keeps no connection: another client of a pool of one is served, and hears nothing.
    assert rows(other.ask(query("SELECT 'served'"))) == [("served",)]
    sender.ask(query("NOTIFY inside, 'another'"))
    assert told(one, 1) == [("inside", "another")]
    assert rows(other.ask(query("SELECT 'nothing came'"))) == [("nothing came",)]
    for text in ("BEGIN", "UNLISTEN inside", "ROLLBACK"):
        one.ask(say(text))
    sender.ask(query("NOTIFY inside, 'still'"))
    assert told(one, 1) == [("inside", "still")]
    for text in ("BEGIN", "UNLISTEN inside", "COMMIT"):
        one.ask(say(text))
    sender.ask(query("NOTIFY inside, 'no more'"))
    said(one, "LISTEN later")
    sender.ask(query("NOTIFY later, 'this'"))
    assert told(one, 1) == [("later", "this")]


@pytest.mark.parametrize("say", [query, extended])
def test_rolled_back_it_never_was(lines: list[Line], say: Callable[[str], bytes]) -> None:
    one, _, _, sender = lines
    for texts in (("LISTEN never", "ROLLBACK"), ("LISTEN never", "SELECT 1/0", "COMMIT")):
        one.ask(say("BEGIN"))
        for text in texts:
            one.ask(say(text))
        sender.ask(query("NOTIFY never, 'no'"))
        said(one, "LISTEN later")
        sender.ask(query("NOTIFY later, 'this'"))
        assert told(one, 1) == [("later", "this")]
        said(one, "UNLISTEN *")


def test_outside_a_transaction_by_the_extended_protocol(lines: list[Line]) -> None:
    one, _, other, sender = lines
    for number in range(30):
        assert not error(one.ask(extended(f"LISTEN outside_{number}")))
        sender.ask(query(f"NOTIFY outside_{number}, 'now'"))
        assert told(one, 1) == [(f"outside_{number}", "now")]
    assert rows(other.ask(query("SELECT 'served'"))) == [("served",)]
    one.ask(extended("UNLISTEN *"))
    sender.ask(query("NOTIFY outside_3, 'no more'"))
    assert rows(one.ask(query("SELECT 'nothing came'"))) == [("nothing came",)]


def test_among_other_statements_of_a_text(lines: list[Line]) -> None:
    one, _, other, sender = lines
    answer = one.ask(query("SELECT 1; LISTEN first; UNLISTEN *; LISTEN second; LISTEN third"))
    assert [message.kind for message in answer] == ["T", "D", "C", "C", "C", "C", "C", "Z"]
    assert rows(other.ask(query("SELECT 'served'"))) == [("served",)]
    for channel in ("first", "second", "third"):
        sender.ask(query(f"NOTIFY {channel}, 'now'"))
    assert told(one, 2) == [("second", "now"), ("third", "now")]
    assert error(one.ask(query("LISTEN fourth; SELECT 1/0")))["C"] == "22012"
    sender.ask(query("NOTIFY fourth, 'no'"))
    sender.ask(query("NOTIFY third, 'yes'"))
    assert told(one, 1) == [("third", "yes")]


def test_what_comes_before_it_is_committed_waits_for_that(lines: list[Line], server: PostgresServer) -> None:
    one, two, _, _ = lines
    said(two, "LISTEN kept")
    said(one, "BEGIN")
    said(one, "LISTEN kept")
    server.execute("NOTIFY kept, 'early'")
    assert told(two, 1) == [("kept", "early")]
    assert rows(one.ask(query("SELECT 'nothing came'"))) == [("nothing came",)]
    said(one, "COMMIT")
    server.execute("NOTIFY kept, 'late'")
    assert told(two, 1) == [("kept", "late")]
    assert told(one, 2) == [("kept", "early"), ("kept", "late")]


def test_psycopg_waits_for_notifications(trusting: Proxy) -> None:
    dsn = trusting.dsn("shop_one", USER)
    with psycopg.connect(dsn, autocommit=True) as listener, psycopg.connect(dsn, autocommit=True) as sender:
        listener.execute("LISTEN jobs")
        for number in range(3):
            sender.execute("SELECT pg_notify('jobs', %s)", [str(number)])
        found = [notify.payload for notify in listener.notifies(timeout=20, stop_after=3)]
        assert found == ["0", "1", "2"]
        assert listener.execute("SELECT 1").fetchone() == (1,)
