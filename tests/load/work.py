"""What loaded clients do. Every statement carries the mark of who asked, and every answer is checked for it.

One function an act; `ACTS` says how often each is done. An act gives the number of statements it saw answered, or
raises Wrong. What disturbs (leaving, cancelling, reading slowly) is in `tests/load/trouble.py`.
"""

import asyncio
import random
import re
import ssl
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from protocols.postgres import messages
from tests.load import wire
from tests.load.wire import Message, Parsed, Wire

ZONES = ("UTC", "Asia/Tokyo", "America/Lima", "Europe/Oslo")
NAMES = ("p0", "p1", "p2")
"""Every client uses the same names, each for its own statements."""


class Wrong(AssertionError):
    """Somebody got what was not theirs, or not what they asked for."""


class Excused(Exception):
    """An error that the disturbance at hand explains. The session is in doubt: the caller starts anew."""


_MARK = re.compile(r"c(\d+)n\d+")


@dataclass
class Caller:
    """One client: who it is, and what its session must look like."""

    number: int
    chance: random.Random
    port: int
    zone: str = "UTC"
    label: str = ""
    """Its application_name; empty: it gave none."""
    line: Wire | None = None
    count: int = 0
    prepared: dict[str, str] = field(default_factory=dict)
    doing: str = ""
    excuses: frozenset[str] = frozenset()
    """Codes of errors that are nobody's fault here."""
    database: str = "shop"
    tls: ssl.SSLContext | None = None

    @property
    def wire(self) -> Wire:
        assert self.line is not None
        return self.line

    def mark(self) -> str:
        self.count += 1
        return f"c{self.number}n{self.count}"

    async def open(self) -> None:
        settings = {"application_name": self.label} if self.label else {}
        if self.zone != "UTC":
            settings["TimeZone"] = self.zone
        self.prepared.clear()
        self.line = await Wire.open(self.port, database=self.database, tls=self.tls, **settings)

    def hang_up(self) -> None:
        """Gone without a word, in the middle of whatever it is."""
        if self.line is not None:
            self.line.abort()
        self.line = None


Act = Callable[[Caller], Awaitable[int]]


def expect(caller: Caller, answer: Parsed, rows: list[list[str]], status: bytes = b"I") -> None:
    """The answer is exactly these rows."""
    consider(caller, answer)
    if answer.error is not None:
        raise Wrong(f"{caller.doing}: client {caller.number} got the error {answer.error} for {_short(rows)}")
    if answer.rows != rows:
        raise Wrong(f"{caller.doing}: client {caller.number} got {_short(answer.rows)} for {_short(rows)}")
    if answer.status != status:
        raise Wrong(f"{caller.doing}: status {answer.status!r}, expected {status!r}")


def expect_error(caller: Caller, answer: Parsed, code: str, mark: str, status: bytes = b"I") -> None:
    """The answer is this error, and it speaks of this client's statement."""
    if answer.error is None or answer.error.code != code:
        consider(caller, answer)
    error = answer.error
    if error is None or error.code != code or mark not in error.message:
        raise Wrong(
            f"{caller.doing}: client {caller.number} got {error or _short(answer.rows)} for {code} {mark}"
        )
    if answer.status != status:
        raise Wrong(f"{caller.doing}: status {answer.status!r}, expected {status!r}")


def consider(caller: Caller, answer: Parsed) -> None:
    """Raises Excused for an error that is to be expected, after a look at the rows that came before it."""
    if answer.error is not None and answer.error.code in caller.excuses:
        own(caller, answer.messages)
        raise Excused(str(answer.error))


def own(caller: Caller, heard: list[Message]) -> None:
    """Of a broken answer: every mark in it is this client's."""
    cells = (cell or "" for kind, body in heard if kind == b"D" for cell in wire.row(body))
    for cell in cells:
        if any(int(number) != caller.number for number in _MARK.findall(cell)):
            raise Wrong(f"{caller.doing}: client {caller.number} got {cell!r} of another")


def _short(rows: object) -> str:
    return repr(rows)[:500]


def filler(mark: str, size: int) -> str:
    """As many letters, which ones depends on the mark."""
    return chr(97 + zlib.crc32(mark.encode()) % 26) * size


# --- acts ----------------------------------------------------------------------------------------


async def simple(caller: Caller) -> int:
    mark = caller.mark()
    expect(caller, await caller.wire.ask(wire.query(f"SELECT '{mark}'")), [[mark]])
    return 1


async def rows(caller: Caller) -> int:
    """Several rows of random size."""
    mark, count = caller.mark(), caller.chance.choice((0, 1, 2, 7, 40))
    text = filler(mark, caller.chance.choice((0, 1, 100, 3_000)))
    statement = f"SELECT '{mark}', g, repeat('{text[:1]}', {len(text)}) FROM generate_series(1, {count}) g"
    answer = await caller.wire.ask(wire.query(statement))
    expect(caller, answer, [[mark, str(g), text] for g in range(1, count + 1)])
    return 1


async def several(caller: Caller) -> int:
    """Statements in one message, an error in the midst of them at times."""
    first, second, third = caller.mark(), caller.mark(), caller.mark()
    if caller.chance.random() < 0.3:
        answer = await caller.wire.ask(
            wire.query(f"SELECT '{first}'; SELECT '{second}'::int; SELECT '{third}'")
        )
        expect_error(caller, answer, "22P02", second)
        if answer.rows != [[first]]:
            raise Wrong(f"{caller.doing}: {answer.rows} before the error, expected {first}")
    else:
        answer = await caller.wire.ask(wire.query(f"SELECT '{first}'; SELECT '{second}'; SELECT '{third}'"))
        expect(caller, answer, [[first], [second], [third]])
    return 3


async def burst(caller: Caller) -> int:
    """Many simple statements sent before the first answer is read."""
    marks = [caller.mark() for _ in range(caller.chance.randint(2, 12))]
    caller.wire.send(b"".join(wire.query(f"SELECT '{mark}'") for mark in marks))
    for mark, answer in zip(marks, await caller.wire.replies(len(marks)), strict=True):
        expect(caller, answer, [[mark]])
    return len(marks)


async def extended(caller: Caller) -> int:
    mark, value = caller.mark(), caller.mark()
    data = wire.parse("", f"SELECT '{mark}', $1::text") + wire.bind("", [value]) + wire.execute() + wire.SYNC
    expect(caller, await caller.wire.ask(data), [[mark, value]])
    return 1


async def prepared(caller: Caller) -> int:
    """A name that everybody uses, for a text that only this client has."""
    name, value = caller.chance.choice(NAMES), caller.mark()
    data = b""
    if name not in caller.prepared or caller.chance.random() < 0.1:
        if name in caller.prepared:
            data += wire.close(b"S", name)
        caller.prepared[name] = f"{name}of{caller.mark()}"
        data += wire.parse(name, f"SELECT '{caller.prepared[name]}', $1::text, length($1)")
    if caller.chance.random() < 0.3:
        data += wire.describe(b"S", name)
    data += wire.bind(name, [value]) + wire.execute() + wire.SYNC
    expect(caller, await caller.wire.ask(data), [[caller.prepared[name], value, str(len(value))]])
    return 1


async def pipeline(caller: Caller) -> int:
    """Units back to back, an error in the midst of one, what follows it skipped, and a Flush within."""
    good, bad, skipped, last = (caller.mark() for _ in range(4))
    caller.wire.send(
        _unit(f"SELECT '{good}'") + wire.FLUSH + _unit(f"SELECT $1::int, '{bad}'", [bad]) + _unit(f"SELECT '{skipped}'")
        + wire.SYNC + _unit(f"SELECT '{last}'") + wire.SYNC
    )  # fmt: skip
    first, second = await caller.wire.replies(2)
    expect_error(caller, first, "22P02", bad)
    if first.rows != [[good]]:
        raise Wrong(f"{caller.doing}: {first.rows} before the error, expected {good}")
    expect(caller, second, [[last]])
    return 3


def _unit(text: str, values: list[str] | None = None) -> bytes:
    return wire.parse("", text) + wire.bind("", values or []) + wire.execute()


async def portal(caller: Caller) -> int:
    """Rows taken a few at a time through a named portal."""
    mark = caller.mark()
    data = wire.parse("", f"SELECT '{mark}', g FROM generate_series(1, 5) g") + wire.bind("", [], "cursor")
    data += wire.execute("cursor", 2) + wire.execute("cursor", 2) + wire.execute("cursor", 0)
    expect(caller, await caller.wire.ask(data + wire.SYNC), [[mark, str(g)] for g in range(1, 6)])
    return 1


async def transaction(caller: Caller) -> int:
    """On one server connection from begin to end."""
    first, second = caller.mark(), caller.mark()
    expect(caller, await caller.wire.ask(wire.query("BEGIN")), [], b"T")
    answer = await caller.wire.ask(wire.query(f"SELECT '{first}', pg_backend_pid(), txid_current()"))
    consider(caller, answer)
    if answer.error or len(answer.rows) != 1 or answer.rows[0][0] != first:
        raise Wrong(f"{caller.doing}: {answer.error or answer.rows} for {first}")
    pid, xid = answer.rows[0][1:]
    assert pid
    assert xid
    again = await caller.wire.ask(_unit(f"SELECT '{second}', pg_backend_pid(), txid_current()") + wire.SYNC)
    expect(caller, again, [[second, pid, xid]], b"T")
    end = caller.chance.choice(("COMMIT", "ROLLBACK"))
    expect(caller, await caller.wire.ask(wire.query(end)), [])
    return 4


async def broken_transaction(caller: Caller) -> int:
    mark = caller.mark()
    answers = [
        await caller.wire.ask(wire.query(text)) for text in ("BEGIN", f"SELECT '{mark}'::int", "SELECT 1")
    ]
    expect(caller, answers[0], [], b"T")
    expect_error(caller, answers[1], "22P02", mark, b"E")
    expect_error(caller, answers[2], "25P02", "", b"E")
    expect(caller, await caller.wire.ask(wire.query("COMMIT")), [])
    return 4


async def error(caller: Caller) -> int:
    mark = caller.mark()
    if caller.chance.random() < 0.5:
        expect_error(caller, await caller.wire.ask(wire.query(f"SELECT '{mark}'::int")), "22P02", mark)
    else:
        expect_error(caller, await caller.wire.ask(wire.query(f"SELEC '{mark}'")), "42601", "SELEC")
    return 1


async def settings(caller: Caller) -> int:
    """The session is this client's own, on whatever connection it runs."""
    mark = caller.mark()
    statement = f"SELECT '{mark}', current_setting('TimeZone'), current_setting('application_name')"
    expect(caller, await caller.wire.ask(wire.query(statement)), [[mark, caller.zone, caller.label]])
    return 1


async def change_zone(caller: Caller) -> int:
    zone = caller.chance.choice(ZONES)
    expect(caller, await caller.wire.ask(wire.query(f"SET TimeZone = '{zone}'")), [])
    caller.zone = zone
    return 1 + await settings(caller)


async def change_label(caller: Caller) -> int:
    """Taken back with the transaction, or kept with it."""
    if not caller.label:
        return await settings(caller)
    label, end = caller.mark(), caller.chance.choice(("COMMIT", "ROLLBACK"))
    expect(caller, await caller.wire.ask(wire.query("BEGIN")), [], b"T")
    expect(caller, await caller.wire.ask(wire.query(f"SET application_name = '{label}'")), [], b"T")
    expect(caller, await caller.wire.ask(wire.query(end)), [])
    caller.label = label if end == "COMMIT" else caller.label
    return 3 + await settings(caller)


async def local_zone(caller: Caller) -> int:
    """SET LOCAL ends with its transaction."""
    mark = caller.mark()
    answer = await caller.wire.ask(
        wire.query(
            f"BEGIN; SET LOCAL TimeZone = 'Asia/Tokyo'; SELECT '{mark}', current_setting('TimeZone'); COMMIT"
        )
    )
    expect(caller, answer, [[mark, "Asia/Tokyo"]])
    return 1 + await settings(caller)


async def copy_out(caller: Caller) -> int:
    mark, count = caller.mark(), caller.chance.choice((1, 50))
    answer = await caller.wire.ask(
        wire.query(f"COPY (SELECT '{mark}', g FROM generate_series(1, {count}) g) TO STDOUT")
    )
    consider(caller, answer)
    lines = b"".join(body for kind, body in answer.messages if kind == b"d").decode().splitlines()
    if answer.error or lines != [f"{mark}\t{g}" for g in range(1, count + 1)]:
        raise Wrong(f"{caller.doing}: {answer.error or lines[:20]} for {mark}")
    return 1


async def copy_in(caller: Caller) -> int:
    """Rows go in, waited for or not, and are seen by who put them there; or the client gives up half-way."""
    mark, count = caller.mark(), caller.chance.choice((1, 200))
    lines = [f"{mark}x{n}" for n in range(count)]
    expect(caller, await caller.wire.ask(wire.query("BEGIN")), [], b"T")
    caller.wire.send(wire.query("COPY marks FROM STDIN"))
    if caller.chance.random() < 0.5:
        await caller.wire.something()
    data = b"".join(messages.frame(b"d", f"{line}\n".encode()) for line in lines)
    if caller.chance.random() < 0.2:
        answer = await caller.wire.ask(data + messages.frame(b"f", messages.text(mark)))
        expect_error(caller, answer, "57014", mark, b"E")
    else:
        expect(caller, await caller.wire.ask(data + messages.frame(b"c", b"")), [], b"T")
        seen = await caller.wire.ask(
            wire.query(f"SELECT x FROM marks WHERE x LIKE '{mark}x%' ORDER BY length(x), x")
        )
        expect(caller, seen, [[line] for line in lines], b"T")
    expect(caller, await caller.wire.ask(wire.query("ROLLBACK")), [])
    return 4


async def notified(caller: Caller) -> int:
    """What is sent to a channel after LISTEN was answered comes, and comes to its listener."""
    channel, payload = f"of{caller.number}by{caller.port}", caller.mark()
    expect(caller, await caller.wire.ask(wire.query(f"LISTEN {channel}")), [])
    answers = [await caller.wire.ask(wire.query(f"NOTIFY {channel}, '{payload}'"))]
    expect(caller, answers[0], [])
    while not any(kind == b"A" for answer in answers for kind, _ in answer.messages):
        if len(answers) > 500:
            raise Wrong(f"{caller.doing}: client {caller.number} was not told of {payload}")
        await asyncio.sleep(0.01)
        answers.append(await caller.wire.ask(wire.query("SELECT 'told?'")))
        expect(caller, answers[-1], [["told?"]])
    answers.append(await caller.wire.ask(wire.query(f"UNLISTEN {channel}")))
    expect(caller, answers[-1], [])
    told = [body[4:] for answer in answers for kind, body in answer.messages if kind == b"A"]
    # Of a session of its own that was cut off, something may come late.
    late = re.compile(rf"{channel}\0c{caller.number}n\d+\0".encode())
    if told.count(f"{channel}\0{payload}\0".encode()) != 1 or not all(map(late.fullmatch, told)):
        raise Wrong(f"{caller.doing}: client {caller.number} was told {told} for {payload}")
    return len(answers) + 1


WRITES: dict[Act, int] = {copy_in: 2}
"""They need the table `marks`."""

ACTS: dict[Act, int] = {
    simple: 30,
    rows: 12,
    several: 4,
    burst: 8,
    extended: 12,
    prepared: 20,
    pipeline: 5,
    portal: 3,
    transaction: 6,
    broken_transaction: 2,
    error: 3,
    settings: 8,
    change_zone: 1,
    change_label: 1,
    local_zone: 1,
    copy_out: 2,
}
"""How often each is done, relative to the others."""
