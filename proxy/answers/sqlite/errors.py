"""SQLite's errors as PostgreSQL's."""

import re
import sqlite3

from proxy.answers.executor import StoreError
from proxy.answers.sqlite.catalogue import Catalogue, Relation

_TEXTS = (
    ("interrupted", "57014", "canceling statement due to user request"),
    ("database or disk is full", "53100", "could not write: the disk is full"),
    ("disk I/O error", "58030", "could not read or write the file: an I/O error"),
    ("unable to open database file", "58030", "could not open the file"),
    ("database disk image is malformed", "XX001", "the file is damaged: SQLite cannot read it"),
    ("file is not a database", "XX001", "the file is no database of SQLite, or is damaged"),
    ("attempt to write a readonly database", "25006", "the file cannot be written"),
    ("string or blob too big", "54000", "a value is too large for SQLite"),
    ("Expression tree is too large", "54001", "the statement is nested too deeply for the embedded store"),
    ("parser stack overflow", "54001", "the statement is nested too deeply for the embedded store"),
    ("too many", "54000", "the statement is too large for SQLite"),
    ("out of memory", "53200", "out of memory"),
    ("recursive", "0A000", "the embedded store does not support this form of recursion"),
)


def translated(error: sqlite3.Error, catalogue: Catalogue | None = None) -> StoreError:
    said = str(error)
    name = getattr(error, "sqlite_errorname", "") or ""
    if isinstance(error, sqlite3.IntegrityError):
        return _violated(said, catalogue)
    if name == "SQLITE_BUSY_SNAPSHOT":
        return StoreError("40001", "could not serialize access due to concurrent update")
    if (
        name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
        or "database is locked" in said
        or "table is locked" in said
    ):
        return StoreError("55P03", "could not obtain the lock to write: another transaction holds it")
    for text, code, message in _TEXTS:
        if text in said:
            return StoreError(code, message)
    if isinstance(error, (sqlite3.OperationalError, sqlite3.ProgrammingError)):
        return StoreError("0A000", f"the embedded store cannot run this statement: {said}")
    return StoreError("XX000", "internal error: SQLite failed")


def _violated(said: str, catalogue: Catalogue | None) -> StoreError:
    unique = re.fullmatch(r"UNIQUE constraint failed: (.*)", said, re.DOTALL)
    if unique is not None:
        return _not_unique(unique[1], catalogue)
    missing = re.fullmatch(r"NOT NULL constraint failed: (.*)\.(.*)", said, re.DOTALL)
    if missing is not None:
        table, column = missing.groups()
        what = f'null value in column "{column}" of relation "{table}" violates not-null constraint'
        return StoreError("23502", what)
    check = re.fullmatch(r"CHECK constraint failed: (.*)", said, re.DOTALL)
    if check is not None:
        owner = next(
            (
                one.name
                for one in (catalogue.relations if catalogue else ())
                if any(c.name == check[1] for c in one.constraints)
            ),
            "",
        )
        return StoreError("23514", f'new row for relation "{owner}" violates check constraint "{check[1]}"')
    if "FOREIGN KEY" in said:
        return StoreError("23503", "insert, update or delete violates a foreign key constraint")
    return StoreError("23000", "a constraint is violated")


def _not_unique(said: str, catalogue: Catalogue | None) -> StoreError:
    """SQLite names the columns, or the index where it is on expressions."""
    name = "unknown"
    index = re.fullmatch(r"index '(.*)'", said)
    if index is not None:
        name = index[1].rpartition(".")[2]
    elif catalogue is not None:
        pairs = [one.rpartition(".") for one in said.split(", ")]
        place, columns = pairs[0][0], [one[2] for one in pairs]
        table = next((one for one in catalogue.relations if one.kind == "r" and one.place == place), None)
        name = _named(table, columns, catalogue) if table is not None else name
    return StoreError("23505", f'duplicate key value violates unique constraint "{name}"')


def _named(table: Relation, columns: list[str], catalogue: Catalogue) -> str:
    for one in table.constraints:
        if one.kind in "pu" and list(one.columns) == columns:
            return one.name
    return next(
        (one.name for one in catalogue.indexes(table.oid) if one.unique and list(one.keys) == columns),
        "unknown",
    )
