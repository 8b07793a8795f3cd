"""What a transaction or a session sets is its client's alone: two clients, one connection, in transaction mode."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.integration import console, house
from tests.integration.conftest import Front
from tests.integration.wire import SYNC, Line, bind, error, execute, parse, query, rows
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy

USER = console.ADMIN
Pair = tuple[Line, Line]


@pytest.fixture(scope="module")
def proxy(server: PostgresServer, front: Front) -> Proxy:
    pools = {"alone": "{ size = 1, sharing = false }"}
    return front(house.configuration(server, pools=pools, more=console.RIGHTS))


@pytest.fixture
def pair(proxy: Proxy) -> Iterator[Pair]:
    with ExitStack() as stack:
        one, other = (stack.enter_context(Line(proxy.host, proxy.port)) for _ in range(2))
        for line in (one, other):
            line.log_in(USER, "alone")
        assert asked(one, "SELECT pg_backend_pid()") == asked(other, "SELECT pg_backend_pid()")
        yield one, other


def asked(line: Line, text: str) -> str | None:
    said = line.ask(query(text))
    assert not error(said), said
    found = rows(said)
    return found[0][0] if found else None


def test_set_local_ends_with_its_transaction(pair: Pair) -> None:
    one, other = pair
    for end in ("COMMIT", "ROLLBACK"):
        asked(one, "SET work_mem = '5MB'")
        asked(one, "BEGIN")
        asked(one, "SET LOCAL work_mem = '6MB'")
        asked(one, "SET LOCAL timezone = 'Asia/Tokyo'")
        assert asked(one, "SHOW work_mem") == "6MB"
        asked(one, end)
        assert asked(other, "SHOW work_mem") != "6MB"
        assert asked(other, "SHOW timezone") != "Asia/Tokyo"
        assert asked(one, "SHOW work_mem") == "5MB"
        assert other.told["TimeZone"] != "Asia/Tokyo"


def test_a_role_is_its_clients_alone(pair: Pair) -> None:
    one, other = pair
    asked(one, f"SET ROLE {USER}")
    role = asked(one, "SHOW role")
    assert role != "none"
    assert asked(other, "SHOW role") == "none"
    assert asked(one, "SHOW role") == role
    # Who the session is cannot be brought along: it keeps its connection, which is clean when it leaves.
    asked(one, "RESET ROLE")
    asked(one, f"SET SESSION AUTHORIZATION {USER}")
    one.close()
    assert asked(other, "SELECT session_user || current_user") == USER * 2


def test_the_isolation_level_is_its_clients_alone(pair: Pair) -> None:
    one, other = pair
    asked(one, "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY")
    assert asked(one, "SHOW transaction_isolation") == "serializable"
    assert asked(other, "SHOW transaction_isolation") == "read committed"
    assert asked(other, "SHOW transaction_read_only") == "off"
    assert asked(one, "SHOW transaction_read_only") == "on"
    asked(other, "BEGIN ISOLATION LEVEL REPEATABLE READ")
    assert asked(other, "SHOW transaction_isolation") == "repeatable read"
    asked(other, "COMMIT")
    assert asked(one, "SHOW transaction_isolation") == "serializable"


def test_what_is_reported_of_settings_is_each_clients_own(pair: Pair) -> None:
    one, other = pair
    asked(one, "SET timezone = 'Asia/Tokyo'")
    asked(other, "SET timezone = 'Europe/Oslo'")
    asked(one, "SELECT 1")
    asked(other, "SELECT 1")
    assert (one.told["TimeZone"], other.told["TimeZone"]) == ("Asia/Tokyo", "Europe/Oslo")


def test_a_literal_is_read_under_the_clients_own_settings(pair: Pair) -> None:
    """Prepared by content: what the text means is part of it."""
    one, other = pair
    text = "SELECT extract(epoch FROM '2020-01-01 00:00'::timestamptz)::bigint, '01/02/2020'::date - '2020-01-01'::date"
    asked(one, "SET timezone = 'UTC'")
    asked(other, "SET timezone = 'Asia/Tokyo'")
    asked(other, "SET datestyle = 'ISO, DMY'")
    named = parse("p", text) + bind("", "p") + execute() + SYNC
    assert rows(one.ask(named)) == [("1577836800", "1")]
    assert rows(other.ask(named)) == [("1577804400", "31")]
    assert rows(one.ask(bind("", "p") + execute() + SYNC)) == [("1577836800", "1")]


def test_a_path_is_the_clients_own_in_a_transaction_too(pair: Pair) -> None:
    one, other = pair
    asked(one, "CREATE SCHEMA leak_a CREATE TABLE t (x int)")
    asked(one, "CREATE SCHEMA leak_b CREATE TABLE t (x text, y text)")
    try:
        asked(one, "SET search_path = leak_a")
        asked(other, "SET search_path = leak_b")
        for line in (one, other, one, other):
            asked(line, "BEGIN")
            named = parse("", "SELECT 1") + parse("t", "SELECT * FROM t") + bind("", "t") + execute() + SYNC
            assert not error(line.ask(named))
            asked(line, "COMMIT")
            asked(line, "DEALLOCATE t")
    finally:
        asked(one, "DROP SCHEMA leak_a, leak_b CASCADE")


def test_a_prepared_transaction_is_committed_by_anybody(pair: Pair) -> None:
    one, other = pair
    if asked(one, "SHOW max_prepared_transactions") == "0":
        asked(one, "BEGIN")
        said = one.ask(query("PREPARE TRANSACTION 'leak'"))
        assert error(said)["C"] == "55000"
        assert asked(other, "SELECT 'goes on'") == "goes on"
        return
    asked(one, "CREATE TABLE leak_two (x int)")
    asked(one, "BEGIN")
    asked(one, "SET work_mem = '7MB'")
    asked(one, "INSERT INTO leak_two VALUES (1)")
    asked(one, "PREPARE TRANSACTION 'leak'")
    assert asked(other, "SHOW work_mem") != "7MB"
    asked(other, "COMMIT PREPARED 'leak'")
    assert asked(one, "SELECT x FROM leak_two") == "1"
    asked(one, "DROP TABLE leak_two")


def test_a_large_object_and_a_cursor_end_with_their_transaction(pair: Pair) -> None:
    one, other = pair
    number = asked(one, "SELECT lo_from_bytea(0, 'content')")
    asked(one, "BEGIN")
    assert asked(one, f"SELECT lo_open({number}, 262144)") == "0"
    asked(one, "DECLARE c CURSOR FOR SELECT 'mine' UNION ALL SELECT 'mine too'")
    assert asked(one, "FETCH c") == "mine"
    assert asked(one, "SELECT loread(0, 3)") == "\\x636f6e"
    asked(one, "COMMIT")
    for line in pair:
        assert error(line.ask(query("FETCH c")))["C"] == "34000"
        assert error(line.ask(query("SELECT loread(0, 3)")))["C"] == "42704"
    asked(other, f"SELECT lo_unlink({number})")
