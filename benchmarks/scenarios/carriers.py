"""What a second carrier thread costs: the same proxy with one and with two, before the stub server."""

from benchmarks.backends import Backend
from benchmarks.bench import Bench, Scenario, rounds
from benchmarks.records import Findings

CONTESTANTS = ("articdbm", "articdbm-2")
CLIENTS = (8, 64)
MODES = ("simple", "prepared")


def _run(bench: Bench, backend: Backend) -> Findings:
    return rounds(bench, backend, "carriers", CONTESTANTS, bench.cells(MODES, CLIENTS))


SCENARIO = Scenario("carriers", "Two carriers and one, stub server", "stub", _run)
