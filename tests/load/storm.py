"""Many clients at once, each doing acts at random, until so many statements were answered. One wrong answer ends it."""

import asyncio
import random
import ssl
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from tests.load.house import pools
from tests.load.wire import Gone
from tests.load.work import ZONES, Act, Caller, Excused, Wrong, own

PATIENCE = 60.0
"""Seconds without a single answer to anybody: something hangs."""


@dataclass
class Tally:
    """What a storm did."""

    statements: int = 0
    acts: Counter[str] = field(default_factory=Counter)
    excused: Counter[str] = field(default_factory=Counter)
    """Errors that the disturbance explains, by their text."""


class Hung(AssertionError):
    """Nobody gets answers any more."""


@dataclass(frozen=True)
class Weather:
    """What clients have to put up with besides each other."""

    excuses: frozenset[str] = frozenset()
    """Codes of errors they may be given."""
    silence: bool = False
    """Their connections may break without a word."""


async def storm(
    port: int,
    *,
    clients: int,
    statements: int,
    acts: Mapping[Act, int],
    seed: int,
    weather: Weather = Weather(),
    tls: ssl.SSLContext | None = None,
) -> Tally:
    """`clients` at once until `statements` are answered. Raises what the first client that is wronged raises."""
    chance = random.Random(seed)
    tally = Tally()
    callers = [_caller(number, chance, port, weather, tls) for number in range(clients)]
    tasks = [asyncio.create_task(_live(caller, tally, statements, acts, weather)) for caller in callers]
    tasks.append(asyncio.create_task(_watch(port, callers, tally, statements)))
    try:
        for task in asyncio.as_completed(tasks):
            await task
            if all(task.done() for task in tasks[:-1]):
                break
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for caller in callers:
            caller.hang_up()
        await asyncio.sleep(0.1)  # the loop closes what was aborted in a later turn
    return tally


def _caller(
    number: int, chance: random.Random, port: int, weather: Weather, tls: ssl.SSLContext | None
) -> Caller:
    """Half of them are alike and may share; the others have something of their own."""
    mine = random.Random(chance.random())
    zone = mine.choice(ZONES) if number % 4 == 1 else "UTC"
    label = f"app{number}" if number % 4 == 2 else ""
    return Caller(number, mine, port, zone=zone, label=label, excuses=weather.excuses, tls=tls)


async def _live(
    caller: Caller, tally: Tally, statements: int, acts: Mapping[Act, int], weather: Weather
) -> None:
    choices, weights = list(acts), list(acts.values())
    while tally.statements < statements:
        caller.doing = "open"
        try:
            if caller.line is None:
                await caller.open()
            (act,) = caller.chance.choices(choices, weights)
            caller.doing = act.__name__
            answered = await act(caller)
        except OSError:
            # Broken while TLS began: there is no way to say anything then.
            if caller.tls is None or not weather.excuses:
                raise
            caller.hang_up()
        except Excused as excuse:
            tally.excused[str(excuse)] += 1
            caller.hang_up()
        except Gone as gone:
            own(caller, gone.heard)
            code = gone.said.code if gone.said else None
            if b"SFATAL\0" in gone.half:
                raise Wrong(f"{caller.doing}: an error was put into the midst of a message: {gone}") from gone
            # In the midst of a message nothing can be said any more.
            silence = code is None and (weather.silence or (gone.half and weather.excuses))
            if code not in weather.excuses and not silence:
                raise AssertionError(
                    f"client {caller.number} was cut off in {caller.doing}: {gone}"
                ) from gone
            tally.excused[str(gone)] += 1
            caller.hang_up()
        else:
            tally.statements += answered
            tally.acts[act.__name__] += 1
    caller.doing = "leave"
    if caller.line is not None:
        caller.line.leave()


async def _watch(port: int, callers: list[Caller], tally: Tally, statements: int) -> None:
    before = -1
    while True:
        if before == (before := tally.statements):
            at_it = [caller for caller in callers if caller.doing != "leave" and caller.line is not None]
            doing = Counter(caller.doing for caller in at_it)
            halves = [f"{caller.number} {caller.doing}: {caller.wire.state}" for caller in at_it]
            held = None
            with suppress(Exception):
                async with asyncio.timeout(5):
                    held = await pools(port)
            raise Hung(
                f"no answer for {PATIENCE:.0f} s after {before} of {statements}; at it: {doing}; {held}; {halves}"
            )
        await asyncio.sleep(PATIENCE)
