"""Medians and ratios: from samples to the figures that bars and tables are made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from benchmarks import figures
from benchmarks.figures import CPU, P99, THROUGHPUT, Spread
from benchmarks.records import Sample
from tests.benchmarks.samples import sample


def test_a_ratio_is_taken_round_by_round_and_then_the_median() -> None:
    # The machine slowed down by four in round 1: within a round that cancels out, across rounds it would not.
    cell = [
        sample("articdbm", round_=0, cpu_us=5.0), sample("haproxy", round_=0, cpu_us=10.0),
        sample("articdbm", round_=1, cpu_us=24.0), sample("haproxy", round_=1, cpu_us=40.0),
        sample("articdbm", round_=2, cpu_us=4.0), sample("haproxy", round_=2, cpu_us=10.0),
    ]  # fmt: skip
    assert figures.ratio(cell, "articdbm", "haproxy", CPU) == Spread(0.5, 0.4, 0.6, 3)


def test_rounds_in_which_one_of_them_is_missing_do_not_count() -> None:
    cell = [
        sample("articdbm", round_=0, cpu_us=5.0), sample("haproxy", round_=1, cpu_us=10.0),
        sample("articdbm", round_=2, cpu_us=9.0), sample("haproxy", round_=2, cpu_us=10.0),
    ]  # fmt: skip
    assert figures.ratio(cell, "articdbm", "haproxy", CPU) == Spread(0.9, 0.9, 0.9, 1)


@pytest.mark.parametrize(
    "cell",
    [
        [],
        [sample("articdbm", cpu_us=5.0)],
        [sample("articdbm", cpu_us=5.0), sample("haproxy", cpu_us=10.0, statements=0)],
        [sample("articdbm", cpu_us=5.0), sample("haproxy", cpu_us=None)],
    ],
)
def test_without_a_figure_of_both_there_is_no_ratio(cell: list[Sample]) -> None:
    assert figures.ratio(cell, "articdbm", "haproxy", CPU) is None


def test_throughput_is_statements_by_the_seconds_they_took() -> None:
    cell = [sample("articdbm", statements=3000, seconds=1.5), sample("direct", statements=1000, seconds=0.25)]
    assert figures.level(cell, "articdbm", THROUGHPUT) == Spread(2000, 2000, 2000, 1)
    assert figures.ratio(cell, "articdbm", "direct", THROUGHPUT) == Spread(0.5, 0.5, 0.5, 1)


def test_p99_is_the_clients_own() -> None:
    cell = [sample("articdbm", p99=900.0), sample("haproxy", p99=1800.0), sample("direct")]
    assert figures.ratio(cell, "articdbm", "haproxy", P99) == Spread(0.5, 0.5, 0.5, 1)
    assert figures.level(cell, "direct", P99) is None


def test_a_cell_holds_its_own_samples_only() -> None:
    mine = sample("articdbm", scenario="stub", mode="simple", clients=8)
    others = [
        sample("articdbm", scenario="postgres", mode="simple", clients=8),
        sample("articdbm", scenario="stub", mode="prepared", clients=8),
        sample("articdbm", scenario="stub", mode="simple", clients=64),
    ]
    assert figures.cell([*others, mine], "stub", "simple", 8) == [mine]


def test_an_unknown_figure_is_refused() -> None:
    with pytest.raises(ValueError, match="'speed'"):
        figures.value(sample("articdbm"), "speed")


@given(some.lists(some.floats(0.1, 1e6), min_size=1, max_size=9))
def test_a_spread_encloses_its_median(values: list[float]) -> None:
    found = figures.spread(values)
    assert found is not None
    assert found.low <= found.median <= found.high
    assert found.rounds == len(values)
    assert sum(one <= found.median for one in values) * 2 >= len(values)
    assert sum(one >= found.median for one in values) * 2 >= len(values)
