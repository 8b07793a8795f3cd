"""What plugins cost a statement that is planned already: the same proxy with its own chain and with eight guards more.

Nothing, is the promise; a difference of some hundredths is looked for, so there are more rounds than elsewhere.
"""

from dataclasses import replace

import msgspec

from benchmarks.backends import Backend
from benchmarks.bench import Bench, Scenario, rounds
from benchmarks.records import Findings

CONTESTANTS = ("articdbm", "articdbm-chain")
CLIENTS = (1, 64)
MODES = ("simple", "prepared")
ROUNDS = 4
"""Rounds where another scenario has one."""


def _run(bench: Bench, backend: Backend) -> Findings:
    settings = msgspec.structs.replace(bench.settings, rounds=ROUNDS * bench.settings.rounds)
    return rounds(
        replace(bench, settings=settings), backend, "chain", CONTESTANTS, bench.cells(MODES, CLIENTS)
    )


SCENARIO = Scenario("chain", "A longer chain, stub server", "stub", _run)
