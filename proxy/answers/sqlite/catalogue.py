"""What a database holds, as PostgreSQL would say it: relations with their columns' true types, constraints, sequences.

It lies beside the data in tables of its own and changes in the same transactions. A Catalogue is one state of it,
read whole; it knows how to look names up and nothing of SQL.
"""

import sqlite3
from collections.abc import Sequence
from functools import cached_property

import msgspec

from proxy.answers.executor import StoreError

FORMAT = 1
FIRST_OID = 16_384
PUBLIC, SYSTEM, SCHEMA = "public", "pg_catalog", "information_schema"
OWN = "articdbm_"
"""How the names of our own tables begin."""

TABLES = f"""
CREATE TABLE IF NOT EXISTS {OWN}meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS {OWN}relations (
    oid INTEGER PRIMARY KEY, schema TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (schema, name)
) STRICT;
CREATE TABLE IF NOT EXISTS {OWN}sequences (
    oid INTEGER PRIMARY KEY, last INT, start INT NOT NULL, step INT NOT NULL, least INT NOT NULL, most INT NOT NULL,
    cycle INT NOT NULL
) STRICT;
"""


class Field(msgspec.Struct, frozen=True):
    """A column."""

    name: str
    oid: int
    typmod: int = -1
    required: bool = False
    default: str = ""
    """As SQL in PostgreSQL's words; empty: none."""
    identity: str = ""
    """`a`: always, `d`: by default."""
    sequence: int = 0
    """The sequence that gives its values."""
    number: int = 0


class Constraint(msgspec.Struct, frozen=True):
    """`p` primary key, `u` unique, `f` foreign key, `c` check."""

    name: str
    kind: str
    oid: int
    columns: tuple[str, ...] = ()
    other: int = 0
    """The table a foreign key refers to, and its columns."""
    others: tuple[str, ...] = ()
    on_update: str = ""
    on_delete: str = ""
    text: str = ""
    """Of a check, in PostgreSQL's words."""
    index: int = 0
    deferred: bool = False
    deferrable: bool = False


class Relation(msgspec.Struct, frozen=True):
    """`r` table, `v` view, `i` index, `S` sequence."""

    oid: int
    schema: str
    name: str
    kind: str
    fields: tuple[Field, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    table: int = 0
    """Of an index; of a sequence, whose column it belongs to."""
    keys: tuple[str, ...] = ()
    """Of an index, in PostgreSQL's words."""
    orders: tuple[int, ...] = ()
    """Of each key: 1, it goes downwards; 2, its NULLs are first. Empty: none."""
    classes: tuple[str, ...] = ()
    """Of each key its operator class, where one was named."""
    unique: bool = False
    text: str = ""
    """The view's query, or the index' condition."""

    @property
    def place(self) -> str:
        """Its name in SQLite."""
        return self.name if self.schema == PUBLIC else f"{self.schema}.{self.name}"

    def field(self, name: str) -> Field | None:
        return next((one for one in self.fields if one.name == name), None)


class Catalogue(msgspec.Struct, frozen=True, dict=True):
    """One state."""

    schemas: tuple[str, ...]
    relations: tuple[Relation, ...]

    @cached_property
    def _names(self) -> dict[tuple[str, str], Relation]:
        return {(one.schema, one.name): one for one in self.relations}

    @cached_property
    def _oids(self) -> dict[int, Relation]:
        return {one.oid: one for one in self.relations}

    def by_oid(self, oid: int) -> Relation | None:
        return self._oids.get(oid)

    def find(self, schema: str, name: str, path: Sequence[str]) -> Relation | None:
        for one in (schema,) if schema else path:
            found = self._names.get((one, name))
            if found is not None:
                return found
        return None

    def table(self, schema: str, name: str, path: Sequence[str]) -> Relation:
        """The table or view of this name. Raises StoreError."""
        found = self.find(schema, name, path)
        if found is not None and found.kind == "S":
            raise StoreError("0A000", "the embedded store does not support a sequence in FROM")
        if found is None or found.kind == "i":
            said = f"{schema}.{name}" if schema else name
            if schema and schema not in self.schemas:
                raise StoreError("42P01", f'relation "{said}" does not exist')
            raise StoreError("42P01", f'relation "{said}" does not exist')
        return found

    def indexes(self, table: int) -> list[Relation]:
        return [one for one in self.relations if one.kind == "i" and one.table == table]

    def referring(self, table: int) -> list[tuple[Relation, Constraint]]:
        """Foreign keys of other tables that refer to this one."""
        return [
            (one, constraint)
            for one in self.relations
            for constraint in one.constraints
            if constraint.kind == "f" and constraint.other == table
        ]


_DECODER = msgspec.json.Decoder(Relation)


def load(connection: sqlite3.Connection) -> Catalogue:
    rows = connection.execute(f"SELECT body FROM {OWN}relations ORDER BY oid").fetchall()
    meta = dict(connection.execute(f"SELECT key, value FROM {OWN}meta").fetchall())
    schemas = tuple(meta.get("schemas", PUBLIC).split("\n"))
    return Catalogue(schemas, tuple(_DECODER.decode(body) for (body,) in rows))


def make(connection: sqlite3.Connection) -> None:
    """The tables of the catalogue, in a new file; or the reason why an old one cannot be used."""
    connection.executescript(TABLES)
    found = connection.execute(f"SELECT value FROM {OWN}meta WHERE key = 'format'").fetchone()
    if found is None:
        connection.execute(
            f"INSERT OR IGNORE INTO {OWN}meta VALUES ('format', ?), ('oid', ?), ('schemas', ?)",
            (str(FORMAT), str(FIRST_OID), PUBLIC),
        )
    elif found[0] != str(FORMAT):
        raise StoreError(
            "58000", f"the file was written in format {found[0]}; this version reads format {FORMAT}"
        )


def new_oid(connection: sqlite3.Connection) -> int:
    (found,) = connection.execute(
        f"UPDATE {OWN}meta SET value = CAST(value AS INT) + 1 WHERE key = 'oid' RETURNING CAST(value AS INT) - 1"
    ).fetchone()
    return int(found)


def save(connection: sqlite3.Connection, relation: Relation) -> None:
    connection.execute(
        f"INSERT INTO {OWN}relations VALUES (?, ?, ?, ?) ON CONFLICT (oid) DO UPDATE SET schema = excluded.schema, "
        "name = excluded.name, body = excluded.body",
        (relation.oid, relation.schema, relation.name, msgspec.json.encode(relation).decode()),
    )


def remove(connection: sqlite3.Connection, oid: int) -> None:
    connection.execute(f"DELETE FROM {OWN}relations WHERE oid = ?", (oid,))
    connection.execute(f"DELETE FROM {OWN}sequences WHERE oid = ?", (oid,))


def save_schemas(connection: sqlite3.Connection, schemas: Sequence[str]) -> None:
    connection.execute(f"UPDATE {OWN}meta SET value = ? WHERE key = 'schemas'", ("\n".join(schemas),))
