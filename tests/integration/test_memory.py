"""Huge messages pass in constant memory, both ways, whatever their kind; a slow reader costs nothing either."""

import hashlib
import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocols.postgres import messages
from tests.integration import house
from tests.integration.conftest import Front
from tests.integration.wire import COPY_DONE, SYNC, Line, error, execute, parse, query, rows
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy

USER = "app_trust"
BLOCK = b"0123456789abcdef" * 4096
"""64 KiB."""
MOST = 24 << 20
"""A proxy may hold this much more while it passes something large."""
LARGE = 64 << 20
HUGE = 1 << 30 if "ARTICDBM_SOAK_STATEMENTS" in os.environ else 1 << 27
TEXT = 25


@pytest.fixture
def running(server: PostgresServer, front: Front) -> Iterator[Proxy]:
    # One carrier: who could share a connection does.
    running = front(house.configuration(server, limits="carriers = 1"))
    with Line(running.host, running.port) as warm:
        warm.log_in(USER, "shop")
        warm.ask(query("SELECT 1"))
    before = resident(running.process.pid)
    yield running
    assert highest(running.process.pid) - before < MOST


@pytest.fixture
def line(running: Proxy) -> Iterator[Line]:
    with Line(running.host, running.port) as line:
        line.log_in(USER, "shop")
        yield line


def send_large(line: Line, kind: bytes, head: bytes, size: int, tail: bytes) -> str:
    """One message of `head`, `size` bytes of text, `tail`; the MD5 of the text."""
    line.send(kind + struct.pack("!i", 4 + len(head) + size + len(tail)) + head)
    digest = hashlib.md5(usedforsecurity=False)
    for _ in range(size // len(BLOCK)):
        digest.update(BLOCK)
        line.send(BLOCK)
    line.send(tail)
    return digest.hexdigest()


def bound(line: Line, size: int) -> None:
    head = b"\0\0" + struct.pack("!hhi", 0, 1, size)
    line.send(parse("", "SELECT length($1)::text, md5($1)", [TEXT]))
    digest = send_large(line, b"B", head, size, struct.pack("!h", 0))
    said = line.ask(execute() + SYNC)
    assert rows(said) == [(str(size), digest)], error(said)


def test_a_large_bind(line: Line) -> None:
    bound(line, LARGE)
    assert rows(line.ask(query("SELECT 'alive'"))) == [("alive",)]


@pytest.mark.soak
def test_a_huge_bind(server: PostgresServer, line: Line) -> None:
    """In the soak nearly what PostgreSQL takes at most. Its length alone: more would take the server's memory, too."""
    size = HUGE - (64 << 10) * 2
    line.socket.settimeout(120)
    head = b"\0\0" + struct.pack("!hhi", 0, 1, size)
    line.send(parse("", "SELECT octet_length($1)", [17]))
    send_large(line, b"B", head[:2] + struct.pack("!hhhi", 1, 1, 1, size), size, struct.pack("!h", 0))
    said = line.ask(execute() + SYNC)
    assert rows(said) == [(str(size),)], error(said)


def test_a_large_query(line: Line) -> None:
    digest = send_large(
        line, b"Q", b"SELECT length(t)::text, md5(t) FROM (SELECT '", LARGE // 4, b"' AS t) s\0"
    )
    assert rows(line.until("Z")) == [(str(LARGE // 4), digest)]
    assert rows(line.ask(query("SELECT 'alive'"))) == [("alive",)]


def test_a_large_parse(line: Line) -> None:
    size = LARGE // 4
    digest = send_large(
        line, b"P", b"\0SELECT length(t)::text, md5(t) FROM (SELECT '", size, b"' AS t) s\0\0\0"
    )
    said = line.ask(messages.frame(b"B", b"\0\0" + bytes(6)) + execute() + SYNC)
    assert rows(said) == [(str(size), digest)], error(said)


def test_a_large_row(line: Line) -> None:
    said = line.ask(query(f"SELECT repeat('0123456789abcdef', {LARGE // 16})"))
    (row,) = rows(said)
    assert row[0] is not None
    assert row[0] == "0123456789abcdef" * (LARGE // 16)


def test_many_rows_to_a_slow_reader(running: Proxy, line: Line) -> None:
    """They wait in the server, not in the proxy; and the neighbour is served meanwhile."""
    with Line(running.host, running.port) as other:
        other.log_in(USER, "shop")
        # Each text is new to the proxy: nobody knows yet that its answer is long.
        for number in range(5):
            line.send(query(f"SELECT i AS c{number}, repeat('x', 1000) FROM generate_series(1, 40000) i"))
            for _ in range(20):
                assert rows(other.ask(query("SELECT 'served'"))) == [("served",)]
            said = line.until("Z")
            assert (len(rows(said)), error(said)) == (40_000, {})


def test_a_large_copy_in_of_large_messages(server: PostgresServer, line: Line) -> None:
    line.ask(query("CREATE TEMP TABLE memory_copy (a text)"))
    line.ask(query("COPY memory_copy FROM STDIN"), "G")
    digest = send_large(line, b"d", b"", LARGE, b"\n")
    line.ask(COPY_DONE)
    assert rows(line.ask(query("SELECT md5(a) FROM memory_copy"))) == [(digest,)]


def test_a_large_error(line: Line) -> None:
    """An ErrorResponse of 16 MB is one message like any other."""
    said = line.ask(query(f"DO $$BEGIN RAISE EXCEPTION '%', repeat('e', {16 << 20}); END$$"))
    assert error(said)["M"] == "e" * (16 << 20)
    assert rows(line.ask(query("SELECT 'alive'"))) == [("alive",)]


def resident(pid: int) -> int:
    """Bytes of memory the process holds now; forgets the highest there was."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return status(pid, "VmRSS")


def highest(pid: int) -> int:
    """The most it held since `resident`."""
    return status(pid, "VmHWM")


def status(pid: int, field: str) -> int:
    found = re.search(rf"^{field}:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024
