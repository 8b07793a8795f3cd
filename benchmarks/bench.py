"""What every scenario works with: the settings, the generator, and the contestants lined up in front of a server.

A contestant that will not start, dies, or refuses its clients is recorded as a failure and the others go on.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import contestants
from benchmarks.backends import Backend
from benchmarks.contestants import CATALOGUE, Contestant, Running, StartError
from benchmarks.generator import ROOT, Generator, GeneratorError, Load, RunReport
from benchmarks.machine import Plan
from benchmarks.records import Absence, Findings, Sample, Settings


@dataclass(frozen=True)
class Bench:
    """One run's equipment."""

    settings: Settings
    generator: Generator
    plan: Plan
    directory: Path
    say: Callable[[str], None]

    def cells(self, modes: Sequence[str], clients: Sequence[int]) -> "list[Cell]":
        """Those of the cells that were asked for."""
        return [
            Cell(mode, number)
            for mode in modes
            for number in clients
            if mode in self.settings.modes and number in self.settings.clients
        ]

    def chosen(self, names: Sequence[str]) -> list[Contestant]:
        """Those of the contestants that were asked for: a variant comes with the one it is a variant of."""
        return [CATALOGUE[name] for name in names if CATALOGUE[name].kind in self.settings.contestants]


@dataclass(frozen=True)
class LineUp:
    """Contestants that run side by side, and what became of those that do not."""

    running: list[Running] = field(default_factory=list[Running])
    absences: list[Absence] = field(default_factory=list[Absence])


@dataclass(frozen=True)
class Cell:
    """What is compared: so many clients, speaking so."""

    mode: str
    clients: int


@dataclass(frozen=True)
class Place:
    """A cell in a round of a scenario."""

    scenario: str
    cell: Cell
    turn: int


@dataclass(frozen=True)
class Scenario:
    """A question, the server it is asked in front of, and how it is answered."""

    name: str
    title: str
    backend: str
    run: Callable[["Bench", Backend], Findings]


Ask = Callable[["Bench", Running, Cell, Sequence[int]], RunReport]
"""Measures a cell of one contestant, and the CPU time of these processes meanwhile."""


def statements(bench: Bench, running: Running, cell: Cell, watched: Sequence[int]) -> RunReport:
    """The server's statement in a closed loop."""
    load = Load(
        cell.mode, cell.clients, bench.settings.seconds, bench.settings.warmup, running.backend.script
    )
    return bench.generator.run(running.port, running.database(cell.mode), load, watched, running.authority)


@contextmanager
def line_up(bench: Bench, scenario: str, names: Sequence[str], backend: Backend) -> Iterator[LineUp]:
    """The chosen contestants, all up at once. What is found out when they stop is in `absences` after the block."""
    line = LineUp()
    with ExitStack() as stack:
        for contestant in bench.chosen(names):
            stack.enter_context(_entered(bench, scenario, contestant, backend, line))
        yield line


@contextmanager
def _entered(
    bench: Bench, scenario: str, contestant: Contestant, backend: Backend, line: LineUp
) -> Iterator[None]:
    up = False
    try:
        account = bench.generator.account
        with contestants.start(contestant, backend, account, bench.directory, bench.plan.proxies) as running:
            line.running.append(running)
            up = True
            yield
    except StartError as error:
        bench.say(f"  {contestant.name}: {error}")
        # The page is read elsewhere: where this checkout lies says nothing there.
        reason = str(error).replace(f"{ROOT}/", "")
        line.absences.append(Absence(scenario, contestant.name, reason, failed=True))
        if not up:
            yield


def rounds(
    bench: Bench,
    backend: Backend,
    scenario: str,
    names: Sequence[str],
    cells: Sequence[Cell],
    ask: Ask = statements,
) -> Findings:
    """Every cell in every round: in each, the contestants one right after the other, another one first each time."""
    samples: list[Sample] = []
    absences: list[Absence] = []
    with line_up(bench, scenario, names, backend) as line:
        for turn in range(bench.settings.rounds):
            bench.say(f"{scenario}: round {turn + 1} of {bench.settings.rounds}")
            for cell in cells:
                first = turn % max(1, len(line.running))
                here: list[Sample] = []
                for running in line.running[first:] + line.running[:first]:
                    found = _measure(bench, Place(scenario, cell, turn), running, ask)
                    if isinstance(found, Sample):
                        here.append(found)
                    elif found not in absences:
                        absences.append(found)
                samples += here
                bench.say(f"  {cell.mode}, {cell.clients} clients: {' | '.join(map(_line, here))}")
    return Findings(samples, line.absences + absences)


def _measure(bench: Bench, place: Place, running: Running, ask: Ask) -> Sample | Absence:
    name, (mode, clients) = running.contestant.name, (place.cell.mode, place.cell.clients)
    obstacle = running.obstacle(mode, clients)
    if obstacle is not None:
        return Absence(place.scenario, name, obstacle, failed=False, mode=mode, clients=clients)
    try:
        watched = running.watched()
        report = ask(bench, running, place.cell, watched)
    except (GeneratorError, OSError) as error:
        return Absence(place.scenario, name, str(error), failed=True, mode=mode, clients=clients)
    count = max(1, report.statements)
    return Sample(
        scenario=place.scenario,
        mode=mode,
        clients=clients,
        contestant=name,
        round=place.turn,
        statements=report.statements,
        seconds=report.seconds,
        errors=report.errors,
        wrong=report.wrong,
        kinds=report.kinds,
        latency_us=report.latency_us,
        cpu_us=report.cpu_ns / 1000 / count if watched and report.statements else None,
        generator_us=report.own_cpu_ns / 1000 / count,
        tls=report.tls,
        bytes=report.bytes,
    )


def _line(one: Sample) -> str:
    cost = "" if one.cpu_us is None else f" {one.cpu_us:.1f} µs"
    speed = f"{one.mib / one.seconds:.0f} MiB/s" if one.bytes else f"{one.throughput / 1000:.1f}k/s"
    faults = f" {one.errors} errors, {one.wrong} wrong rows!" if one.errors or one.wrong else ""
    return f"{one.contestant}{cost} {speed}{faults}"
