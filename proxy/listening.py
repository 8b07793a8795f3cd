"""LISTEN without a connection of one's own: one session a pool listens for all its clients, and each is told.

It owns who listens to what. A client is answered when the server has confirmed, so that nothing sent after its LISTEN
is missed; when the session that listens ends, so do those who rely on it, as they would without us.

A LISTEN that stands alone, outside a transaction and by the simple protocol, is answered here. Any other is the
server's to answer, in its place among the client's statements; what comes on its channel is kept from before it on,
and told when it is known to have come about.
"""

import asyncio
import logging
import socket
import struct
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

import msgspec

from plugins.tokens import Kind, Token, UnreadableError, cut
from protocols.postgres import messages, replies
from protocols.postgres.types import Problem
from proxy.bases import OWN, Bases
from proxy.directory import Directory
from proxy.log import note
from proxy.native import (
    Adopt,
    AnswerNeeded,
    Close,
    Closed,
    Discarded,
    EarNeeded,
    Heard,
    Reply,
    Tell,
)
from proxy.outside import Commands, Outside
from proxy.pools import Pools

logger = logging.getLogger(__name__)

MOST_EACH = 1_000
"""Channels of one client, and of all clients of a pool together."""
MOST = 10_000
LONGEST = 63
"""Bytes of a channel's name; the server cuts longer ones."""
LONGEST_MESSAGE = 65_536
MOST_KEPT = 4_194_304
"""Bytes kept for a client whose LISTEN is not certain yet."""
CHUNK = 65_536
ASK = "-- LISTEN: still there?"
"""A statement that does nothing and is answered."""
LOOK = 10.0
"""Seconds between two looks whether to ask, where nobody is asked."""

LOST = Problem(
    "FATAL",
    "57P01",
    "the server connection that listened for this client ended",
    detail="Notifications may have been missed.",
    hint="Connect again, and LISTEN again.",
)
TOO_MANY = Problem(
    "ERROR",
    "54000",
    "too many channels",
    hint=f"A client may listen to {MOST_EACH}, a pool's to {MOST} in all.",
)
BEHIND = Problem("FATAL", "54000", "too many notifications came while a LISTEN was not yet committed")
UNHEARD = Problem("FATAL", "58000", "the proxy could not listen for this client; the server's log says why")
GONE = Problem("ERROR", "57P01", "this database is no longer there for this user")
UNREAD = Problem("ERROR", "0A000", "a channel's name has to be UTF-8 here")


class Waiter(msgspec.Struct, frozen=True):
    """A client whose LISTEN is not confirmed yet."""

    conn: int
    ticket: int


class Channel(msgspec.Struct):
    """Who listens, who is about to, and for whom what comes is kept."""

    confirmed: bool = False
    conns: dict[int, None] = {}
    waiting: list[Waiter] = []
    loans: dict[int, None] = {}
    notices: bytes = b""

    @property
    def idle(self) -> bool:
        return self.confirmed and not (self.conns or self.waiting or self.loans)


class Loan(msgspec.Struct):
    """A client's LISTEN that is not certain yet: what came on its channels since."""

    ticket: int
    channels: dict[str, None] = {}
    unconfirmed: set[str] = set()
    kept: list[tuple[str, bytes]] = []
    size: int = 0


class Ear:
    """The session that listens for one pool. Knows its socket and its channels; decides nothing about clients' ends."""

    def __init__(self, line: socket.socket) -> None:
        self.line = line
        self.channels: dict[str, Channel] = {}
        self.sent: deque[str | None] = deque()
        """What a ReadyForQuery is still to come for: a channel to be listened to, None for the rest."""
        self.loans: dict[int, Loan] = {}
        """By the client."""
        self.words = 0
        """Messages of the server."""
        self._input = b""

    def say(self, text: str, channel: str | None) -> None:
        """Send a statement. A session that takes no more is as good as lost; its end is noticed by the reader."""
        try:
            query = messages.frame(b"Q", text.encode() + b"\0")
            if self.line.send(query) != len(query):
                self.close()
        except OSError:
            self.close()
        self.sent.append(channel)

    def close(self) -> None:
        with suppress(OSError):  # closed already
            self.line.shutdown(socket.SHUT_RDWR)

    def hear(self, data: bytes) -> Commands:
        """What the server said, as word to clients. Raises ValueError for what is no message."""
        self._input += data
        commands: Commands = []
        at = 0
        while len(self._input) - at >= 5:
            kind, length = struct.unpack_from("!ci", self._input, at)
            if not 4 <= length <= LONGEST_MESSAGE:
                raise ValueError("a message of an impossible length")
            if len(self._input) - at <= length:
                break
            message = self._input[at : at + 1 + length]
            at += 1 + length
            commands += self._message(kind, message)
        self._input = self._input[at:]
        return commands

    def _message(self, kind: bytes, message: bytes) -> Commands:
        self.words += 1
        if kind == b"A":
            named = message[9 : message.index(b"\0", 9)].decode("utf-8", "surrogateescape")
            told = self.channels.get(named)
            if told is None:
                return []
            return [*(Tell(conn, message) for conn in told.conns), *self._keep(named, told, message)]
        if kind == b"Z" and self.sent:
            self.sent.popleft()
        name = self.sent[0] if self.sent else None
        channel = self.channels.get(name) if name is not None else None
        if name is None or channel is None:
            return []
        if kind == b"N":
            channel.notices += message
        elif kind == b"C":
            channel.confirmed = True
            return self._confirm(name, channel, channel.notices + replies.done("LISTEN"))
        elif kind == b"E" and not channel.confirmed:
            del self.channels[name]
            said = channel.notices + message + messages.ready()
            ended = [Close(conn, messages.error(UNHEARD)) for conn in channel.loans]
            return [*(Reply(each.conn, each.ticket, said) for each in channel.waiting), *ended]
        return []

    def _keep(self, name: str, channel: Channel, message: bytes) -> Commands:
        """For those whose LISTEN is not certain yet."""
        commands: Commands = []
        for conn in channel.loans:
            loan = self.loans[conn]
            loan.kept.append((name, message))
            loan.size += len(message)
            if loan.size > MOST_KEPT:
                commands.append(Close(conn, messages.error(BEHIND)))
        return commands

    def _confirm(self, name: str, channel: Channel, said: bytes) -> Commands:
        waiting, channel.waiting = channel.waiting, []
        channel.notices = b""
        for each in waiting:
            channel.conns[each.conn] = None
        if channel.idle:
            self.leave(name)
        lent = [command for conn in channel.loans for command in self._lent(conn, name)]
        return [*(Reply(each.conn, each.ticket, said) for each in waiting), *lent]

    def _lent(self, conn: int, name: str) -> Commands:
        """One channel more is listened to for this client; with the last of them it goes on."""
        loan = self.loans[conn]
        if name not in loan.unconfirmed:
            return []
        loan.unconfirmed.remove(name)
        return [] if loan.unconfirmed else [Reply(conn, loan.ticket, b"")]

    def listen(self, name: str, waiter: Waiter) -> Commands:
        channel = self.channels.get(name)
        if channel is not None and channel.confirmed:
            channel.conns[waiter.conn] = None
            return [Reply(waiter.conn, waiter.ticket, replies.done("LISTEN"))]
        if channel is None:
            channel = self._open(name)
        channel.waiting.append(waiter)
        return []

    def _open(self, name: str) -> Channel:
        self.channels[name] = channel = Channel()
        self.say(f"LISTEN {quoted(name)}", name)
        return channel

    def lend(self, names: Sequence[str], waiter: Waiter) -> Commands:
        """What comes on these channels is kept for the client from when it is answered on."""
        loan = self.loans.setdefault(waiter.conn, Loan(waiter.ticket))
        loan.ticket = waiter.ticket
        for name in names:
            channel = self.channels.get(name) or self._open(name)
            if waiter.conn in channel.conns:
                continue
            channel.loans[waiter.conn] = loan.channels[name] = None
            if not channel.confirmed:
                loan.unconfirmed.add(name)
        return [] if loan.unconfirmed else [Reply(waiter.conn, waiter.ticket, b"")]

    def heard(self, conn: int, came: Sequence[tuple[bool, str | None]]) -> Commands:
        """What of it has come about, and what was kept from that."""
        loan = self.loans.get(conn, Loan(0))
        begun: set[str] = set()
        for listens, name in came:
            if listens and name is not None and name in self.channels:
                if conn not in self.channels[name].conns:
                    begun.add(name)
                self.channels[name].conns[conn] = None
            elif not listens:
                begun -= begun if name is None else {name}
                self._stop(conn, name)
        self._settle(conn)
        return [Tell(conn, message) for name, message in loan.kept if name in begun]

    def _settle(self, conn: int) -> None:
        """Nothing is kept for this client any more."""
        loan = self.loans.pop(conn, None)
        for name in loan.channels if loan else ():
            channel = self.channels.get(name)
            if channel is not None:
                channel.loans.pop(conn, None)
                if channel.idle:
                    self.leave(name)

    def forget(self, conn: int, name: str | None = None) -> None:
        """This client listens to `name`, or to anything, no more."""
        self._stop(conn, name)
        if name is None:
            self._settle(conn)

    def _stop(self, conn: int, name: str | None) -> None:
        names = list(self.channels) if name is None else [name] if name in self.channels else []
        for each in names:
            channel = self.channels[each]
            channel.conns.pop(conn, None)
            channel.waiting = [waiter for waiter in channel.waiting if waiter.conn != conn]
            if channel.idle:
                self.leave(each)

    def leave(self, name: str) -> None:
        del self.channels[name]
        self.say(f"UNLISTEN {quoted(name)}", None)

    def count(self, conn: int) -> int:
        return sum(conn in channel.conns for channel in self.channels.values())

    def everybody(self) -> set[int]:
        return {conn for channel in self.channels.values() for conn in (*channel.conns, *channel.loans)}

    def hopeful(self) -> list[Waiter]:
        return [waiter for channel in self.channels.values() for waiter in channel.waiting]


class Listening:
    """Answers LISTEN and UNLISTEN."""

    def __init__(self, outside: Outside, directory: Directory, bases: Bases, pools: Pools) -> None:
        self._outside = outside
        self._directory = directory
        self._bases = bases
        self._pools = pools
        self._ears: dict[int, Ear] = {}
        """By the pool of the clients they listen for."""
        self._pool_of: dict[int, int] = {}

    def answer(self, event: AnswerNeeded) -> Commands:
        base = self._bases.base(event.base)
        verb, name = _read(event.text)
        if base is None or not verb:
            return [Reply(event.conn, event.ticket, replies.failure(UNREAD))]
        pool = self._directory.pool_of(base)
        if pool is None:
            return [Reply(event.conn, event.ticket, replies.failure(GONE))]
        if verb == "unlisten":
            if pool in self._ears:
                self._ears[pool].forget(event.conn, name)
            return [Reply(event.conn, event.ticket, replies.done("UNLISTEN"))]
        ear, commands = self._ear(pool)
        if (name not in ear.channels and len(ear.channels) >= MOST) or ear.count(event.conn) >= MOST_EACH:
            return [*commands, Reply(event.conn, event.ticket, replies.failure(TOO_MANY))]
        self._pool_of[event.conn] = pool
        return commands + ear.listen(name or "", Waiter(event.conn, event.ticket))

    def lend(self, event: EarNeeded) -> Commands:
        """A client is about to LISTEN where only the server can say whether it comes about."""
        base = self._bases.base(event.base)
        pool = None if base is None else self._directory.pool_of(base)
        if pool is None:
            return [Close(event.conn, messages.error(msgspec.structs.replace(GONE, severity="FATAL")))]
        ear, commands = self._ear(pool)
        fresh = sum(name not in ear.channels for name in event.channels)
        if len(ear.channels) + fresh > MOST or ear.count(event.conn) + len(event.channels) > MOST_EACH:
            goodbye = messages.error(msgspec.structs.replace(TOO_MANY, severity="FATAL"))
            return [*commands, Close(event.conn, goodbye)]
        self._pool_of[event.conn] = pool
        return commands + ear.lend(event.channels, Waiter(event.conn, event.ticket))

    def heard(self, event: Heard) -> Commands:
        ear = self._ears.get(self._pool_of.get(event.conn, 0))
        return [] if ear is None else ear.heard(event.conn, event.channels)

    def _ear(self, pool: int) -> tuple[Ear, Commands]:
        ear = self._ears.get(pool)
        return self._begin(pool) if ear is None else (ear, [])

    def closed(self, event: Closed | Discarded) -> Commands:
        """A client left, or discarded all it had."""
        ear = self._ears.get(self._pool_of.pop(event.conn, 0))
        if ear is not None:
            ear.forget(event.conn)
        return []

    def moved(self, pool: int) -> None:
        """The pool's servers are other ones now: who listened at the old ones would miss what comes."""
        ear = self._ears.get(pool)
        if ear is not None:
            ear.close()

    def _begin(self, pool: int) -> tuple[Ear, Commands]:
        ours, cores = socket.socketpair()
        ours.setblocking(False)
        cores.setblocking(False)
        ear = self._ears[pool] = Ear(ours)
        number, commands = self._pools.ear(pool, self._directory.snapshot)
        self._outside.start(self._follow(pool, ear))
        self._outside.later(0, partial(self._ask, pool, ear, -1))
        return ear, [*commands, Adopt(number, base=OWN, fd=cores.detach())]

    async def _follow(self, pool: int, ear: Ear) -> Commands:
        """Hear the session until it ends; then everybody who relied on it."""
        loop = asyncio.get_running_loop()
        reason = "the connection ended"
        with ear.line:
            try:
                while data := await loop.sock_recv(ear.line, CHUNK):
                    self._outside.later(0, partial(list, ear.hear(data)))
            except (OSError, ValueError) as why:
                reason = str(why)
        if self._ears.get(pool) is ear:
            del self._ears[pool]
        lost, waiting = ear.everybody(), ear.hopeful()
        if lost or waiting:
            note(logger, logging.WARNING, "a session that listened ended", clients=len(lost), reason=reason)
        sorry = replies.failure(msgspec.structs.replace(LOST, severity="ERROR"))
        goodbye = messages.error(LOST)
        return [
            *(Reply(each.conn, each.ticket, sorry) for each in waiting),
            *(Close(conn, goodbye) for conn in sorted(lost)),
        ]

    def _ask(self, pool: int, ear: Ear, words: int) -> Commands:
        """After a long silence it is asked whether it is there: who only waits to be told has no other way to hear of a
        server's end. That an answer has its time is seen to where statements are carried."""
        if self._ears.get(pool) is not ear:
            return []
        check = self._pools.check(pool, self._directory.snapshot)
        if check and ear.words == words and not ear.sent:
            ear.say(ASK, None)
        self._outside.later(check.seconds or LOOK, partial(self._ask, pool, ear, ear.words))
        return []


def _read(text: bytes) -> tuple[str, str | None]:
    """LISTEN or UNLISTEN, and the channel; None is every one. No verb: it cannot be read."""
    try:
        tokens = [token for token in cut(text.decode()) if token.text != ";"]
    except (UnicodeDecodeError, UnreadableError):
        return "", None
    match tokens:
        case [Token(name="listen" | "unlisten" as verb), Token(kind=Kind.WORD | Kind.QUOTED, name=name)]:
            return verb, name.encode()[:LONGEST].decode(errors="ignore")
        case [Token(name="unlisten"), Token(text="*")]:
            return "unlisten", None
        case _:
            return "", None


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
