"""What clients far above the pool lose: 64 clients over 4 server connections and over 64, on PostgreSQL."""

from benchmarks.backends import Backend
from benchmarks.bench import Bench, Scenario, rounds
from benchmarks.records import Findings

CONTESTANTS = ("articdbm-pool-4", "articdbm-pool-64")
CLIENTS = (64,)


def _run(bench: Bench, backend: Backend) -> Findings:
    return rounds(bench, backend, "sharing", CONTESTANTS, bench.cells(bench.settings.modes, CLIENTS))


SCENARIO = Scenario(
    "sharing", "64 clients over 4 server connections and over 64, PostgreSQL", "postgres", _run
)
