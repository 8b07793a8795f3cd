"""The command: what to measure, starting what that needs, and where the findings go."""

import argparse
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from benchmarks import backends, bars, generator, machine, report
from benchmarks.backends import Backend
from benchmarks.bench import Bench, Scenario
from benchmarks.contestants import scram_verifier
from benchmarks.generator import Account
from benchmarks.records import Findings, Machine, Run, Settings
from benchmarks.scenarios import ALL
from tests.servers import postgres

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"
PROGRAMS = ("direct", "articdbm", "pgbouncer", "haproxy")
MODES = ("simple", "extended", "prepared")
CLIENTS = (1, 8, 64, 512)
USER = "app"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 it ran; 1 with --strict, when a bar is not met; 2 it could not begin."""
    options = _parser().parse_args(arguments)
    settings = _settings(options)
    talk = sys.stderr if options.json else sys.stdout

    def say(text: str) -> None:
        print(text, file=talk, flush=True)

    try:
        run = measure(settings, [one for one in ALL if one.name in settings.scenarios], say)
    except (generator.GeneratorError, postgres.NoServerError) as error:
        say(f"benchmarks: {error}")
        return 2
    verdicts = bars.judge(bars.read(bars.FILE.read_bytes()), run.findings)
    whole = _is_whole(settings)
    # Of a part, what it says nothing about is not worth a table.
    page = report.markdown(run, verdicts if whole else [one for one in verdicts if one.found])
    written = msgspec.json.format(msgspec.json.encode(run), indent=1)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / ("latest.json" if whole else "partial.json")).write_bytes(written + b"\n")
    if whole:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page)
    sys.stdout.write(f"{written.decode()}\n" if options.json else f"\n{page}\n")
    sys.stdout.flush()
    say("written to benchmarks/results/latest.json and docs/benchmarks.md" if whole
        else "a part of the whole: written to benchmarks/results/partial.json only")  # fmt: skip
    return 1 if options.strict and not all(one.met for one in verdicts) else 0


def measure(settings: Settings, scenarios: Sequence[Scenario], say: Callable[[str], None]) -> Run:
    """Start what the scenarios need and ask them one after the other."""
    began, clock, load = datetime.now(UTC), time.monotonic(), os.getloadavg()[0]
    _raise_descriptor_limit()
    plan = machine.plan(machine.cores())
    account = Account(USER, postgres.USERS[USER])
    built = generator.build(account, plan.generator)
    findings = Findings()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="articdbm-bench-")))
        # PgBouncer reads its configuration as another user.
        directory.chmod(0o755)
        bench = Bench(settings, built, plan, directory, say)
        started: dict[str, Backend] = {}
        for scenario in scenarios:
            if scenario.backend not in started:
                say(f"starting: {scenario.backend}")
                started[scenario.backend] = stack.enter_context(
                    backends.stub(built, plan.server)
                    if scenario.backend == "stub"
                    else backends.real(USER, scram_verifier(account.password), plan.server)
                )
            say(f"== {scenario.title}")
            findings += scenario.run(bench, started[scenario.backend])
    return Run(
        taken=began.isoformat(timespec="seconds"),
        wall_seconds=round(time.monotonic() - clock, 1),
        settings=settings,
        machine=_machine(plan, load),
        findings=findings,
    )


def _parser() -> argparse.ArgumentParser:
    names = [one.name for one in ALL]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--full", action="store_true", help="more and longer rounds")
    parser.add_argument(
        "--only", type=_some(names), default=names, metavar="A,B", help=f"of {', '.join(names)}"
    )
    parser.add_argument(
        "--contestants",
        type=_some(PROGRAMS),
        default=list(PROGRAMS),
        metavar="A,B",
        help=f"of {', '.join(PROGRAMS)}",
    )
    parser.add_argument(
        "--modes", type=_some(MODES), default=list(MODES), metavar="A,B", help=f"of {', '.join(MODES)}"
    )
    parser.add_argument(
        "--clients", type=_numbers, default=list(CLIENTS), metavar="N,M", help="numbers of clients"
    )
    parser.add_argument("--rounds", type=int, help="3, or 9 with --full")
    parser.add_argument("--seconds", type=float, help="0.5 a measurement, or 2 with --full")
    parser.add_argument("--idle-clients", type=int, default=10_000, help="how many are held idle")
    parser.add_argument("--logins", type=int, default=10_000, help="how many make the storm")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a bar is not met")
    parser.add_argument(
        "--json", action="store_true", help="the findings on standard output, progress on the other"
    )
    return parser


def _settings(options: argparse.Namespace) -> Settings:
    seconds = options.seconds or (2.0 if options.full else 0.5)
    return Settings(
        rounds=options.rounds or (9 if options.full else 3),
        seconds=seconds,
        warmup=min(0.5, seconds / 4),
        clients=options.clients,
        modes=options.modes,
        contestants=options.contestants,
        scenarios=options.only,
        idle_clients=options.idle_clients,
        logins=options.logins,
    )


def _is_whole(settings: Settings) -> bool:
    """Whether the page may rest on it: nothing was left out."""
    return (
        settings.scenarios == [one.name for one in ALL]
        and settings.contestants == list(PROGRAMS)
        and settings.modes == list(MODES)
        and settings.clients == list(CLIENTS)
        and (settings.idle_clients, settings.logins) == (10_000, 10_000)
    )


def _some(known: Sequence[str]) -> Callable[[str], list[str]]:
    """Some of these names, separated by commas, in the order known here."""

    def parse(text: str) -> list[str]:
        wanted = text.split(",")
        unknown = [name for name in wanted if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: there are {', '.join(known)}")
        return [name for name in known if name in wanted]

    return parse


def _numbers(text: str) -> list[int]:
    numbers = sorted({int(part) for part in text.split(",")})
    if numbers[0] < 1:
        raise argparse.ArgumentTypeError("at least one client")
    return numbers


def _machine(plan: machine.Plan, load_before: float) -> Machine:
    return Machine(
        processor=machine.processor(),
        cores=len(machine.cores()),
        kernel=platform.release(),
        pinning=plan.described(),
        load_before=round(load_before, 2),
        load_after=round(os.getloadavg()[0], 2),
        versions={
            "Python": platform.python_version(),
            "PostgreSQL": machine.version(str(postgres.from_apt().directory / "postgres"), "--version"),
            "PgBouncer": machine.version("pgbouncer", "--version"),
            "HAProxy": machine.version("haproxy", "-v"),
        },
    )


def _raise_descriptor_limit() -> None:
    """All that we may have, for us and what we start."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
