"""A world turned by hand: time passes, work is done and servers answer when a test says so, never before."""

import socket
import struct
from collections.abc import Callable, Coroutine, Generator, Sequence
from typing import Any

from config.address import Address
from protocols.postgres.types import Problem
from proxy import dial
from proxy.native import Command

Commands = list[Command]
Row = list[str | None]


class Alarm:
    def __init__(self, at: float, call: Callable[[], Commands]) -> None:
        self.at = at
        self.call = call
        self.off = False

    def cancel(self) -> None:
        self.off = True


class Hand:
    """Outside, without a loop: what was started or computed waits for `work()`, timers for `wait()`."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.alarms: list[Alarm] = []
        self.jobs: list[Callable[[], Commands]] = []

    def now(self) -> float:
        return self.time

    def later(self, seconds: float, call: Callable[[], Commands]) -> Alarm:
        self.alarms.append(Alarm(self.time + seconds, call))
        return self.alarms[-1]

    def start(self, work: Coroutine[Any, Any, Commands]) -> None:
        self.jobs.append(lambda: _run(work, None))

    def compute(self, work: Callable[[], Any], then: Callable[[Any], Commands]) -> None:
        self.jobs.append(lambda: then(work()))

    def answer(self, question: "Question", said: Row | Problem) -> Commands:
        """The answer to a question is here; gives all that follows."""
        assert question.work is not None
        return _run(question.work, said) + self.work()

    def work(self) -> Commands:
        """Do what is to be done now, and what comes of it."""
        commands: Commands = []
        while self.jobs:
            commands += self.jobs.pop(0)()
        return commands

    def wait(self, seconds: float) -> Commands:
        """Let time pass; due timers ring in their order, and the work they start is done."""
        commands: Commands = []
        until = self.time + seconds
        while True:
            due = [alarm for alarm in self.alarms if not alarm.off and alarm.at <= until]
            if not due:
                break
            first = min(due, key=lambda alarm: alarm.at)
            self.alarms.remove(first)
            self.time = max(self.time, first.at)
            commands += first.call() + self.work()
        self.time = until
        return commands


class Question:
    """What the proxy asked a server over a pooled connection. It waits for `Hand.answer`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.work: Coroutine[Any, Any, Commands] | None = None

    def __await__(self) -> Generator["Question", Row | Problem, Row | Problem]:
        return (yield self)


def _run(work: Coroutine[Any, Any, Commands], heard: Row | Problem | None) -> Commands:
    try:
        question = work.send(heard)
    except StopIteration as end:
        commands: Commands = end.value
        return commands
    assert isinstance(question, Question), "in a conversation nothing waits for a real socket"
    question.work = work
    return []


class Net:
    """The network between proxy and servers: who answers there, and whether with TLS."""

    def __init__(self) -> None:
        self.dialled: list[tuple[str, bool]] = []
        self.down: dict[str, str] = {}
        self.tls: set[str] = set()
        self.questions: list[Question] = []

    async def connect(
        self, address: Address, *, ask_tls: bool, needs_tls: bool, seconds: float, greeting: bytes = b""
    ) -> dial.Line:
        self.dialled.append((str(address), ask_tls))
        if str(address) in self.down:
            raise dial.Unreachable(f"connection to server {address} failed: {self.down[str(address)]}")
        offers = str(address) in self.tls
        if needs_tls and not offers:
            raise dial.TlsRefused(f"server {address} does not support TLS, but TLS is required")
        return dial.Line(fd=-1, address=address, tls=ask_tls and offers)

    async def ask(self, line: socket.socket, text: bytes, seconds: float) -> Row | Problem:
        line.close()
        self.questions.append(Question(text.decode()))
        return await self.questions[-1]


def startup_body(**parameters: str) -> bytes:
    return b"".join(f"{name}\0{value}\0".encode() for name, value in parameters.items()) + b"\0"


def only(commands: Sequence[Command], kind: type[Any]) -> Any:
    """The one command there is, which has to be of this kind."""
    assert [type(command).__name__ for command in commands] == [kind.__name__], commands
    return commands[0]


def messages_in(data: bytes) -> list[tuple[str, bytes]]:
    """Bytes for a peer cut into messages."""
    found: list[tuple[str, bytes]] = []
    while data:
        length = struct.unpack_from("!i", data, 1)[0]
        found.append((chr(data[0]), data[5 : 1 + length]))
        data = data[1 + length :]
    return found


def error_in(data: bytes) -> dict[str, str]:
    """The fields of the ErrorResponse that ends `data`."""
    kind, body = messages_in(data)[-1]
    assert kind == "E"
    return {part[:1].decode(): part[1:].decode() for part in body.split(b"\0") if part}
