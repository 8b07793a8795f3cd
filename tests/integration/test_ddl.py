"""A table changed by one client never breaks the prepared statements of another."""

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest

from tests.integration.wire import (
    SYNC,
    Line,
    Message,
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
ALL = "SELECT * FROM ddl_t ORDER BY 1"
CHANGES = {
    "a column more": "ALTER TABLE ddl_t ADD b text DEFAULT 'new'",
    "a column fewer": "ALTER TABLE ddl_t DROP gone",
    "another type": "ALTER TABLE ddl_t ALTER a TYPE text",
    "another name": "ALTER TABLE ddl_t RENAME gone TO stayed",
    "made anew": "DROP TABLE ddl_t; CREATE TABLE ddl_t AS SELECT 7 AS seven",
    "in a DO block": "DO $$BEGIN ALTER TABLE ddl_t ADD b text DEFAULT 'new'; END$$",
    "in a transaction": "BEGIN; ALTER TABLE ddl_t ADD b text DEFAULT 'new'; COMMIT",
}


@pytest.fixture
def table(server: PostgresServer) -> Iterator[None]:
    server.execute(
        "CREATE TABLE ddl_t (a int, gone int); INSERT INTO ddl_t VALUES (1, 2); ALTER TABLE ddl_t OWNER TO app_trust"
    )
    yield
    server.execute("DROP TABLE ddl_t")


@pytest.fixture
def open_line(trusting: Proxy) -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def line(stack: ExitStack, running: Proxy, database: str) -> Line:
    opened = stack.enter_context(Line(running.host, running.port))
    opened.log_in(USER, database)
    return opened


def prepared(client: Line) -> list[Message]:
    return client.ask(bind("", "all") + execute() + SYNC)


@pytest.mark.parametrize("database", ["shop", "shop_one", "shop_alone"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_others_go_on_and_see_the_new_table(
    server: PostgresServer, trusting: Proxy, open_line: ExitStack, table: None, database: str, change: str
) -> None:
    readers = [line(open_line, trusting, database) for _ in range(3)]
    changer = line(open_line, trusting, database)
    for reader in readers:
        reader.ask(parse("all", ALL) + SYNC)
        assert rows(prepared(reader)) == [("1", "2")]
    said = changer.ask(query(change))
    assert not error(said)
    now = rows(changer.ask(query(ALL)))
    for reader in readers:
        said = prepared(reader)
        assert (error(said), rows(said)) == ({}, now)
        described = reader.ask(describe_statement("all") + SYNC)
        fresh = changer.ask(parse("", ALL) + describe_statement() + SYNC)
        assert [m for m in described if m.kind == "T"] == [m for m in fresh if m.kind == "T"]


@pytest.mark.parametrize("database", ["shop", "shop_one", "shop_alone"])
def test_a_change_past_the_proxy_is_noticed_too(
    server: PostgresServer, trusting: Proxy, open_line: ExitStack, table: None, database: str
) -> None:
    """Nobody told the proxy; the server's `cached plan must not change result type` is not the client's affair."""
    readers = [line(open_line, trusting, database) for _ in range(2)]
    for reader in readers:
        reader.ask(parse("all", ALL) + SYNC)
        assert rows(prepared(reader)) == [("1", "2")]
    server.execute("ALTER TABLE ddl_t ADD b text DEFAULT 'new'")
    for reader in readers:
        for _ in range(2):
            said = prepared(reader)
            assert (error(said), rows(said)) == ({}, [("1", "2", "new")])


def test_psycopg_and_its_prepared_statements(server: PostgresServer, proving: Proxy, table: None) -> None:
    server.execute("GRANT ALL ON ddl_t TO app")
    with psycopg.connect(
        proving.dsn("shop", "app", "app-password"), autocommit=True, prepare_threshold=0
    ) as reader:
        for number in range(5):
            assert reader.execute(ALL.encode()).fetchone() == (1, 2, *range(number))
            server.execute(f"ALTER TABLE ddl_t ADD c{number} int DEFAULT {number}")


def test_a_pipeline_with_a_stale_statement_in_it(
    server: PostgresServer, trusting: Proxy, open_line: ExitStack, table: None
) -> None:
    """What was answered already is not run again: either the whole unit succeeds, or its error is told once."""
    reader = line(open_line, trusting, "shop_one")
    reader.ask(parse("all", ALL) + parse("add", "INSERT INTO ddl_t (a) VALUES (2) RETURNING a") + SYNC)
    assert rows(prepared(reader)) == [("1", "2")]
    server.execute("ALTER TABLE ddl_t ADD b text")
    said = reader.ask(bind("", "add") + execute() + bind("", "all") + execute() + SYNC)
    (count,) = server.execute("SELECT count(*)::int FROM ddl_t WHERE a = 2")
    assert count == ((0,) if error(said) else (1,))
    assert rows(reader.ask(bind("", "all") + execute() + SYNC))[0] == ("1", "2", None)
