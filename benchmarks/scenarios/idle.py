"""What an idle client holds: resident memory of the proxy before and with thousands of them, logged in without TLS.

Measured twice: when they have logged in, and when each has run a statement and fallen idle again. A short load goes
first, so that what the proxy allocates once is not charged to the clients. Sockets' memory is the kernel's and not in.
"""

import time

from benchmarks import measure
from benchmarks.backends import Backend
from benchmarks.bench import Bench, Scenario, line_up
from benchmarks.contestants import Running
from benchmarks.generator import GeneratorError, Load
from benchmarks.records import Absence, Findings, Holding

CONTESTANTS = ("articdbm", "pgbouncer", "haproxy")
PATIENCE = 120
WARM_CLIENTS = 8
WARM_SECONDS = 0.5
# What is given back when a peer falls idle is given back a moment later.
SETTLING = 2.0
STATEMENT = "SELECT aid, abalance FROM pgbench_accounts WHERE aid = 1"


def _run(bench: Bench, backend: Backend) -> Findings:
    holdings: list[Holding] = []
    absences: list[Absence] = []
    clients = bench.settings.idle_clients
    with line_up(bench, "idle", CONTESTANTS, backend) as line:
        for running in line.running:
            name = running.contestant.name
            obstacle = running.obstacle("simple", clients)
            if obstacle is not None or running.process is None:
                absences.append(Absence("idle", name, obstacle or "", failed=False, clients=clients))
                continue
            bench.say(f"idle: {name}, {clients} clients")
            try:
                found = _hold(bench, running, running.process, clients)
            except (GeneratorError, OSError) as error:
                absences.append(Absence("idle", name, str(error), failed=True, clients=clients))
                continue
            for one in found:
                bench.say(
                    f"  {one.stage}: {one.each:.0f} bytes a client, {one.errors} errors {one.kinds or ''}"
                )
            holdings += found
    return Findings(absences=line.absences + absences, holdings=holdings)


def _hold(bench: Bench, running: Running, process: int, clients: int) -> list[Holding]:
    name, database, script = running.contestant.name, running.backend.database, running.backend.script
    bench.generator.run(running.port, database, Load("simple", WARM_CLIENTS, WARM_SECONDS, 0.0, script), [])
    time.sleep(SETTLING)
    before = measure.resident(process)
    with bench.generator.idle(running.port, database, clients, PATIENCE, STATEMENT) as idle:
        time.sleep(SETTLING)
        up = idle.report
        found = [Holding(name, "logged in", clients, before, measure.resident(process), up.errors, up.kinds)]
        touched = idle.touch()
        time.sleep(SETTLING)
        after = measure.resident(process)
        found.append(
            Holding(name, "after a statement", clients, before, after, touched.errors, touched.kinds)
        )
    return found


SCENARIO = Scenario("idle", "Memory of idle clients", "postgres", _run)
