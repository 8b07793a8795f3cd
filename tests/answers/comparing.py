"""One statement at a time to two servers, and what differs: rows, as text and in binary, types of columns, tags, codes."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from psycopg import pq
from psycopg.pq import abc

from proxy.answers.sqlite.reading import split

DIFFERS = "-- differs "
"""Before a statement: the embedded store is known to refuse it, with this code."""


class Statement(NamedTuple):
    line: int
    text: str
    differs: str


class Said(NamedTuple):
    """An answer."""

    code: str
    tag: str = ""
    types: tuple[int, ...] = ()
    names: tuple[bytes, ...] = ()
    rows: tuple[tuple[bytes | None, ...], ...] = ()


def statements(file: Path) -> Iterator[Statement]:
    """A statement a line; several on one line are one message."""
    differs = ""
    for number, line in enumerate(file.read_text().splitlines(), 1):
        if line.startswith(DIFFERS):
            differs = line.removeprefix(DIFFERS).strip()
        elif line.strip() and not line.startswith("--"):
            yield Statement(number, line, differs)
            differs = ""


def connect(dsn: str) -> abc.PGconn:
    connection = pq.PGconn.connect(dsn.encode())
    assert connection.status == pq.ConnStatus.OK, connection.error_message
    return connection


def ask(connection: abc.PGconn, text: str) -> Said:
    return _read(connection.exec_(text.encode()), connection)


def ask_in_binary(connection: abc.PGconn, text: str) -> Said:
    """By the extended protocol: described, bound, and its rows in binary."""
    return _read(connection.exec_params(text.encode(), [], result_format=1), connection)


def reads_only(text: str) -> bool:
    if len(split(text)) != 1 or any(word in text for word in ("nextval", "setval", "random()")):
        return False
    return text.split(" ", maxsplit=1)[0].strip("(").upper() in ("SELECT", "VALUES", "TABLE", "WITH", "SHOW")


def _read(result: abc.PGresult, connection: abc.PGconn) -> Said:
    if result.status == pq.ExecStatus.COPY_OUT:
        return _copied(connection, result.nfields)
    if result.status in (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.NONFATAL_ERROR):
        code = result.error_field(pq.DiagnosticField.SQLSTATE)
        return Said((code or b"").decode())
    columns = range(result.nfields)
    return Said(
        "00000",
        (result.command_status or b"").decode(),
        tuple(result.ftype(at) for at in columns),
        tuple(result.fname(at) or b"" for at in columns),
        tuple(tuple(result.get_value(row, at) for at in columns) for row in range(result.ntuples)),
    )


def _copied(connection: abc.PGconn, columns: int) -> Said:
    """What COPY gives: each of its lines as a row."""
    lines: list[tuple[bytes]] = []
    while True:
        size, data = connection.get_copy_data(0)
        if size < 0:
            break
        lines.append((bytes(data),))
    said = Said("")
    while (result := connection.get_result()) is not None:
        said = _read(result, connection)
    return said._replace(rows=tuple(lines), types=(columns,))
