"""What a statement costs: every contestant, every mode, from one client to many; before the stub and PostgreSQL."""

from benchmarks.backends import Backend
from benchmarks.bench import Bench, Scenario, rounds
from benchmarks.records import Findings

CONTESTANTS = ("direct", "articdbm", "pgbouncer", "haproxy")


def _run(bench: Bench, backend: Backend) -> Findings:
    cells = bench.cells(bench.settings.modes, bench.settings.clients)
    return rounds(bench, backend, backend.name, CONTESTANTS, cells)


STUB = Scenario("stub", "Statements, stub server", "stub", _run)
POSTGRES = Scenario("postgres", "Statements, PostgreSQL", "postgres", _run)
