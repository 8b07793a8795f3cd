"""Many clients at once, each doing acts at random, until so many statements were answered. One wrong answer ends it."""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from tests.load.house import pools
from tests.load.wire import Gone
from tests.load.work import ZONES, Act, Caller

PATIENCE = 90.0
"""Seconds without a single answer to anybody: something hangs."""


@dataclass
class Tally:
    """What a storm did."""

    statements: int = 0
    acts: Counter[str] = field(default_factory=Counter)


class Hung(AssertionError):
    """Nobody gets answers any more."""


async def storm(port: int, *, clients: int, statements: int, acts: Mapping[Act, int], seed: int) -> Tally:
    """`clients` at once until `statements` are answered. Raises what the first client that is wronged raises."""
    chance = random.Random(seed)
    tally = Tally()
    callers = [_caller(number, chance, port) for number in range(clients)]
    tasks = [asyncio.create_task(_live(caller, tally, statements, acts)) for caller in callers]
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


def _caller(number: int, chance: random.Random, port: int) -> Caller:
    """Half of them are alike and may share; the others have something of their own."""
    own = random.Random(chance.random())
    zone = own.choice(ZONES) if number % 4 == 1 else "UTC"
    return Caller(number, own, port, zone=zone, label=f"app{number}" if number % 4 == 2 else "")


async def _live(caller: Caller, tally: Tally, statements: int, acts: Mapping[Act, int]) -> None:
    choices, weights = list(acts), list(acts.values())
    caller.doing = "open"
    await caller.open()
    while tally.statements < statements:
        (act,) = caller.chance.choices(choices, weights)
        caller.doing = act.__name__
        try:
            tally.statements += await act(caller)
        except Gone as gone:
            raise AssertionError(f"client {caller.number} was cut off in {caller.doing}: {gone}") from gone
        tally.acts[act.__name__] += 1
    caller.doing = "leave"
    caller.wire.leave()


async def _watch(port: int, callers: list[Caller], tally: Tally, statements: int) -> None:
    before = -1
    while True:
        if before == (before := tally.statements):
            doing = Counter(caller.doing for caller in callers if caller.doing != "leave")
            held = None
            with suppress(Exception):
                async with asyncio.timeout(5):
                    held = await pools(port)
            raise Hung(f"no answer for {PATIENCE:.0f} s after {before} of {statements}; at it: {doing}; {held}")
        await asyncio.sleep(PATIENCE)
