"""COPY into a table: lines become rows as they come, and none is kept.

A text becomes a value as everywhere in this store (`datatypes.from_text`, `kinds.stored`, `converting.fitting`); what
the statement does not list takes its default.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from protocols.postgres.datatypes import BY_OID, Malformed, Value, from_text
from proxy.answers.copying import Reader
from proxy.answers.executor import CopyFormat, Result, StoreError
from proxy.answers.sqlite import changes, kinds
from proxy.answers.sqlite.catalogue import Field, Relation
from proxy.answers.sqlite.converting import fitting
from proxy.answers.sqlite.kinds import quoted, unsupported
from proxy.answers.sqlite.translator import Translator

if TYPE_CHECKING:
    from proxy.answers.sqlite.session import Session


def take(session: "Session", relation: Relation, fields: Sequence[Field], said: CopyFormat) -> Result:
    """Begin to take rows, now that there is the right to write."""
    for one in fields:
        if one.oid not in BY_OID or one.oid in kinds.REGS:
            raise unsupported(f"COPY into a column of type {BY_OID[one.oid].name}")
    rest = [one for one in relation.fields if one not in fields]
    tr = Translator(session.catalogue, session.path, {})
    marks = [f"?{at}" for at in range(1, len(fields) + 1)] + [changes.default_of(tr, one) for one in rest]
    names = ", ".join(quoted(one.name) for one in (*fields, *rest))
    sql = f"INSERT INTO {quoted(relation.place)} ({names}) VALUES ({', '.join(marks)})"
    return Result(None, iter(()), "COPY {}", takes=Taking(session, relation, fields, said, sql))


class Taking:
    """Rows that come in (`proxy/answers/executor.py`)."""

    def __init__(
        self, session: "Session", relation: Relation, fields: Sequence[Field], said: CopyFormat, sql: str
    ) -> None:
        self.columns = len(fields)
        self._session = session
        self._table = relation.name
        self._place = relation.place
        self._own = any(one.kind == "f" and one.other == relation.oid for one in relation.constraints)
        """Rows refer to each other, whichever comes first: they are looked at when all are there."""
        if self._own:
            session.connection.execute("PRAGMA defer_foreign_keys = ON")
        self._names = [one.name for one in fields]
        self._plan = [(one.name, one.oid, fitting(kinds.Kind(one.oid, one.typmod))) for one in fields]
        self._reader = Reader(said)
        self._header = said.header
        self._match = said.match
        self._sql = sql
        self._count = 0

    def take(self, data: bytes) -> None:
        self._load(data, last=False)

    def end(self) -> int:
        """How many rows there were."""
        self._load(b"", last=True)
        if self._own:
            connection = self._session.connection
            if connection.execute(f"PRAGMA foreign_key_check({quoted(self._place)})").fetchone() is not None:
                self._ended()
                what = f'insert or update on table "{self._table}" violates a foreign key constraint'
                raise StoreError("23503", what)
        self._ended()
        return self._count

    def _ended(self) -> None:
        """Foreign keys are what they were, even where only a savepoint is gone back to."""
        if self._own:
            self._session.connection.execute("PRAGMA defer_foreign_keys = OFF")

    def broken(self, code: str, why: str) -> StoreError:
        """What is said when something else came in place of the next line."""
        self._ended()
        self._reader.number += 1
        self._reader.line = None
        return StoreError(code, why, where=self._reader.where(self._table))

    def look(self) -> None:
        """Raises StoreError if it is to stop."""
        try:
            self._session.look()
        except StoreError as why:
            self._ended()
            why.where = self._reader.where(self._table)
            raise

    def _load(self, data: bytes, *, last: bool) -> None:
        self.look()
        session = self._session
        session.error = None
        try:
            session.connection.executemany(self._sql, self._rows(data, last=last))
        except sqlite3.Error as error:
            why = session.said(error)
            if why.code == "23505":
                self._reader.line = None  # as the server, which has put many lines together by then
            raise self._told(why) from error
        except (StoreError, Malformed) as why:
            raise self._told(why) from why

    def _told(self, why: StoreError | Malformed) -> StoreError:
        self._ended()
        if isinstance(why, Malformed):
            why = StoreError(why.code, why.message)
        if why.code == "22021":
            self._reader.line = None  # it could not be shown
        why.where = why.where or self._reader.where(self._table)
        return why

    def _rows(self, data: bytes, *, last: bool) -> Iterator[list[Value]]:
        zone = self._session.zone()
        for cells in self._reader.feed(data, last=last):
            if self._header:
                self._header = False
                if self._match:
                    self._matched(cells)
                continue
            if len(cells) > len(self._plan):
                raise StoreError("22P04", "extra data after last expected column")
            row: list[Value] = []
            for place, (name, oid, fit) in enumerate(self._plan):
                if place >= len(cells):
                    raise StoreError("22P04", f'missing data for column "{name}"')
                cell = cells[place]
                if cell is None:
                    row.append(None)
                    continue
                text = _decoded(cell)
                try:
                    value = from_text(oid, text, zone)
                    row.append(kinds.stored(oid, value if fit is None else fit(value)))
                except (StoreError, Malformed) as why:
                    where = self._reader.where(self._table, name, cell)
                    raise StoreError(why.code, why.message, where=where) from why
            yield row
            self._count += 1

    def _matched(self, cells: Sequence[bytes | None]) -> None:
        if len(cells) != len(self._names):
            what = f"got {len(cells)}, expected {len(self._names)}"
            raise StoreError("22P04", f"wrong number of fields in header line: {what}")
        for at, (cell, name) in enumerate(zip(cells, self._names, strict=True), 1):
            if cell is None or _decoded(cell) != name:
                got = "null value" if cell is None else f'"{_decoded(cell)}"'
                raise StoreError(
                    "22P04", f'column name mismatch in header line field {at}: got {got}, expected "{name}"'
                )


def _decoded(cell: bytes) -> str:
    try:
        text = cell.decode()
    except UnicodeDecodeError as error:
        said = " ".join(f"0x{one:02x}" for one in cell[error.start : max(error.end, error.start + 1)])
        raise StoreError("22021", f'invalid byte sequence for encoding "UTF8": {said}') from error
    if "\0" in text:
        raise StoreError("22021", 'invalid byte sequence for encoding "UTF8": 0x00')
    return text
