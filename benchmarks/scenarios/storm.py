"""What a storm of log-ins does: thousands, SCRAM-SHA-256, as fast as they are answered, each leaving at once.

Proxies know the password, or what a server stores of it. PgBouncer derives the keys of a password anew for each log-in,
thousands of hashes, so it gets a part of the log-ins there. The generator derives its own once a storm.
"""

from benchmarks import measure
from benchmarks.backends import Backend
from benchmarks.bench import Bench, Scenario, line_up
from benchmarks.contestants import Running
from benchmarks.generator import GeneratorError
from benchmarks.records import Absence, Findings, Storm

CONTESTANTS = ("articdbm", "articdbm-verifier", "pgbouncer", "pgbouncer-password")
SLOW = "pgbouncer-password"
SHARE_OF_SLOW = 20
CONCURRENCY = 128
PATIENCE = 180


def _run(bench: Bench, backend: Backend) -> Findings:
    storms: list[Storm] = []
    absences: list[Absence] = []
    with line_up(bench, "storm", CONTESTANTS, backend) as line:
        for turn in range(bench.settings.rounds):
            bench.say(f"storm: round {turn + 1} of {bench.settings.rounds}, {CONCURRENCY} at a time")
            first = turn % max(1, len(line.running))
            for running in line.running[first:] + line.running[:first]:
                found = _storm(bench, running, turn)
                if isinstance(found, Storm):
                    storms.append(found)
                    bench.say(f"  {_line(found)}")
                elif found not in absences:
                    absences.append(found)
    return Findings(absences=line.absences + absences, storms=storms)


def _storm(bench: Bench, running: Running, turn: int) -> Storm | Absence:
    name, asked = running.contestant.name, bench.settings.logins
    if name == SLOW:
        asked = max(1, asked // SHARE_OF_SLOW)
    if running.process is None:
        return Absence("storm", name, "no process whose CPU time could be read", failed=False, clients=asked)
    try:
        before = measure.cpu_seconds(running.process)
        report = bench.generator.storm(running.port, running.backend.database, asked, CONCURRENCY, PATIENCE)
        spent = measure.cpu_seconds(running.process) - before
    except (GeneratorError, OSError) as error:
        return Absence("storm", name, str(error), failed=True, clients=asked)
    return Storm(
        contestant=name,
        asked=asked,
        logins=report.logins,
        seconds=report.seconds,
        errors=report.errors,
        kinds=report.kinds,
        latency_us=report.latency_us,
        cpu_us=spent * 1e6 / max(1, report.logins),
        round=turn,
    )


def _line(one: Storm) -> str:
    rate = one.logins / one.seconds if one.seconds else 0
    faults = f"{one.errors} errors {one.kinds or ''}"
    return f"{one.contestant}: {rate:.0f} log-ins a second, {one.cpu_us:.0f} µs each, {faults}"


SCENARIO = Scenario("storm", "Log-in storm", "postgres", _run)
