"""The bars of `bars.toml`, and the verdict of a run on each. What was not measured is not met."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import Struct

from benchmarks import figures
from benchmarks.figures import Spread
from benchmarks.records import Findings

FILE = Path(__file__).parent / "bars.toml"
IDLE_BYTES = "idle_bytes"
LOGINS = "logins"
LOGIN_ERRORS = "login_errors"
FAULTS = "faults"
RATIOS = (figures.CPU, figures.THROUGHPUT, figures.P99)


class Bar(Struct, frozen=True, forbid_unknown_fields=True):
    """One bar as the file has it."""

    title: str
    figure: str
    contestant: str
    against: str = ""
    scenarios: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    clients: int = 0
    stage: str = ""
    at_most: float | None = None
    at_least: float | None = None

    def __post_init__(self) -> None:
        if (self.at_most is None) == (self.at_least is None):
            raise ValueError(f"the bar {self.title!r} needs at_most or at_least, and not both")
        if self.figure not in (*RATIOS, IDLE_BYTES, LOGINS, LOGIN_ERRORS, FAULTS):
            raise ValueError(f"the bar {self.title!r} is about {self.figure!r}, which nothing measures")


@dataclass(frozen=True)
class Verdict:
    """What a run says to a bar in one place of it."""

    bar: Bar
    where: str
    found: Spread | None

    @property
    def met(self) -> bool:
        """Whether the figure is there and on the right side."""
        if self.found is None:
            return False
        if self.bar.at_most is not None:
            return self.found.median <= self.bar.at_most
        return self.bar.at_least is not None and self.found.median >= self.bar.at_least

    @property
    def word(self) -> str:
        """For people."""
        if self.found is None:
            return "not measured"
        return "met" if self.met else "not met"


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    bars: list[Bar]


def read(text: bytes) -> list[Bar]:
    """The bars of a TOML file; a ValueError says what is wrong with it."""
    return msgspec.toml.decode(text, type=_File).bars


def judge(bars: Sequence[Bar], findings: Findings) -> list[Verdict]:
    """Every bar in every place it speaks of, in the file's order."""
    return [verdict for bar in bars for verdict in _judge(bar, findings)]


def _judge(bar: Bar, findings: Findings) -> Iterator[Verdict]:
    if bar.figure in RATIOS:
        for scenario in bar.scenarios:
            for mode in bar.modes:
                samples = figures.cell(findings.samples, scenario, mode, bar.clients)
                found = figures.ratio(samples, bar.contestant, bar.against, bar.figure)
                yield Verdict(bar, f"{scenario}, {mode}", found)
    elif bar.figure == IDLE_BYTES:
        holdings = [
            one for one in findings.holdings
            if (one.contestant, one.stage, one.clients, one.errors) == (bar.contestant, bar.stage, bar.clients, 0)
        ]  # fmt: skip
        yield Verdict(bar, "idle", figures.spread(one.each for one in holdings))
    elif bar.figure in (LOGINS, LOGIN_ERRORS):
        storms = [
            one for one in findings.storms if (one.contestant, one.asked) == (bar.contestant, bar.clients)
        ]
        if bar.figure == LOGINS:
            rates = (1e6 / one.cpu_us for one in storms if one.logins and one.cpu_us)
            yield Verdict(bar, "storm", figures.spread(rates))
        else:
            # Of all rounds together: the median of some would hide one's.
            errors = [float(sum(one.errors for one in storms))] if storms else []
            yield Verdict(bar, "storm", figures.spread(errors))
    else:
        yield Verdict(bar, "all scenarios", _faults(findings, bar.contestant))


def _faults(findings: Findings, contestant: str) -> Spread | None:
    """What went wrong with a contestant in any of its variants (`name`, `name-…`), anywhere; None: it never ran."""

    def one_of(name: str) -> bool:
        return name == contestant or name.startswith(f"{contestant}-")

    counts = [one.wrong + one.errors for one in findings.samples if one_of(one.contestant)]
    counts += [one.errors for one in findings.holdings if one_of(one.contestant)]
    counts += [one.errors for one in findings.storms if one_of(one.contestant)]
    counts += [1 for one in findings.absences if one.failed and one_of(one.contestant)]
    return figures.spread([float(sum(counts))]) if counts else None
