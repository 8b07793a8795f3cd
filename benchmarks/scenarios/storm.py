"""What a storm of log-ins does: thousands, SCRAM-SHA-256, as fast as they are answered, each leaving at once."""

from benchmarks import measure
from benchmarks.backends import Backend
from benchmarks.bench import Bench, Scenario, line_up
from benchmarks.generator import GeneratorError
from benchmarks.records import Absence, Findings, Storm

CONTESTANTS = ("articdbm", "pgbouncer")
CONCURRENCY = 128
PATIENCE = 180


def _run(bench: Bench, backend: Backend) -> Findings:
    storms: list[Storm] = []
    absences: list[Absence] = []
    asked = bench.settings.logins
    with line_up(bench, "storm", CONTESTANTS, backend) as line:
        for running in line.running:
            name = running.contestant.name
            if running.process is None:
                continue
            bench.say(f"storm: {name}, {asked} log-ins, {CONCURRENCY} at a time")
            try:
                before = measure.cpu_seconds(running.process)
                report = bench.generator.storm(running.port, backend.database, asked, CONCURRENCY, PATIENCE)
                spent = measure.cpu_seconds(running.process) - before
            except (GeneratorError, OSError) as error:
                absences.append(Absence("storm", name, str(error), failed=True, clients=asked))
                continue
            bench.say(
                f"  {report.logins / report.seconds:.0f} log-ins a second, {report.errors} errors {report.kinds or ''}"
            )
            storms.append(
                Storm(
                    contestant=name,
                    asked=asked,
                    logins=report.logins,
                    seconds=report.seconds,
                    errors=report.errors,
                    kinds=report.kinds,
                    latency_us=report.latency_us,
                    cpu_us=spent * 1e6 / max(1, report.logins),
                )
            )
    return Findings(absences=line.absences + absences, storms=storms)


SCENARIO = Scenario("storm", "Log-in storm", "postgres", _run)
