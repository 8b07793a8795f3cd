"""Rows of a query that is still being read, and where they wait when something else has to be done meanwhile.

SQLite's open query holds its connection to one state of the file, and would see what the connection changes. What has
not been read of it is therefore put aside, on disk where it is much, before the next statement runs: memory is bounded,
and a cursor shows what was there when it was declared.
"""

import sqlite3
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import IO

import msgspec

from protocols.postgres.datatypes import Value
from proxy.answers.executor import StoreError

SMALL = 1 << 20
"""Bytes that are put aside in memory."""
MOST = 4 << 30
"""Bytes that one query may have put aside."""
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(list[Value])


class Rows(Iterator[tuple[Value, ...] | list[Value]]):
    """Of one query, as SQLite gives them."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor
        self._aside: IO[bytes] | None = None
        self._over = False

    def __next__(self) -> tuple[Value, ...] | list[Value]:
        if self._over:
            raise StopIteration
        if self._aside is not None:
            head = self._aside.read(4)
            if head:
                return _DECODER.decode(self._aside.read(int.from_bytes(head, "big")))
            self.close()
            raise StopIteration
        row: tuple[Value, ...] | None = self._cursor.fetchone()
        if row is None:
            self.close()
            raise StopIteration
        return row

    def put_aside(self) -> None:
        """Read the rest now. Raises StoreError and SQLite's errors."""
        if self._over or self._aside is not None:
            return
        file: IO[bytes] = SpooledTemporaryFile(max_size=SMALL)  # noqa: SIM115 - it lives as long as the rows
        size = 0
        try:
            for row in self._cursor:
                data = _ENCODER.encode(row)
                size += 4 + len(data)
                if size > MOST:
                    raise StoreError(
                        "53400", f"a cursor has more than {MOST} bytes of rows left to put aside"
                    )
                file.write(len(data).to_bytes(4, "big") + data)
            file.seek(0)
        except BaseException as error:
            file.close()
            self.close()
            if isinstance(error, OSError):
                raise StoreError(
                    "53100", "could not put the rows of a cursor aside: the disk is full"
                ) from error
            raise
        self._cursor.close()
        self._aside = file

    def close(self) -> None:
        self._over = True
        self._cursor.close()
        if self._aside is not None:
            self._aside.close()
