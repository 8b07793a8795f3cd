"""What TLS towards the clients costs for a statement: who can offer it to PostgreSQL's clients, before the stub server.

The generator offers AES-128-GCM alone in TLS 1.3, with X25519MLKEM768 and X25519 among the groups: what was agreed
stands beside the figures. Handshakes are over before anything is measured.
"""

from benchmarks.backends import Backend
from benchmarks.bench import Bench, Scenario, rounds
from benchmarks.records import Findings

CONTESTANTS = ("articdbm-tls", "pgbouncer-tls")
CLIENTS = (8, 64)


def _run(bench: Bench, backend: Backend) -> Findings:
    return rounds(bench, backend, "tls", CONTESTANTS, bench.cells(bench.settings.modes, CLIENTS))


SCENARIO = Scenario("tls", "Statements over TLS, stub server", "stub", _run)
