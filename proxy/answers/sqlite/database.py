"""One file: its connections, whose turn it is to write, and the state of its catalogue.

Readers read beside each other and beside the writer (WAL); who writes waits for the one before, at most as long as it
may. What is acknowledged is on disk (synchronous = FULL). Two processes may have the file open: SQLite's own locks hold
between them.
"""

import os
import sqlite3
import threading
from collections.abc import Mapping
from pathlib import Path

from proxy.answers.executor import StoreError
from proxy.answers.sqlite import catalogue
from proxy.answers.sqlite.catalogue import OWN, Catalogue
from proxy.answers.sqlite.errors import translated
from proxy.answers.sqlite.session import Session

BUSY = 5.0
"""Seconds for another process to end its transaction."""


LONGEST = 256 << 20
"""Bytes of a value, and of a row."""


class Database:
    """A store (`proxy/answers/executor.py`)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.writer = threading.Lock()
        """Whoever holds it may have a transaction that writes."""
        self._states: tuple[str, Catalogue] | None = None
        try:
            fresh = not path.exists()
            if fresh:
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            connection = self.connect()
            try:
                connection.execute("BEGIN IMMEDIATE")
                catalogue.make(connection)
                connection.execute("COMMIT") if connection.in_transaction else None
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise StoreError("08006", f"cannot use {path}: {translated(error).message}") from error
        except OSError as error:
            raise StoreError("08006", f"cannot use {path}: {error.strerror}") from error

    def connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=BUSY, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
        for pragma in (
            "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "temp_store = MEMORY", "cache_size = -8192",
        ):  # fmt: skip
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def open(self, user: str, settings: Mapping[str, str]) -> Session:
        try:
            return Session(self, user, settings)
        except sqlite3.Error as error:
            raise translated(error) from error

    def state(self, connection: sqlite3.Connection) -> tuple[str, Catalogue]:
        """The catalogue as this connection sees it, and the mark by which its next change is noticed."""
        row = connection.execute(f"SELECT value FROM {OWN}meta WHERE key = 'version'").fetchone()
        version = row[0] if row is not None else ""
        known = self._states
        if known is not None and known[0] == version:
            return known
        found = (version, catalogue.load(connection))
        self._states = found
        return found

    def close(self) -> None:
        """Nothing is held between statements; connections belong to their sessions."""
