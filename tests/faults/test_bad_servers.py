"""Servers that break the protocol, fall silent or hang up: the client gets a clear error in time, the connection is
never used again, and clients of other servers notice nothing.
"""

import asyncio
import random
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from protocols.postgres import messages
from protocols.postgres.errors import Known, problem
from protocols.postgres.types import Problem
from tests.conftest import StartProxy
from tests.faults.bad_server import WELCOME, BadServer, Greet, table
from tests.faults.neighbour import neighbour
from tests.load import wire
from tests.load.house import ENVIRONMENT, config, quiet, until
from tests.load.wire import Gone, Parsed, Wire
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy

ROW = messages.data_row(["a row that is longer than any error that could be put in its place" * 4])
NOTICE = messages.notice(Problem("NOTICE", "00000", "so be it"))

DEEDS: dict[str, tuple[bytes, bool]] = {
    "garbage": (random.Random(3).randbytes(3_000), False),
    "length_two": (b"D\0\0\0\2", False),
    "negative_length": (b"T\xff\xff\xff\xff", False),
    "hangs_up": (b"", True),
    "hangs_up_in_rows": (messages.row_description(["text"]) + ROW, True),
    "unknown_kind": (b"x\0\0\0\4", False),
    "parse_complete": (b"1\0\0\0\4" + messages.ready(), False),
    "bind_complete": (b"2\0\0\0\4" + messages.ready(), False),
    "log_in_again": (messages.authentication_cleartext(), False),
    "bad_status": (table("x") + messages.ready(b"?"), False),
    "empty_ready": (table("x") + messages.frame(b"Z", b""), False),
    "fatal": (messages.error(Problem("FATAL", "57P01", "the server goes home")), True),
}
"""What cannot be answered well: the statement's client gets an error."""

SILENCE = {
    "silent": b"",
    "silent_in_rows": messages.row_description(["text"]) + ROW,
    "half_a_head": b"D\0",
    "a_huge_message": b"D\x7f\xff\xff\xff" + b"x" * 1_000,
}
"""What does not come to an end: the statement's time runs out."""


def _with(port: int, real: PostgresServer, carriers: int, sharing: bool) -> str:
    """The database `shop` on the real server, `bad` on the other."""
    text = config(real, carriers=carriers, pool={"size": 2})
    return f"""{text}
[[clusters]]
name = "bad"
protocol = "postgres"
servers = [{{ address = "127.0.0.1:{port}" }}]
tls = {{ mode = "disable" }}
connect_timeout = "500ms"
login_retry = "100ms"
pool = {{ size = 1, statement = "1s", wait = "1500ms", sharing = {str(sharing).lower()} }}

[[databases]]
name = "bad"
cluster = "bad"
"""


@asynccontextmanager
async def _proxy(
    server: BadServer, start: StartProxy, real: PostgresServer, carriers: int, sharing: bool = True
) -> AsyncIterator[Proxy]:
    async with server:
        proxy = start(_with(server.port, real, carriers, sharing), ENVIRONMENT)
        async with neighbour(proxy.port):
            yield proxy
        await quiet(proxy.port)


async def _ask(port: int, data: bytes) -> Parsed | Gone:
    """The answer, or the end it led to, from a client of its own."""
    try:
        async with asyncio.timeout(20):
            line = await Wire.open(port, database="bad")
            try:
                return await line.ask(data)
            finally:
                line.abort()
    except Gone as gone:
        return gone


def _problem(outcome: Parsed | Gone) -> Problem | None:
    return outcome.error if isinstance(outcome, Parsed) else outcome.said


@pytest.mark.parametrize("carriers", [0, 1, 2])
@pytest.mark.parametrize("sharing", [True, False])
def test_misdeeds(
    carriers: int, sharing: bool, postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    async def run() -> dict[str, str]:
        wrong = {}
        async with _proxy(BadServer(DEEDS), start_proxy, postgres_server, carriers, sharing) as proxy:
            for name in DEEDS:
                said = _problem(await _ask(proxy.port, wire.query(f"SELECT '{name}'")))
                if said is None or said.code not in {"08006", "08P01", "57P01"}:
                    wrong[name] = str(said)
                after = await _ask(proxy.port, wire.query("SELECT 'fine'"))
                if not isinstance(after, Parsed) or after.rows != [["SELECT 'fine'"]]:
                    wrong[f"after {name}"] = str(after)
        return wrong

    assert asyncio.run(run()) == {}


@pytest.mark.parametrize("carriers", [0, 1, 2])
def test_silence_ends_with_the_statements_time(
    carriers: int, postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    deeds = {name: (data, False) for name, data in SILENCE.items()}

    async def run() -> dict[str, str]:
        wrong = {}
        async with _proxy(BadServer(deeds), start_proxy, postgres_server, carriers, False) as proxy:
            for name in SILENCE:
                outcome = await _ask(proxy.port, wire.query(f"SELECT '{name}'"))
                said = _problem(outcome)
                # In the midst of a message nothing can be said any more.
                midway = isinstance(outcome, Gone) and outcome.half and b"FATAL" not in outcome.half
                if not midway and (said is None or said.code not in {"57014", "08006"}):
                    wrong[name] = str(outcome)
                after = await _ask(proxy.port, wire.query("SELECT 'fine'"))
                if not isinstance(after, Parsed) or after.rows != [["SELECT 'fine'"]]:
                    wrong[f"after {name}"] = str(after)
        return wrong

    assert asyncio.run(run()) == {}


@pytest.mark.parametrize("missing", [1, 3, 20, 150, len(ROW) - 6])
@pytest.mark.parametrize("sharing", [True, False])
def test_a_row_cut_in_the_middle(
    missing: int, sharing: bool, postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    """What the client got of it stays half: nothing else is ever put in its place."""
    sent = messages.row_description(["text"]) + ROW + ROW[:-missing]

    async def run() -> Gone:
        server = BadServer({"cut": (sent, True)})
        async with _proxy(server, start_proxy, postgres_server, 1, sharing) as proxy:
            outcome = await _ask(proxy.port, wire.query("SELECT 'cut'"))
        assert isinstance(outcome, Gone), outcome
        return outcome

    gone = asyncio.run(run())
    assert [kind for kind, _ in gone.heard] == [b"T", b"D"]
    assert ROW.startswith(gone.half), gone.half


@pytest.mark.parametrize("carriers", [1, 2])
def test_what_nobody_asked_for(
    carriers: int, postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    """More than one answer to one statement: the next client must not get it.

    A statement sent before the surplus came, on the same connection, cannot tell it from its own answer: nobody
    could. So of statements asked at once only the later ones have to be right again.
    """
    deeds = {
        "answer_twice": (table("mine") + messages.ready() + table("not mine") + messages.ready(), False),
        "ready_twice": (table("mine") + messages.ready() * 2, False),
        "rows_afterwards": (table("mine") + messages.ready() + ROW, False),
        "notice_afterwards": (table("mine") + messages.ready() + NOTICE, False),
        "notices": (NOTICE * 5_000 + table("mine") + messages.ready() + NOTICE * 5_000, False),
        "half_a_message_afterwards": (table("mine") + messages.ready() + b"D\0", False),
    }

    async def run() -> dict[str, str]:
        wrong = {}
        async with _proxy(BadServer(deeds), start_proxy, postgres_server, carriers) as proxy:
            for name in deeds:
                for at_once in (False, True):
                    first = asyncio.create_task(_ask(proxy.port, wire.query(f"SELECT '{name}'")))
                    if not at_once:
                        await first
                    seconds = [
                        await _ask(proxy.port, wire.query(f"SELECT 'second {number}'")) for number in range(3)
                    ]
                    outcome = await first
                    if isinstance(outcome, Parsed) and not outcome.error and outcome.rows != [["mine"]]:
                        wrong[name] = str(outcome)
                    for number, second in enumerate(seconds):
                        own = [[f"SELECT 'second {number}'"]]
                        right = not isinstance(second, Parsed) or second.error or second.rows == own
                        if not right and (number > 1 or not at_once):
                            wrong[f"after {name}"] = str(second)
                    if not isinstance(seconds[-1], Parsed) or seconds[-1].error:
                        wrong[f"long after {name}"] = str(seconds[-1])
        return wrong

    assert asyncio.run(run()) == {}


# --- while it is logged in to --------------------------------------------------------------------


def _says(data: bytes, *, hangs_up: bool = False) -> Greet:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(data)
        await writer.drain()
        if not hangs_up:
            await reader.read()
        return False

    return greet


GREETINGS: dict[str, tuple[Greet, set[str]]] = {
    "silence": (_says(b""), {"08006", "08001", "57P03"}),
    "the end": (_says(b"", hangs_up=True), {"08006", "08001"}),
    "garbage": (_says(random.Random(4).randbytes(2_000)), {"08006", "08P01"}),
    "a huge message": (_says(b"R\x7f\xff\xff\xff"), {"08006", "08P01"}),
    "a length of two": (_says(b"R\0\0\0\2"), {"08006", "08P01"}),
    "ready before log-in": (_says(messages.ready()), {"08006", "08P01"}),
    "an unknown method": (_says(messages.frame(b"R", struct.pack("!i", 99))), {"08006", "08P01", "08004"}),
    "a log-in that never ends": (_says(messages.authentication_ok()), {"08006", "08001", "57P03"}),
    "half a welcome": (_says(WELCOME[:-3]), {"08006", "08001", "57P03"}),
    "no key": (_says(messages.authentication_ok() + messages.frame(b"K", b"")), {"08006", "08P01"}),
    "SASL without mechanisms": (_says(messages.authentication_sasl([])), {"08006", "08P01", "0A000"}),
    "SASL without a nonce": (
        _says(messages.authentication_sasl(["SCRAM-SHA-256"]) + messages.authentication_sasl_continue(b"r=")),
        {"08006", "08P01"},
    ),
    "notices without end": (_says(NOTICE * 20_000), {"08006", "08001", "08P01", "57P03"}),
    "full": (
        _says(messages.error(Problem("FATAL", "53300", "sorry, too many clients already")), hangs_up=True),
        {"53300"},
    ),
    "refused": (
        _says(messages.error(Problem("FATAL", "28P01", "password authentication failed")), hangs_up=True),
        {"28P01", "08004"},
    ),
    "starting up": (
        _says(messages.error(Problem("FATAL", "57P03", "the database system is starting up")), hangs_up=True),
        {"57P03"},
    ),
}


@pytest.mark.parametrize("name", GREETINGS)
def test_servers_that_cannot_be_logged_in_to(
    name: str, postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    greet, codes = GREETINGS[name]

    async def run() -> Problem | None:
        server = BadServer({}, greet)
        async with server:
            proxy = start_proxy(_with(server.port, postgres_server, 2, True), ENVIRONMENT)
            async with neighbour(proxy.port):
                said = _problem(await _ask(proxy.port, wire.query("SELECT 1")))
                # It is tried again, but not without end.
                before = server.connections
                await asyncio.sleep(0.5)
                assert server.connections - before < 20
        return said

    said = asyncio.run(run())
    print(name, said)
    assert said is not None
    assert said.severity == "FATAL"
    assert said.code in codes, said


def test_a_server_that_is_not_there(postgres_server: PostgresServer, start_proxy: StartProxy) -> None:
    async def run() -> Problem | None:
        proxy = start_proxy(_with(1, postgres_server, 1, True), ENVIRONMENT)
        async with neighbour(proxy.port):
            return _problem(await _ask(proxy.port, wire.query("SELECT 1")))

    said = asyncio.run(run())
    assert said is not None
    assert said.severity == "FATAL"
    assert said.code in {"08006", "08001", "57P03"}


def test_a_server_that_comes_back(postgres_server: PostgresServer, start_proxy: StartProxy) -> None:
    """Who asks after it is well again is served, on the same connection of theirs."""
    well = False

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(WELCOME if well else messages.error(problem(Known.BAD_STARTUP)))
        return well

    async def run() -> None:
        nonlocal well
        async with _proxy(BadServer({}, greet), start_proxy, postgres_server, 2) as proxy:
            assert _problem(await _ask(proxy.port, wire.query("SELECT 1"))) is not None
            well = True

            async def served() -> bool:
                outcome = await _ask(proxy.port, wire.query("SELECT 2"))
                return isinstance(outcome, Parsed) and outcome.rows == [["SELECT 2"]]

            assert await until(served)

    asyncio.run(run())
