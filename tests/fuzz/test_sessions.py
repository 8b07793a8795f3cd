"""Random sessions of two clients: what each hears through the proxy is, byte for byte, what it hears of the server.

In the pools of one connection both clients take turns on it, so that whatever one leaves behind the other would meet.
`ARTICDBM_FUZZ` says how many sessions are played each way.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings

from tests.fuzz.grammar import AT_LAST, Unit, read, units
from tests.integration import house
from tests.integration.wire import END, Line, Message, without_tables
from tests.servers import proxy
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy

SESSIONS = int(os.environ.get("ARTICDBM_FUZZ", "80"))
USER = "app_trust"
CLIENTS = 2
PATIENCE = float(os.environ.get("ARTICDBM_FUZZ_PATIENCE", "10"))
QUIET = 0.03
"""Seconds after which a server that owes nothing for certain is taken to have said all. Too few costs nothing: what
comes later is heard with what comes next, on both sides."""

PHASES = [phase for phase in Phase if phase is not Phase.explain]

LONG = settings(
    max_examples=SESSIONS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
    phases=PHASES,
    print_blob=True,
)


@dataclass
class Heard:
    """What the server itself says to one unit, and whether the client holds a connection after it."""

    said: list[Message]
    holds: bool


Step = tuple[Unit, Heard]


@dataclass
class Game:
    """Both sides, with tables as they were for each session."""

    server: PostgresServer
    proxy: Proxy
    admin: psycopg.Connection

    def begin(self) -> None:
        for who in range(CLIENTS):
            self.admin.execute(f"TRUNCATE c{who}.t; DROP VIEW IF EXISTS c{who}.v")

    def lines(self, stack: ExitStack, port: int, database: str) -> list[Line]:
        lines = []
        for who in range(CLIENTS):
            line = stack.enter_context(Line("127.0.0.1", port, PATIENCE))
            line.log_in(USER, database, {"search_path": f"c{who}"})
            lines.append(line)
        return lines

    def directly(self, session: Sequence[Unit]) -> list[Heard]:
        self.begin()
        with ExitStack() as stack:
            lines = self.lines(stack, self.server.port, "shop")
            fresh = [True] * CLIENTS
            heard = []
            for unit in session:
                one, fresh[unit.who] = _directly(lines[unit.who], unit, fresh=fresh[unit.who])
                heard.append(one)
            return heard

    def through(self, database: str, session: Sequence[Unit], answers: list[Heard], *, waits: bool) -> None:
        """Raises AssertionError where something else is heard. `waits`: who holds the connection lets nobody else on."""
        self.begin()
        with ExitStack() as stack:
            lines = self.lines(stack, self.proxy.port, database)
            owed: list[list[Step]] = [[] for _ in lines]
            later: list[list[Step]] = [[] for _ in lines]
            holder: int | None = None

            def play(step: Step) -> None:
                unit, heard = step
                who = unit.who
                if holder not in (None, who) and (heard.holds or later[who]):
                    # Who waits for the connection in order to keep it would be heard no more until the other's turn.
                    later[who].append(step)
                    return
                lines[who].send(unit.data)
                owed[who].append(step)
                if holder in (None, who):
                    hear(who)

            def hear(who: int) -> None:
                nonlocal holder
                while owed[who]:
                    unit, heard = owed[who].pop(0)
                    _compare(lines[who], unit, heard)
                    holder = who if heard.holds and waits else None
                if holder is None:
                    for other, waiting in enumerate(owed):
                        if waiting:
                            hear(other)
                for other, waiting in enumerate(later):
                    while waiting and holder in (None, other):
                        play(waiting.pop(0))

            for step in zip(session, answers, strict=True):
                play(step)
            assert not any(owed + later)
            for line in lines:
                assert line.is_silent(0.001) or line.receive().kind == END


def _directly(line: Line, unit: Unit, *, fresh: bool) -> tuple[Heard, bool]:
    line.send(unit.data)
    least, all_of_it, fresh = unit.certain(fresh=fresh)
    said: list[Message] = []
    ends = 0
    while ends < least or not (all_of_it or line.is_silent(QUIET)):
        said.append(line.receive())
        if said[-1].kind == END:
            break
        ends += said[-1].kind == "Z"
    idle = not said or (said[-1].kind == "Z" and said[-1].body == b"I") or said[-1].kind == END
    return Heard(said, not (idle and fresh)), fresh


def _compare(line: Line, unit: Unit, heard: Heard) -> None:
    for number, expected in enumerate(heard.said):
        try:
            found = line.receive()
        except TimeoutError:
            raise AssertionError(f"{unit!r}: silence instead of {expected} (message {number})") from None
        assert _normal(found) == _normal(expected), f"{unit!r}: message {number}"


def _normal(message: Message) -> Message:
    if message.kind == END:
        return Message(END, b"")
    if message.kind == "E" and b"\0C25P02\0" in message.body:
        # In a failed transaction: which message was refused first says the server's source, and the unnamed statement is
        # parsed anew where something of ours stood in between.
        return Message("E", message.body.partition(b"\0F")[0])
    return Message("T", without_tables(message.body)) if message.kind == "T" else message


def _at_last(session: list[Unit]) -> list[Unit]:
    """Everybody ends the transaction it may be in; who holds the connection first."""
    order = [unit.who for unit in session]
    last = list(dict.fromkeys(reversed(order)))
    return session + [Unit(who, AT_LAST) for who in [*last, *last]]


@pytest.fixture(scope="module")
def game(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Game]:
    for who in range(CLIENTS):
        postgres_server.execute(f"CREATE SCHEMA c{who}; CREATE TABLE c{who}.t (a text)")
        postgres_server.execute(f"GRANT ALL ON SCHEMA c{who} TO PUBLIC; GRANT ALL ON c{who}.t TO PUBLIC")
    directory = tmp_path_factory.mktemp("proxy")
    text = house.configuration(postgres_server, limits="carriers = 1")
    with (
        proxy.start(text, directory, house.environment()) as running,
        psycopg.connect(postgres_server.local(), autocommit=True) as admin,
    ):
        yield Game(postgres_server, running, admin)
    for who in range(CLIENTS):
        postgres_server.execute(f"DROP SCHEMA c{who} CASCADE")


KEPT = Path(__file__).with_name("sessions.txt").read_text().split("\n\n")[1:]


@pytest.mark.parametrize("database", ["shop_one", "shop_alone"])
@pytest.mark.parametrize("script", KEPT)
def test_sessions_that_were_answered_otherwise_once(game: Game, database: str, script: str) -> None:
    session = _at_last(read(script))
    for _ in range(2):
        game.through(database, session, game.directly(session), waits=True)


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("database", ["shop_one", "shop_alone"])
def test_two_clients_on_one_connection(game: Game, database: str) -> None:
    @LONG
    @given(units(pins=False, clients=CLIENTS))
    def play(session: list[Unit]) -> None:
        session = _at_last(session)
        note("\n".join(map(repr, session)))
        game.through(database, session, game.directly(session), waits=True)

    play()


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("database", ["shop", "shop_session"])
def test_two_clients_with_connections_to_keep(game: Game, database: str) -> None:
    @LONG
    @given(units(pins=True, clients=CLIENTS))
    def play(session: list[Unit]) -> None:
        session = _at_last(session)
        note("\n".join(map(repr, session)))
        game.through(database, session, game.directly(session), waits=False)

    play()
