"""What much data at once costs: COPY out, COPY in and a large result; the same amount over 1 and 8 clients.

On PostgreSQL, and before the stub server, which has rows as fast as anybody takes them. Rows have a kilobyte, so that
the server's work for each is small beside moving it. What is copied in is read and thrown away by the server, but for
its last row: a disk would be measured otherwise.
"""

from collections.abc import Sequence

from benchmarks.backends import SINK, Backend
from benchmarks.bench import Bench, Cell, Scenario, rounds
from benchmarks.contestants import Running
from benchmarks.generator import Haul, RunReport
from benchmarks.records import Findings

CONTESTANTS = ("direct", "articdbm", "pgbouncer", "haproxy")
CLIENTS = (1, 8)
MODES = ("copy out", "copy in", "select")
ROWS = 100_000
WIDTH = 1000
NAMES = {"stub": "bulk-stub", "postgres": "bulk"}


def _haul(mode: str, clients: int) -> Haul:
    rows = ROWS // clients
    select = f"SELECT repeat('x', {WIDTH}) FROM generate_series(1, {rows})"
    if mode == "copy out":
        return Haul(f"COPY ({select}) TO STDOUT", rows, WIDTH + len("\n"))
    if mode == "copy in":
        return Haul(f"COPY {SINK} FROM STDIN WHERE line = 'end'", rows, WIDTH + len("\n"), sends=True)
    # The number of columns and the length of this one come with each row.
    return Haul(select, rows, 2 + 4 + WIDTH)


def _ask(bench: Bench, running: Running, cell: Cell, watched: Sequence[int]) -> RunReport:
    haul = _haul(cell.mode, cell.clients)
    return bench.generator.bulk(running.port, running.database(cell.mode), cell.clients, haul, watched)


def _run(bench: Bench, backend: Backend) -> Findings:
    cells = [Cell(mode, number) for mode in MODES for number in CLIENTS if number in bench.settings.clients]
    return rounds(bench, backend, NAMES[backend.name], CONTESTANTS, cells, _ask)


STUB = Scenario("bulk-stub", "COPY and a large result, stub server", "stub", _run)
POSTGRES = Scenario("bulk", "COPY and a large result, PostgreSQL", "postgres", _run)
