"""The system's tables, pg_catalog and information_schema: which there are, and how they come to be asked.

A table is filled, as a temporary table, when a statement names it; the ordinary translator does the rest. What rows it
has, the rooms beside it say.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence

from proxy.answers.sqlite import information, pg_catalog
from proxy.answers.sqlite.facts import Facts, Rows
from proxy.answers.sqlite.kinds import REGS, affinity, quoted
from proxy.answers.sqlite.queries import Out

TABLES: Mapping[str, tuple[Out, ...]] = {**pg_catalog.TABLES, **information.TABLES}
_ROWS: Mapping[str, Callable[[Facts], Rows]] = {**pg_catalog.ROWS, **information.ROWS}
NAMES: Mapping[int, str] = {pg_catalog.system_oid(TABLES, name): name for name in TABLES}
OIDS: Mapping[str, int] = {name: oid for oid, name in NAMES.items()}


def fill(connection: sqlite3.Connection, names: Sequence[str], facts: Facts) -> None:
    """Make these tables what they are now."""
    for name in names:
        columns = TABLES[name]
        declared = ", ".join(f"{quoted(one.name)} {_affinity(one.kind.oid)}" for one in columns)
        connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS {quoted(name)} ({declared}) STRICT")
        connection.execute(f"DELETE FROM temp.{quoted(name)}")
        made = _ROWS.get(name)
        if made is None:
            continue
        marks = ", ".join("?" * len(columns))
        width = len(columns)
        rows = [tuple(_plain(one) for one in row) + (None,) * (width - len(row)) for row in made(facts)]
        connection.executemany(f"INSERT INTO temp.{quoted(name)} VALUES ({marks})", rows)


def _affinity(oid: int) -> str:
    return "INT" if oid in REGS else affinity(oid)


def _plain(value: object) -> object:
    return json.dumps(value, separators=(",", ":")) if isinstance(value, list) else value
