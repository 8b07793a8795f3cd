"""The row that a constraint forbids, which PostgreSQL shows and SQLite does not.

The statement, undone already, is run once more under a trigger that says of each row what is in it: the last one is it.
"""

import re
import sqlite3
from collections.abc import Sequence
from datetime import tzinfo

from protocols.postgres.datatypes import Value
from proxy.answers.sqlite.catalogue import Catalogue, Relation
from proxy.answers.sqlite.kinds import quoted
from proxy.answers.sqlite.registered import array_out

_MOST = 64
"""Bytes that are shown of a value."""


def relation(said: str, catalogue: Catalogue) -> Relation | None:
    """Whose row SQLite refused: for what must not be null, or a check."""
    found = re.fullmatch(r"(NOT NULL|CHECK) constraint failed: (.*)", said, re.DOTALL)
    if found is None:
        return None
    tables = [one for one in catalogue.relations if one.kind == "r"]
    if found[1] == "CHECK":
        return next((one for one in tables if any(each.name == found[2] for each in one.constraints)), None)
    place = found[2].rpartition(".")[0]
    return next((one for one in tables if one.place == place), None)


def row(
    connection: sqlite3.Connection, table: Relation, sql: str, given: Sequence[Value], zone: tzinfo
) -> str:
    """The line beneath the message; nothing where it cannot be had."""
    seen: tuple[Value, ...] = ()

    def see(*values: Value) -> None:
        nonlocal seen
        seen = values

    connection.create_function("pg_failing", -1, see)
    columns = ", ".join(f"NEW.{quoted(one.name)}" for one in table.fields)
    try:
        connection.execute("SAVEPOINT failing")
        try:
            for event in ("INSERT", "UPDATE"):
                connection.execute(
                    f"CREATE TEMP TRIGGER failing_{event} BEFORE {event} ON main.{quoted(table.place)} "
                    f"BEGIN SELECT pg_failing({columns}); END"
                )
            connection.execute(sql, given)
        finally:
            connection.execute("ROLLBACK TO failing")
            connection.execute("RELEASE failing")
    except sqlite3.IntegrityError:
        if seen:
            values = (_shown(field.oid, value, zone) for field, value in zip(table.fields, seen, strict=True))
            return f"Failing row contains ({', '.join(values)})."
    except sqlite3.Error:
        pass
    return ""


def _shown(oid: int, value: Value, zone: tzinfo) -> str:
    if value is None:
        return "null"
    text = array_out(oid, value, zone)
    data = text.encode()
    return text if len(data) <= _MOST else data[:_MOST].decode(errors="ignore") + "..."
