"""What a second carrier thread costs and brings: the same proxy with one and with two, before the stub server.

PgBouncer, which has one thread, stands beside them.
"""

from benchmarks.backends import Backend
from benchmarks.bench import Bench, Scenario, rounds
from benchmarks.records import Findings

CONTESTANTS = ("articdbm", "articdbm-2", "pgbouncer")
CLIENTS = (8, 64)
MODES = ("simple", "prepared")


def _run(bench: Bench, backend: Backend) -> Findings:
    return rounds(bench, backend, "carriers", CONTESTANTS, bench.cells(MODES, CLIENTS))


SCENARIO = Scenario("carriers", "Two carriers and one, stub server", "stub", _run)
