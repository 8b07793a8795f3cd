"""The console through drivers that speak the extended protocol, in text and in binary."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import psycopg
import pytest

from protocols.postgres import messages
from proxy.admin.extended import _numeric
from tests.conftest import StartProxy
from tests.integration import console, house
from tests.integration.console import ADMIN, Console, Later, connect, opened
from tests.integration.wire import (
    FLUSH,
    SYNC,
    Line,
    bind,
    close_statement,
    describe_portal,
    describe_statement,
    error,
    execute,
    kinds,
    parse,
    query,
    rows,
)  # fmt: skip
from tests.servers import ports
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy


@pytest.fixture
def running(postgres_server: PostgresServer, start_proxy: StartProxy) -> Proxy:
    found = start_proxy(console.configuration(postgres_server), house.environment())
    with connect(found.port) as line:
        for _ in range(3):
            line.execute("SELECT 1")
    return found


@pytest.fixture
def ours(running: Proxy) -> Iterator[Console]:
    with opened(running.port) as own:
        yield own


@pytest.fixture
def raw(running: Proxy) -> Iterator[Line]:
    with Line(running.host, running.port) as line:
        line.log_in(ADMIN, "articdbm")
        yield line


def test_asyncpg(running: Proxy, ours: Console) -> None:
    async def use() -> dict[str, list[Any]]:
        line = await asyncpg.connect(host=running.host, port=running.port, user=ADMIN, database="pgbouncer")
        try:
            found = {
                what: await line.fetch(f"SHOW {what}")
                for what in ("POOLS", "CLIENTS", "STATS", "SHARING", "FDS")
            }
            # A second time from its cache of prepared statements.
            found["POOLS"] = await line.fetch("SHOW POOLS")
            assert await line.fetch("PAUSE shop") == []
            assert await line.fetchval("SHOW VERSION") == ours.rows("SHOW VERSION")[0]["version"]
            with pytest.raises(asyncpg.PostgresSyntaxError):
                await line.fetch("SELECT 1")
            with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
                await line.fetch("RESUME")
            assert await line.execute("RESUME shop") == "RESUME"
            return found
        finally:
            await line.close()

    found = asyncio.run(use())
    (pool,) = [dict(row) for row in found["POOLS"] if row["database"] == "shop"]
    assert pool == ours.row("SHOW POOLS", database="shop") | {"sv_idle": pool["sv_idle"]}
    (stats,) = [dict(row) for row in found["STATS"] if row["database"] == "shop"]
    assert stats["total_query_count"] == Decimal(3)
    assert [row["state"] for row in found["CLIENTS"] if row["database"] == "pgbouncer"] == ["active"]
    assert {type(row["id"]) for row in found["CLIENTS"]} == {int}
    (sharing,) = [row for row in found["SHARING"] if row["database"] == "shop"]
    assert sharing["shared_percent"] == Decimal(str(sharing["shared_percent"])) == 0
    assert {row["password"] for row in found["FDS"]} == {None}


@pytest.mark.parametrize("binary", [False, True])
def test_psycopg_prepares_and_pipelines(running: Proxy, ours: Console, binary: bool) -> None:
    with connect(running.port, "articdbm") as line, line.cursor(binary=binary) as cursor:
        expected = [tuple(row.values()) for row in ours.rows("SHOW STATS_TOTALS")]
        for _ in range(3):
            assert cursor.execute("SHOW STATS_TOTALS", prepare=True).fetchall() == expected
        with line.pipeline():
            first = line.execute("SHOW STATE")
            second = line.execute("SHOW LISTS")
        assert first.fetchall()[0] == ("active", "yes")
        assert second.fetchall()[0] == ("databases", 2)


def test_everything_shown_is_described_as_it_is(running: Proxy, ours: Console) -> None:
    commands = [row["command"] for row in ours.rows("SHOW HELP") if row["command"].startswith("SHOW")]
    assert len(commands) > 25
    with connect(running.port, "articdbm") as line, line.cursor(binary=True) as cursor:
        for command in commands:
            cursor.execute(command.encode(), prepare=True)
            simple = ours.line.execute(command.encode())
            assert [(one.name, one.type_code) for one in cursor.description or []] == [
                (one.name, one.type_code) for one in simple.description or []
            ]
            assert len(cursor.fetchall()) == len(simple.fetchall())


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("0", "0000 0000 0000 0000"),
        ("7", "0001 0000 0000 0000 0007"),
        ("10000", "0001 0001 0000 0000 0001"),
        ("123456789", "0003 0002 0000 0000 0001 0929 1a85"),
        ("57.1", "0002 0000 0000 0001 0039 03e8"),
        ("-0.00012", "0002 ffff 4000 0005 0001 07d0"),
    ],
)
def test_numeric_in_binary_is_postgresqls(text: str, groups: str, postgres_server: PostgresServer) -> None:
    assert _numeric(text) == bytes.fromhex(groups)
    ((sent,),) = postgres_server.execute(f"SELECT numeric_send({text})")
    assert sent == bytes.fromhex(groups)


def test_a_command_that_waits(running: Proxy, ours: Console) -> None:
    with connect(running.port) as holder, connect(running.port, "articdbm") as line:
        holder.execute("BEGIN")
        holder.execute("SELECT 1")
        pause = Later(lambda: line.execute("PAUSE shop", prepare=True).statusmessage)
        assert ports.wait(lambda: ours.row("SHOW DATABASES", name="shop")["paused"] == 1, 10)
        assert not pause.done
        holder.execute("COMMIT")
        assert pause.result() == "PAUSE"


def test_message_by_message(raw: Line) -> None:
    raw.send(b"".join((parse("s", "SHOW STATE"), describe_statement("s"), FLUSH)))
    assert kinds(raw.until("T")) == "1tT"
    raw.send(b"".join((bind("", "s"), describe_portal(), execute(), SYNC)))
    said = raw.until("Z")
    assert kinds(said) == "2TDDDCZ"
    assert rows(said)[0] == ("active", "yes")
    raw.send(b"".join((close_statement("s"), SYNC, bind("", "s"), execute(), SYNC)))
    assert kinds(raw.until("Z")) == "3Z"
    said = raw.until("Z")
    assert kinds(said) == "EZ"
    assert error(said)["C"] == "42704"
    raw.send(query("SHOW VERSION"))
    assert kinds(raw.until("Z")) == "TDCZ"


def test_after_an_error_nothing_is_done_until_sync(raw: Line) -> None:
    raw.send(b"".join((parse("", "KILL nope"), bind(), execute(), parse("s", "SHOW STATE"), SYNC)))
    said = raw.until("Z")
    assert kinds(said) == "12EZ"
    assert error(said)["C"] == "42704"
    raw.send(b"".join((bind("", "s"), SYNC)))
    assert error(raw.until("Z"))["C"] == "42704"
    raw.send(b"".join((parse("", "SHOW STATE"), bind(), execute(), execute(), SYNC)))
    assert kinds(raw.until("Z")) == "12DDDCDDDCZ"
    raw.send(b"".join((parse("", "SHOW STATE"), bind("", "", [b"1"]), SYNC)))
    assert kinds(raw.until("Z")) == "1EZ"


@pytest.mark.parametrize("body", [b"\0\0", b"\0\0\0\1", b"\0\0\0\0\0\0\0\5\0"])
def test_a_bind_that_is_cut_short(raw: Line, body: bytes) -> None:
    raw.send(b"".join((parse("", "SHOW STATE"), messages.frame(b"B", body), SYNC)))
    assert error(raw.until("Z"))["C"] == "42601"
    raw.send(query("SHOW VERSION"))
    assert kinds(raw.until("Z")) == "TDCZ"


def test_what_a_console_may_prepare_is_bounded(raw: Line) -> None:
    for number in range(100):
        raw.send(b"".join((parse(f"s{number}", "SHOW STATE"), SYNC)))
        assert kinds(raw.until("Z")) == "1Z"
    raw.send(b"".join((parse("more", "SHOW STATE"), SYNC)))
    assert error(raw.until("Z"))["C"] == "55000"
    raw.send(b"".join((close_statement("s0"), parse("more", "SHOW STATE"), SYNC)))
    assert kinds(raw.until("Z"))[-2:] == "1Z"


def test_a_unit_that_is_too_long(raw: Line) -> None:
    raw.send(b"".join((parse("", "SHOW STATE" + " " * 70_000), SYNC)))
    assert error(raw.until("Z"))["C"] == "0A000"


def test_who_may_only_look_may_no_more_here(running: Proxy) -> None:
    with connect(running.port, "articdbm", console.WATCHER) as line:
        assert line.execute("SHOW STATE", prepare=True).fetchall()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            line.execute("PAUSE", prepare=True)
