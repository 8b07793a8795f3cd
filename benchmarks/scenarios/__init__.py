"""The questions, a file each, in the order they are asked."""

from benchmarks.bench import Scenario
from benchmarks.scenarios import carriers, idle, sharing, statements, storm

ALL: tuple[Scenario, ...] = (
    statements.STUB, statements.POSTGRES, carriers.SCENARIO, sharing.SCENARIO, idle.SCENARIO, storm.SCENARIO,
)  # fmt: skip
