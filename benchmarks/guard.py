"""A guard for continuous integration: has a statement become grossly dearer than what is published?

`python -m benchmarks.guard` measures ArticDBM and HAProxy in front of the stub server for some seconds, in turns. CPU
for a statement, HAProxy's as the unit, hardly depends on the machine; it fails where that is more than FACTOR times
the ratio in `results/latest.json`, attempt after attempt. What is a little dearer is for `make bench` to find.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from benchmarks import figures, generator
from benchmarks.backends import Backend
from benchmarks.bench import Bench, Cell, Scenario, rounds
from benchmarks.figures import CPU
from benchmarks.records import Findings, Run, Settings
from benchmarks.run import RESULTS, measure
from tests.servers import postgres

PROXY, PEER = "articdbm", "haproxy"
SCENARIO = "stub"
CELLS = (Cell("simple", 8), Cell("simple", 64), Cell("prepared", 64))
FACTOR = 1.5
ATTEMPTS = 3
SETTINGS = Settings(
    rounds=5, seconds=0.25, warmup=0.1, clients=[8, 64], modes=["simple", "prepared"], contestants=[PROXY, PEER],
    scenarios=[SCENARIO], idle_clients=0, logins=0,
)  # fmt: skip


class NotJudgedError(Exception):
    """There is nothing to compare, or one of the two could not be measured. The text says what."""


@dataclass(frozen=True)
class Breach:
    """A cell that is far dearer than it is published to be."""

    cell: Cell
    found: float
    published: float

    def __str__(self) -> str:
        return (
            f"{self.cell.mode}, {self.cell.clients} clients: {self.found:.2f} of {PEER}'s CPU for a statement; "
            f"published are {self.published:.2f}, and more than {FACTOR * self.published:.2f} is too much"
        )


def breaches(published: Findings, found: Findings, cells: Sequence[Cell]) -> list[Breach]:
    """Those of the cells that are too dear. Raises NotJudgedError."""
    failed = [f"{one.contestant}: {one.reason}" for one in found.absences if one.failed]
    if failed:
        raise NotJudgedError("; ".join(failed))
    pairs = [(cell, _ratio(found, cell), _ratio(published, cell)) for cell in cells]
    return [Breach(cell, now, then) for cell, now, then in pairs if now > FACTOR * then]


def judge(published: Findings, look: Callable[[Sequence[Cell]], Findings]) -> list[Breach]:
    """What is too dear in every attempt. A machine that is busy with something else gets another chance."""
    found: list[Breach] = []
    cells: Sequence[Cell] = CELLS
    for _ in range(ATTEMPTS):
        found = breaches(published, look(cells), cells)
        cells = [one.cell for one in found]
        if not cells:
            break
    return found


def main() -> int:
    """Exit status: 0 all is well; 1 something is far dearer than published; 2 it could not be judged."""

    def look(cells: Sequence[Cell]) -> Findings:
        def run(bench: Bench, backend: Backend) -> Findings:
            return rounds(bench, backend, SCENARIO, (PROXY, PEER), cells)

        return measure(SETTINGS, [Scenario(SCENARIO, "the guard", "stub", run)], print).findings

    try:
        latest = (RESULTS / "latest.json").read_bytes()
        found = judge(msgspec.json.decode(latest, type=Run).findings, look)
    except (NotJudgedError, generator.GeneratorError, postgres.NoServerError, OSError) as why:
        print(f"benchmarks.guard: {why}", file=sys.stderr)
        return 2
    for one in found:
        print(f"benchmarks.guard: {one}", file=sys.stderr)
    return 1 if found else 0


def _ratio(findings: Findings, cell: Cell) -> float:
    samples = figures.cell(findings.samples, SCENARIO, cell.mode, cell.clients)
    ratio = figures.ratio(samples, PROXY, PEER, CPU)
    if ratio is None:
        raise NotJudgedError(f"no figures of {PROXY} and {PEER} for {cell.mode}, {cell.clients} clients")
    return ratio.median


if __name__ == "__main__":
    raise SystemExit(main())
