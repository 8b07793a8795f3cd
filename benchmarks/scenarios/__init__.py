"""The questions, a file each, in the order they are asked."""

from benchmarks.bench import Scenario
from benchmarks.scenarios import bulk, carriers, chain, idle, sharing, statements, storm, tls

ALL: tuple[Scenario, ...] = (
    statements.STUB, statements.POSTGRES, tls.SCENARIO, carriers.SCENARIO, chain.SCENARIO, sharing.SCENARIO, bulk.STUB,
    bulk.POSTGRES, idle.SCENARIO, storm.SCENARIO,
)  # fmt: skip
