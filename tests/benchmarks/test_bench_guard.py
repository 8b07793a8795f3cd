"""The guard: what it lets pass, what it does not, and when it says that it cannot tell."""

from collections.abc import Sequence

import msgspec
import pytest

from benchmarks import guard
from benchmarks.bench import Cell
from benchmarks.guard import ATTEMPTS, CELLS, FACTOR, NotJudgedError
from benchmarks.records import Absence, Findings, Run
from benchmarks.run import RESULTS
from tests.benchmarks.samples import sample

PUBLISHED = 0.8
DEAR = PUBLISHED * FACTOR * 1.01


def findings(ratio: float, cells: Sequence[Cell] = CELLS) -> Findings:
    return Findings(
        [
            sample(name, mode=cell.mode, clients=cell.clients, cpu_us=cost)
            for cell in cells
            for name, cost in (("articdbm", 10 * ratio), ("haproxy", 10.0))
        ]
    )


class Machine:
    """Gives one ratio after the other, and notes what it was asked about."""

    def __init__(self, *ratios: float) -> None:
        self.ratios = list(ratios)
        self.asked: list[Sequence[Cell]] = []

    def look(self, cells: Sequence[Cell]) -> Findings:
        self.asked.append(cells)
        return findings(self.ratios.pop(0), cells)


def test_somewhat_dearer_passes_at_once() -> None:
    machine = Machine(PUBLISHED * FACTOR * 0.99)
    assert guard.judge(findings(PUBLISHED), machine.look) == []
    assert machine.asked == [CELLS]


def test_dear_once_is_the_machine_s_mood() -> None:
    machine = Machine(DEAR, PUBLISHED)
    assert guard.judge(findings(PUBLISHED), machine.look) == []


def test_dear_in_every_attempt_is_a_breach_and_says_by_how_much() -> None:
    machine = Machine(*[DEAR] * ATTEMPTS)
    found = guard.judge(findings(PUBLISHED), machine.look)
    assert [one.cell for one in found] == list(CELLS)
    assert str(found[0]) == (
        "simple, 8 clients: 1.21 of haproxy's CPU for a statement; published are 0.80, and more than 1.20 is too much"
    )


def test_only_what_was_dear_is_looked_at_again() -> None:
    first = findings(PUBLISHED, CELLS[1:]) + findings(DEAR, CELLS[:1])
    asked: list[Sequence[Cell]] = []

    def look(cells: Sequence[Cell]) -> Findings:
        asked.append(cells)
        return first if len(asked) == 1 else findings(PUBLISHED, cells)

    assert guard.judge(findings(PUBLISHED), look) == []
    assert asked == [CELLS, [CELLS[0]]]


def test_without_figures_it_says_so() -> None:
    with pytest.raises(NotJudgedError, match="simple, 8 clients"):
        guard.judge(Findings(), Machine(PUBLISHED).look)
    died = findings(PUBLISHED) + Findings(absences=[Absence("stub", "haproxy", "not installed", failed=True)])
    with pytest.raises(NotJudgedError, match="haproxy: not installed"):
        guard.judge(findings(PUBLISHED), lambda _: died)


def test_the_published_run_has_what_the_guard_compares_with() -> None:
    published = msgspec.json.decode((RESULTS / "latest.json").read_bytes(), type=Run).findings
    assert guard.breaches(published, published, CELLS) == []
