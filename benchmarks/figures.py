"""From samples to figures: medians over rounds, and ratios of two contestants round by round.

A ratio is taken within a round, where both ran one after the other on the same machine in the same mood; the median
of those ratios is what counts, the smallest and largest say how far to trust it. Figures of different runs never meet.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from benchmarks.records import Sample

CPU = "cpu"
THROUGHPUT = "throughput"
P99 = "p99"


@dataclass(frozen=True)
class Spread:
    """The median of some rounds, with its extremes."""

    median: float
    low: float
    high: float
    rounds: int


def spread(values: Iterable[float]) -> Spread | None:
    """None when there are no values."""
    known = list(values)
    if not known:
        return None
    return Spread(median(known), min(known), max(known), len(known))


def value(sample: Sample, figure: str) -> float | None:
    """A sample's figure; None when it has none (a cell without a statement, a contestant without a process)."""
    if figure == CPU:
        return sample.cpu_us if sample.statements else None
    if figure == THROUGHPUT:
        return sample.throughput or None
    if figure == P99:
        return sample.latency_us.get("p99") if sample.statements else None
    raise ValueError(f"no figure is called {figure!r}: there are {CPU!r}, {THROUGHPUT!r} and {P99!r}")


def cell(samples: Iterable[Sample], scenario: str, mode: str, clients: int) -> list[Sample]:
    """The samples of one cell."""
    return [one for one in samples if (one.scenario, one.mode, one.clients) == (scenario, mode, clients)]


def level(samples: Iterable[Sample], contestant: str, figure: str) -> Spread | None:
    """A contestant's figure over the rounds of a cell."""
    found = (value(one, figure) for one in samples if one.contestant == contestant)
    return spread(number for number in found if number is not None)


def ratio(samples: Iterable[Sample], contestant: str, against: str, figure: str) -> Spread | None:
    """One contestant's figure divided by another's, over the rounds of a cell in which both have one."""
    rounds: dict[int, dict[str, float]] = {}
    for one in samples:
        number = value(one, figure)
        if number is not None:
            rounds.setdefault(one.round, {})[one.contestant] = number
    return spread(
        both[contestant] / both[against]
        for both in rounds.values()
        if both.get(against) and contestant in both
    )
