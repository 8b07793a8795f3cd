"""Every conversation is broken at every message boundary, in each direction, on either side of the proxy.

An act (tests/load/work.py) is played once and its messages are counted; then once for each boundary and each way to
break there. Beside it, on the same pool of one connection, somebody else works: whoever is not broken gets its own rows
or, where the server's side broke, an error of those that say so.
"""

import asyncio
import itertools
import random
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import pytest

from tests.conftest import StartProxy
from tests.faults.relay import Direction, Fault, Kind, Passed, Relay, nothing
from tests.faults.rest import LOST, at_rest, nothing_left
from tests.load import trouble, work
from tests.load.house import ENVIRONMENT
from tests.load.wire import Gone
from tests.load.work import Act, Caller, Excused, Wrong, own
from tests.servers.postgres import USERS, PostgresServer

WORKERS = 40
DATABASES = ("shop", *(f"p{at}" for at in range(WORKERS)))
KINDS: tuple[Kind, ...] = ("cut", "reset", "stall")
ACTS: tuple[Act, ...] = (
    work.simple,
    work.several,
    work.burst,
    work.extended,
    work.prepared,
    work.pipeline,
    work.portal,
    work.transaction,
    work.broken_transaction,
    work.change_label,
    work.local_zone,
    work.copy_out,
    work.copy_in,
    work.notified,
    trouble.cancel_running,
)
MOST = 16
"""Boundaries in one direction. Of the rows of a COPY or the questions of who waits to be told, one is as good as another."""
STALLED = 1.5
"""Seconds after which a client gives a silent connection up."""


@dataclass(frozen=True)
class Trial:
    """One act, broken once."""

    act: Act
    fault: Fault
    number: int


@dataclass
class Place:
    """A pool of one connection, with a relay before it or behind it."""

    port: int
    database: str
    relay: Relay


def _caller(act: Act, place: Place, port: int, number: int, excuses: frozenset[str]) -> Caller:
    """The same every time: what it says is as long as it was when it was counted."""
    chance = random.Random(zlib.crc32(act.__name__.encode()))
    number = number * 4 + (3 if act is trouble.cancel_running else 2)
    return Caller(
        number,
        chance,
        port,
        label=f"app{number}",
        excuses=excuses,
        doing=act.__name__,
        database=place.database,
    )


async def _play(act: Act, caller: Caller, *, silence: bool, patience: float = 20) -> str:
    """What became of it. Raises AssertionError where somebody is wronged, or hears nothing for long."""
    try:
        async with asyncio.timeout(patience):
            await caller.open()
            await act(caller)
    except Excused as excuse:
        return str(excuse)
    except TimeoutError:
        if not silence:
            raise AssertionError(f"{caller.doing}: neither an answer nor an error") from None
        return "silence"
    except Gone as gone:
        own(caller, gone.heard)
        if b"SFATAL\0" in gone.half:
            raise Wrong(f"{caller.doing}: an error was put into the midst of a message: {gone}") from gone
        code = gone.said.code if gone.said else None
        # In the midst of a message nothing can be said any more.
        if code not in caller.excuses and not (code is None and (silence or gone.half)):
            raise AssertionError(f"{caller.doing}: {gone}") from gone
        return str(gone)
    else:
        return "well"
    finally:
        caller.hang_up()


async def _counted(act: Act, place: Place, port: int) -> tuple[int, int]:
    """The messages of the connection with the most of them, each way."""
    place.relay.passed = seen = list[Passed]()
    outcome = ""
    while outcome != "well" or not seen:
        place.relay.end_all()
        seen.clear()
        outcome = await _play(act, _caller(act, place, port, 1, LOST), silence=False)
    place.relay.passed = None
    return max(one.up for one in seen), max(one.down for one in seen)


def _trials(act: Act, counts: tuple[int, int]) -> Iterator[Trial]:
    ways: tuple[tuple[Direction, int], ...] = (("up", counts[0]), ("down", counts[1]))
    for (direction, count), kind in itertools.product(ways, KINDS):
        for after in range(min(count, MOST) + 1):
            yield Trial(act, Fault(kind, direction, after), 0)


async def _all(places: list[Place], way: "Way") -> int:
    """Every trial, each place with one at a time. So many faults were met."""
    trials: list[Trial] = []
    for act in ACTS:
        trials += _trials(act, await _counted(act, places[0], way.port(places[0])))
    # Those that stall take long: let them not come all at once.
    random.Random(1).shuffle(trials)
    left = iter(enumerate(trials, start=10))
    met = 0

    async def work_off(place: Place) -> None:
        nonlocal met
        for number, trial in left:
            try:
                was_met = await way.once(place, trial, number)
            except AssertionError as wrong:
                raise AssertionError(f"{trial.act.__name__} with {trial.fault}: {wrong}") from wrong
            met += was_met

    async with asyncio.TaskGroup() as group:
        for place in places:
            group.create_task(work_off(place))
    print(f"{met} of {len(trials)} faults were met")
    return met


class Way:
    """One side of the proxy."""

    def __init__(self, port: int) -> None:
        self.proxy = port

    def port(self, place: Place) -> int:
        raise NotImplementedError

    async def once(self, place: Place, trial: Trial, number: int) -> bool:
        raise NotImplementedError

    @staticmethod
    def arm(place: Place, fault: Fault) -> list[Fault]:
        """The next connection has it. The list is empty when one had it."""
        armed = [fault]
        place.relay.choose = lambda: armed.pop() if armed else None
        return armed


class TowardsServers(Way):
    """Nobody is cut off without a word."""

    def port(self, place: Place) -> int:
        return self.proxy

    async def once(self, place: Place, trial: Trial, number: int) -> bool:
        armed = self.arm(place, trial.fault)
        place.relay.end_all()
        for turn in itertools.count():
            told = _caller(trial.act, place, self.proxy, number, LOST)
            other = _caller(work.burst, place, self.proxy, number + 100_000, LOST)
            await asyncio.gather(
                _play(trial.act, told, silence=False), _play(work.burst, other, silence=False)
            )
            if not armed or turn == 3:
                break
        place.relay.choose = nothing
        place.relay.end_all()
        return not armed


class TowardsClients(Way):
    """Whoever is not broken itself feels nothing."""

    def port(self, place: Place) -> int:
        return place.relay.port

    async def once(self, place: Place, trial: Trial, number: int) -> bool:
        armed = self.arm(place, trial.fault)
        spoilt = _caller(trial.act, place, place.relay.port, number, LOST | {"25P03", "57P05"})
        # A cancel request comes by a connection of its own, which is not the one to be broken.
        other = _caller(work.burst, place, self.proxy, number + 100_000, frozenset())
        patience = STALLED if trial.fault.kind == "stall" else 20
        await asyncio.gather(
            _play(trial.act, spoilt, silence=True, patience=patience), _play(work.burst, other, silence=False)
        )
        place.relay.end_all()
        return not armed


def _config(ports: list[int], statement: str) -> str:
    head = (
        '[limits]\ncarriers = 2\n[admin]\nusers = ["app"]\n'
        '[[listeners]]\nprotocol = "postgres"\naddress = "127.0.0.1:@port@"\nauth = "trust"\n'
    )
    pool = f'pool = {{ size = 1, statement = "{statement}", idle_transaction = "5s", wait = "30s", prepared = 20 }}'
    places = [
        f'[[clusters]]\nname = "p{at}"\nprotocol = "postgres"\nservers = [{{ address = "127.0.0.1:{port}" }}]\n'
        f'tls = {{ mode = "disable" }}\nconnect_timeout = "1s"\ncheck = "1s"\ncheck_timeout = "2s"\nlogin_retry = "20ms"\n{pool}\n'
        f'[[databases]]\nname = "p{at}"\ncluster = "p{at}"\ndbname = "shop"\n'
        for at, port in enumerate(ports)
    ]
    shop = '[[databases]]\nname = "shop"\ncluster = "p0"\n'
    return "\n".join([head, *places, shop, '[[users]]\nname = "app"\npassword = "env://APP_PASSWORD"\n'])


@asynccontextmanager
async def _relays(targets: list[int]) -> AsyncIterator[list[Relay]]:
    relays = [Relay(target, random.Random(at)) for at, target in enumerate(targets)]
    try:
        for relay in relays:
            await relay.__aenter__()
        yield relays
    finally:
        for relay in relays:
            with suppress(AssertionError):
                await relay.__aexit__()


@pytest.fixture
def marks(spare_postgres: PostgresServer) -> PostgresServer:
    """With a table for marks that nobody commits."""
    assert USERS["app"] == ENVIRONMENT["APP_PASSWORD"]
    spare_postgres.execute("CREATE TABLE marks (x text)")
    spare_postgres.execute("GRANT ALL ON marks TO PUBLIC")
    return spare_postgres


def test_towards_servers(marks: PostgresServer, start_proxy: StartProxy) -> None:
    async def run() -> int:
        async with _relays([marks.port] * WORKERS) as relays:
            proxy = start_proxy(_config([relay.port for relay in relays], "1s"), ENVIRONMENT)
            before = await at_rest(proxy, DATABASES)
            places = [Place(proxy.port, f"p{at}", relay) for at, relay in enumerate(relays)]
            met = await _all(places, TowardsServers(proxy.port))
            await nothing_left(proxy, before, marks, DATABASES)
            return met

    assert asyncio.run(run()) > 400


def test_towards_clients(marks: PostgresServer, start_proxy: StartProxy) -> None:
    async def run() -> int:
        proxy = start_proxy(_config([marks.port] * WORKERS, "3s"), ENVIRONMENT)
        before = await at_rest(proxy, DATABASES)
        async with _relays([proxy.port] * WORKERS) as relays:
            places = [Place(proxy.port, f"p{at}", relay) for at, relay in enumerate(relays)]
            met = await _all(places, TowardsClients(proxy.port))
        await nothing_left(proxy, before, marks, DATABASES)
        return met

    assert asyncio.run(run()) > 400
