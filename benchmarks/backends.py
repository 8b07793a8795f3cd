"""What stands behind the contestants: a real PostgreSQL, or the stub server of the load generator."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks import machine
from benchmarks.generator import Generator, Script
from tests.servers import postgres

DATABASE = postgres.DATABASE
# Enough for the largest number of clients that come without a pooler, beside everyone's pools.
CAPACITY = 700
KEYS = 500_000
SETTINGS = {
    "max_connections": str(CAPACITY + 3),
    "shared_buffers": "256MB",
    "ssl": "off",
    "wal_level": "replica",
}

SINK = "bulk_sink"
# pgbench's table at scale 5, made in one statement.
TABLE = f"""
CREATE TABLE pgbench_accounts (aid int PRIMARY KEY, bid int, abalance int, filler char(84));
INSERT INTO pgbench_accounts SELECT aid, (aid - 1) / 100000 + 1, 0, '' FROM generate_series(1, {KEYS}) aid;
GRANT SELECT ON pgbench_accounts TO PUBLIC;
CREATE TABLE {SINK} (line text);
GRANT SELECT, INSERT ON {SINK} TO PUBLIC
"""


@dataclass(frozen=True)
class Backend:
    """A server that contestants stand in front of."""

    name: str
    port: int
    database: str
    capacity: int
    """How many connections it takes."""
    script: Script
    """What to ask it, and what has to come back."""


@contextmanager
def real(user: str, verifier: str, cores: frozenset[int] | None) -> Iterator[Backend]:
    """PostgreSQL with pgbench's table. Every row carries its key, so a neighbour's row would show."""
    with postgres.start(postgres.from_apt(), SETTINGS) as server:
        machine.pin(server.process.pid, cores)
        for statement in TABLE.split(";\n"):
            server.execute(statement)
        server.execute("VACUUM ANALYZE pgbench_accounts")
        server.execute(f"ALTER ROLE {user} PASSWORD '{verifier}'")
        script = Script("SELECT aid, abalance FROM pgbench_accounts WHERE aid = {random}", KEYS, "key")
        yield Backend("postgres", server.port, DATABASE, CAPACITY, script)


@contextmanager
def stub(generator: Generator, cores: frozenset[int] | None) -> Iterator[Backend]:
    """One canned row for every statement, from a program that costs next to nothing."""
    with generator.stub() as running:
        machine.pin(running.process.pid, cores)
        script = Script("SELECT abalance FROM pgbench_accounts WHERE aid = {random}", KEYS, "row")
        yield Backend("stub", running.port, DATABASE, 10**6, script)
