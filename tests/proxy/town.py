"""A whole brain on a Snapshot of two databases and some users, for conversations on `Brain.handle`."""

from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeVar

import msgspec

from config.address import address
from config.loader import Loaded
from config.quantities import Duration
from config.secret import Secret
from config.sections.admin import Admin
from config.sections.clusters import Cluster, Server
from config.sections.databases import Database
from config.sections.limits import Limits
from config.sections.listeners import Listener
from config.sections.pool import PoolOptions
from config.sections.tls import ClusterTls
from config.sections.users import User
from config.snapshot import Snapshot
from protocols.postgres import messages
from protocols.postgres.auth import ServerAuth
from protocols.postgres.types import Problem
from proxy.house import build
from proxy.native import (
    AdmitServer,
    Attach,
    AuthMessage,
    Close,
    Command,
    Send,
    ServerMessage,
    ServerOpened,
    Startup,
)
from tests.proxy.world import Hand, Net, error_in, messages_in, startup_body

SERVER = "127.0.0.1:5001"
REPORTED = {
    "server_version": "15.4",
    "client_encoding": "UTF8",
    "DateStyle": "ISO, MDY",
    "TimeZone": "UTC",
    "application_name": "",
    "is_superuser": "off",
    "session_authorization": "app",
}
PASSWORD = "open sesame"
V3 = 3 << 16
Some = TypeVar("Some", bound=msgspec.Struct)

SNAPSHOT = Snapshot(
    listeners=(Listener(protocol="postgres", address=address("127.0.0.1:0")),),
    clusters=(
        Cluster(
            name="main",
            protocol="postgres",
            servers=(Server(address=address(SERVER)),),
            tls=ClusterTls(mode="disable"),
            pool=PoolOptions(wait=Duration(10_000)),
        ),
    ),
    databases=(
        Database(name="shop", cluster="main"),
        Database(name="books", cluster="main", dbname="ledger"),
    ),
    users=(
        User(name="app", password=Secret(PASSWORD)),
        User(name="clerk", password=Secret(PASSWORD), databases=("shop",)),
        User(name="root", password=Secret(PASSWORD)),
    ),
    admin=Admin(users=("root",)),
    limits=Limits(login_attempts=3, login_window=Duration(60_000)),
)


def changed(section: Some, **changes: Any) -> Some:
    return msgspec.structs.replace(section, **changes)


def loaded(snapshot: Snapshot) -> Loaded:
    return Loaded(snapshot=snapshot, problems=(), files=())


class Town:
    """The brain, with hands on everything around it."""

    def __init__(self, snapshot: Snapshot = SNAPSHOT, listener_auth: str = "") -> None:
        if listener_auth:
            doors = tuple(changed(one, auth=listener_auth) for one in snapshot.listeners)
            snapshot = changed(snapshot, listeners=doors)
        self.hand = Hand()
        self.net = Net()
        self.next: Callable[[], Loaded] = partial(loaded, snapshot)
        self.figures: Any = SimpleNamespace(pins=[], plan_us=[])
        self.pool_figures: list[Any] = []
        self.carriers: list[Any] = []
        self.plans: list[Any] = []
        self.ended: list[str] = []
        source: Any = SimpleNamespace(
            figures=lambda: self.figures,
            pools=lambda: self.pool_figures,
            carriers=lambda: self.carriers,
            plans=lambda: self.plans,
        )
        self.rooms = build(
            snapshot,
            self._load,
            self.hand,
            source,
            nonce=lambda count: b"n" * count,
            chance=lambda: 1.0,
            version="1.2.3",
            today=lambda: 1_800_000_000.0 + self.hand.time - 1000.0,
            end=self.ended.append,
            connect=self.net.connect,
            ask=self.net.ask,
        )
        change = self.rooms.doors.prepare(snapshot)
        self.listening = self.rooms.doors.adopt(change)
        change.abandon()
        self.conns = 0
        self.commands: list[Any] = []

    def _load(self) -> Loaded:
        return self.next()

    def handle(self, event: Any) -> list[Command]:
        return self.rooms.brain.handle(event) + self.hand.work()

    # --- a client ---

    def start(
        self, version: int = V3, peer: str = "10.0.0.1:999", **parameters: str
    ) -> tuple[int, list[Command]]:
        return self.start_raw(startup_body(**parameters), version, peer)

    def start_raw(
        self, body: bytes, version: int = V3, peer: str = "10.0.0.1:999"
    ) -> tuple[int, list[Command]]:
        self.conns += 1
        return self.conns, self.handle(Startup(self.conns, 1, peer, version, body, False, None, None))

    def prove(self, conn: int, said: list[Command], password: str, user: str = "app") -> list[Command]:
        """Hold the SCRAM conversation from the client's side, up to what follows it."""
        client = ServerAuth(user, password, binding=None, nonce=lambda count: b"c" * count)
        while True:
            sent = b"".join(command.data for command in said if isinstance(command, Send))
            answer = b""
            for kind, body in messages_in(sent):
                if kind == "R":
                    answer += client.receive(ord("R"), body).send
            if not answer:
                return [command for command in said if not isinstance(command, Send)]
            said = [
                command
                for kind, body in messages_in(answer)
                for command in self.handle(AuthMessage(conn, ord(kind), body))
            ]

    def log_in(self, password: str = PASSWORD, **parameters: str) -> tuple[int, list[Command]]:
        """Start and prove; gives what comes after AuthenticationOk."""
        conn, said = self.start_raw(startup_body(**parameters))
        return conn, self.prove(conn, said, password, parameters["user"])

    # --- a server ---

    def serve(self, said: list[Command], reported: Mapping[str, str] = REPORTED) -> list[Command]:
        """Let every server that was dialled accept; gives all that follows."""
        result: list[Command] = []
        for command in said:
            if not isinstance(command, Attach):
                result.append(command)
                continue
            conn = 1000 + command.ticket
            opened = self.handle(ServerOpened(conn, command.ticket, None))
            assert [type(one) for one in opened] == [Send]
            result += self.server_says(command, welcome(reported))
        return result

    def server_says(self, attach: Attach, data: bytes) -> list[Command]:
        return [
            command
            for kind, body in messages_in(data)
            for command in self.handle(ServerMessage(1000 + attach.ticket, attach.ticket, ord(kind), body))
        ]

    def answer(self, said: Problem | None = None, **shown: str) -> list[Command]:
        """The oldest question is answered: with what it asks for, `shown` put over it, or with a problem."""
        question = self.net.questions.pop(0)
        return self.hand.answer(question, said or list({**REPORTED, **shown}.values()))

    def server_up(self) -> None:
        """One log-in that makes the pool of app on shop known."""
        _, said = self.log_in(user="app", database="shop")
        assert any(isinstance(command, AdmitServer) for command in self.serve(said))


def welcome(reported: Mapping[str, str]) -> bytes:
    statuses = b"".join(messages.parameter_status(*pair) for pair in reported.items())
    return (
        messages.authentication_ok() + statuses + messages.frame(b"K", b"\0\0\0\1kkkk") + messages.ready(b"I")
    )


def refusal(said: list[Command]) -> tuple[str, str]:
    """Code and text of the error that the one command, a Close, ends with."""
    assert [type(command) for command in said] == [Close], said
    close = said[0]
    assert isinstance(close, Close)
    fields = error_in(close.data)
    return fields["C"], fields["M"]
