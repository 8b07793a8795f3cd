"""The bars: that the file is sound, and that a verdict is met for the right reason only."""

import pytest

from benchmarks import bars, report
from benchmarks.bars import Bar, Verdict
from benchmarks.contestants import CATALOGUE
from benchmarks.records import Absence, Findings, Holding, Storm
from benchmarks.scenarios import ALL
from tests.benchmarks.samples import sample

CPU_BAR = Bar(
    title="CPU", figure="cpu", contestant="articdbm", against="haproxy", scenarios=("stub",), modes=("simple",),
    clients=8, at_most=0.8,
)  # fmt: skip


def verdicts(bar: Bar, findings: Findings) -> list[Verdict]:
    return bars.judge([bar], findings)


def cpu(ours: float, theirs: float, clients: int = 8) -> Findings:
    return Findings(
        [sample("articdbm", cpu_us=ours, clients=clients), sample("haproxy", cpu_us=theirs, clients=clients)]
    )


@pytest.mark.parametrize(("ours", "met"), [(7.9, True), (8.0, True), (8.1, False)])
def test_at_most(ours: float, met: bool) -> None:
    [verdict] = verdicts(CPU_BAR, cpu(ours, 10.0))
    assert verdict.met is met
    assert verdict.word == ("met" if met else "not met")


@pytest.mark.parametrize(("ours", "met"), [(950, True), (949, False)])
def test_at_least(ours: int, met: bool) -> None:
    bar = Bar(
        title="T", figure="throughput", contestant="articdbm", against="haproxy", scenarios=("stub",),
        modes=("simple",), clients=8, at_least=0.95,
    )  # fmt: skip
    [verdict] = verdicts(
        bar, Findings([sample("articdbm", statements=ours), sample("haproxy", statements=1000)])
    )
    assert verdict.met is met


def test_what_was_not_measured_is_not_met() -> None:
    [verdict] = verdicts(CPU_BAR, cpu(1.0, 10.0, clients=64))
    assert not verdict.met
    assert verdict.word == "not measured"


def test_every_mode_and_scenario_is_judged_by_itself() -> None:
    bar = Bar(
        title="CPU", figure="cpu", contestant="articdbm", against="haproxy", scenarios=("stub", "postgres"),
        modes=("simple", "prepared"), clients=8, at_most=1,
    )  # fmt: skip
    found = [
        sample(name, scenario=scenario, mode=mode, cpu_us=2.0 if slow and name == "articdbm" else 1.0)
        for scenario, mode, slow in (
            ("stub", "simple", False),
            ("stub", "prepared", True),
            ("postgres", "simple", False),
        )
        for name in ("articdbm", "haproxy")
    ]
    said = [(one.where, one.word) for one in verdicts(bar, Findings(found))]
    assert said == [
        ("stub, simple", "met"),
        ("stub, prepared", "not met"),
        ("postgres, simple", "met"),
        ("postgres, prepared", "not measured"),
    ]


@pytest.mark.parametrize(
    ("clients", "after", "errors", "word"),
    [
        (100, 409_600, 0, "met"),
        (100, 409_601, 0, "not met"),
        (99, 0, 0, "not measured"),  # fewer clients than the bar speaks of
        (100, 0, 1, "not measured"),  # and clients that did not come in cost nothing
    ],
)
def test_idle_bytes_are_those_above_what_was_there_before(
    clients: int, after: int, errors: int, word: str
) -> None:
    bar = Bar(
        title="M", figure="idle_bytes", contestant="articdbm", stage="logged in", clients=100, at_most=4096
    )
    holding = Holding("articdbm", "logged in", clients, 5_000_000, 5_000_000 + after, errors, {})
    [verdict] = verdicts(bar, Findings(holdings=[holding]))
    assert verdict.word == word


@pytest.mark.parametrize(
    ("asked", "errors", "word"), [(100, 0, "met"), (100, 1, "not met"), (50, 0, "not measured")]
)
def test_a_storm_may_not_have_an_error(asked: int, errors: int, word: str) -> None:
    bar = Bar(title="S", figure="login_errors", contestant="articdbm", clients=100, at_most=0)
    storm = Storm("articdbm", asked, asked - errors, 1.0, errors, {}, {}, 1.0)
    [verdict] = verdicts(bar, Findings(storms=[storm]))
    assert verdict.word == word


def test_an_error_of_one_round_is_not_hidden_by_the_median_of_all() -> None:
    bar = Bar(title="S", figure="login_errors", contestant="articdbm", clients=100, at_most=0)
    storms = [
        Storm("articdbm", 100, 100 - errors, 1.0, errors, {}, {}, 1.0, turn)
        for turn, errors in enumerate((0, 1, 0))
    ]
    [verdict] = verdicts(bar, Findings(storms=storms))
    assert verdict.found is not None
    assert (verdict.word, verdict.found.median) == ("not met", 1)


@pytest.mark.parametrize(("cpu_us", "word"), [(500.0, "met"), (501.0, "not met")])
def test_log_ins_are_counted_for_a_core(cpu_us: float, word: str) -> None:
    bar = Bar(title="L", figure="logins", contestant="articdbm", clients=100, at_least=2000)
    # However long they took: that depends on how many cores there were.
    storm = Storm("articdbm", 100, 100, 99.0, 0, {}, {}, cpu_us)
    other = Storm("articdbm", 50, 50, 1.0, 0, {}, {}, 1.0)
    [verdict] = verdicts(bar, Findings(storms=[storm, other]))
    assert verdict.word == word


def test_faults_are_counted_in_every_variant_and_in_nobody_else() -> None:
    bar = Bar(title="F", figure="faults", contestant="articdbm", at_most=0)

    def faults(findings: Findings) -> float | None:
        [verdict] = verdicts(bar, findings)
        return verdict.found.median if verdict.found else None

    good = sample("articdbm")
    assert faults(Findings()) is None
    assert faults(Findings([good, sample("haproxy", errors=9)])) == 0
    assert faults(Findings([good, sample("articdbm-2", wrong=2, errors=3)])) == 5
    assert faults(Findings([good], [Absence("stub", "articdbm-pool-4", "died", failed=True)])) == 1
    assert faults(Findings([good], [Absence("stub", "articdbm", "too many", failed=False)])) == 0


def test_the_file_speaks_of_scenarios_and_contestants_there_are() -> None:
    known = bars.read(bars.FILE.read_bytes())
    assert known
    for bar in known:
        assert set(bar.scenarios) <= {one.name for one in ALL} & set(report.TITLES)
        assert bar.contestant in CATALOGUE
        assert not bar.against or bar.against in CATALOGUE


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('figure = "cpu"', "at_most or at_least"),
        ('figure = "cpu"\nat_most = 1\nat_least = 1', "at_most or at_least"),
        ('figure = "luck"\nat_most = 1', "luck"),
        ('figure = "cpu"\nat_most = 1\nat_mots = 1', "at_mots"),
    ],
)
def test_a_broken_bar_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        bars.read(f'[[bars]]\ntitle = "t"\ncontestant = "articdbm"\n{text}\n'.encode())
