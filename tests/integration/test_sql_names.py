"""Prepared statements named in SQL: many clients, few connections, and nobody sees another's."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.integration.wire import (
    SYNC,
    Line,
    bind,
    describe_statement,
    error,
    execute,
    parse,
    query,
    rows,
)
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


def test_the_same_name_is_each_clients_own(lines: list[Line]) -> None:
    for number, line in enumerate(lines):
        said = line.ask(query(f"PREPARE mine (int) AS SELECT {number} * 100 + $1"))
        assert [message.kind for message in said] == ["C", "Z"], error(said)
    for turn in range(3):
        for number, line in enumerate(lines):
            assert rows(line.ask(query(f"EXECUTE mine ({turn})"))) == [(str(number * 100 + turn),)]
    lines[0].ask(query("DEALLOCATE mine"))
    assert error(lines[0].ask(query("EXECUTE mine (1)")))["C"] == "26000"
    assert rows(lines[1].ask(query("EXECUTE mine (1)"))) == [("101",)]


def test_the_same_statement_is_prepared_once_and_forgotten_by_each_alone(lines: list[Line]) -> None:
    for line in lines:
        assert not error(line.ask(query('PREPARE "Same" AS SELECT 7')))
    for line in lines:
        assert rows(line.ask(query('EXECUTE "Same"'))) == [("7",)]
        assert not error(line.ask(query('DEALLOCATE PREPARE "Same"')))
        assert error(line.ask(query('EXECUTE "Same"')))["M"] == 'prepared statement "Same" does not exist'


def test_in_a_transaction_that_fails(lines: list[Line]) -> None:
    line, other = lines[:2]
    assert not error(other.ask(query("PREPARE kept AS SELECT 'other'")))
    line.ask(query("BEGIN"))
    assert not error(line.ask(query("PREPARE kept AS SELECT 'line'")))
    assert error(line.ask(query("SELECT 1/0")))["C"] == "22012"
    for text in ("PREPARE late AS SELECT 1", "EXECUTE kept", "DEALLOCATE kept"):
        said = line.ask(query(text))
        assert (error(said)["C"], said[-1].body) == ("25P02", b"E"), text
    line.ask(query("ROLLBACK"))
    # As at the server: what was prepared stays, what was refused never was.
    assert rows(line.ask(query("EXECUTE kept"))) == [("line",)]
    assert error(line.ask(query("EXECUTE late")))["C"] == "26000"
    assert rows(other.ask(query("EXECUTE kept"))) == [("other",)]


def test_errors_name_what_the_client_named_and_where(direct_line: Line, lines: list[Line]) -> None:
    talk = [
        "PREPARE p (int) AS SELECT $1 + nowhere",
        "PREPARE p (int) AS SELEC $1",
        "PREPARE p (int) AS SELECT $1 + 1",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "EXECUTE p ('x', 'y')",
        "EXECUTE p ('é', nowhere)",
        "EXPLAIN (COSTS off) EXECUTE p (1)",
        "CREATE TEMP TABLE made AS EXECUTE p (41)",
        "DEALLOCATE p",
        "DEALLOCATE p",
    ]
    for text in talk:
        expected, said = direct_line.ask(query(text)), lines[0].ask(query(text))
        assert (error(said), rows(said)) == (error(expected), rows(expected)), text


@pytest.fixture
def direct_line(server: PostgresServer) -> Iterator[Line]:
    with Line(server.host, server.port) as line:
        line.log_in(USER, "shop")
        yield line


def test_one_set_of_names_with_the_protocol(lines: list[Line]) -> None:
    for number, line in enumerate(lines):
        line.ask(parse("by_protocol", f"SELECT {number} + $1::int") + SYNC)
        line.ask(query(f"PREPARE by_sql AS SELECT 'sql {number}'"))
    for number, line in enumerate(lines):
        assert rows(line.ask(query("EXECUTE by_protocol (10)"))) == [(str(number + 10),)]
        assert rows(line.ask(bind("", "by_sql") + execute() + SYNC)) == [(f"sql {number}",)]
        described = line.ask(describe_statement("by_sql") + SYNC)
        assert [message.kind for message in described] == ["t", "T", "Z"]
        assert error(line.ask(parse("by_sql", "SELECT 1") + SYNC))["M"] == (
            'prepared statement "by_sql" already exists'
        )
    lines[0].ask(query("DEALLOCATE ALL"))
    for name in ("by_sql", "by_protocol"):
        assert error(lines[0].ask(query(f"EXECUTE {name}")))["C"] == "26000"
    assert rows(lines[1].ask(query("EXECUTE by_sql"))) == [("sql 1",)]


def test_it_keeps_no_connection(lines: list[Line]) -> None:
    """In a pool of one the next would wait for ever."""
    for line in lines:
        line.ask(query("PREPARE free AS SELECT 1"))
        line.ask(query("EXECUTE free"))
    for line in lines:
        assert rows(line.ask(query("EXECUTE free"))) == [("1",)]


def test_a_table_that_changes_under_it(server: PostgresServer, lines: list[Line]) -> None:
    line, other = lines[:2]
    assert not error(other.ask(query("CREATE TABLE sql_names_t AS SELECT 1 AS a")))
    try:
        assert not error(line.ask(query("PREPARE reads AS SELECT a FROM sql_names_t")))
        assert rows(line.ask(query("EXECUTE reads"))) == [("1",)]
        other.ask(query("ALTER TABLE sql_names_t ALTER a TYPE text USING 'one'"))
        assert rows(line.ask(query("EXECUTE reads"))) == [("one",)]
        other.ask(query("DROP TABLE sql_names_t"))
        said = error(line.ask(query("EXECUTE reads")))
        assert (said["C"], said["M"]) == ("42P01", 'relation "sql_names_t" does not exist')
    finally:
        server.execute("DROP TABLE IF EXISTS sql_names_t")
