"""The console as tests use it: a connection that gives rows by name, and a proxy that has one."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.integration import house
from tests.servers.postgres import PostgresServer

ADMIN = "app_trust"
WATCHER = "app_cert"
RIGHTS = f'[admin]\nusers = ["{ADMIN}"]\nstats_users = ["{WATCHER}"]\n'
Rows = list[dict[str, Any]]


def configuration(server: PostgresServer, *, carriers: int = 2) -> str:
    """Pools of four connections without sharing, so that who has which is plain to see."""
    pools = {"shop": "{ size = 4, sharing = false }", "books": "{ size = 4, sharing = false }"}
    return house.configuration(server, limits=f"carriers = {carriers}", pools=pools, more=RIGHTS)


def connect(port: int, database: str = "shop", user: str = ADMIN, **options: str) -> psycopg.Connection[Any]:
    said: dict[str, Any] = {"host": "127.0.0.1", "port": port, "dbname": database, "user": user, **options}
    return psycopg.connect(**said, autocommit=True, connect_timeout=20)


class Console:
    """One connection to the console. Statements go by the simple protocol."""

    def __init__(self, port: int, database: str = "articdbm", user: str = ADMIN) -> None:
        self.line = connect(port, database, user)

    def rows(self, command: str) -> Rows:
        with self.line.cursor(row_factory=dict_row) as cursor:
            cursor.execute(command.encode())
            return cursor.fetchall() if cursor.description else []

    def row(self, command: str, **where: Any) -> dict[str, Any]:
        """The one row in which these columns have these values."""
        found = [
            row for row in self.rows(command) if all(row[name] == value for name, value in where.items())
        ]
        assert len(found) == 1, found
        return found[0]

    def order(self, command: str) -> str:
        """What it is answered with: a tag, or the text of the error."""
        try:
            return self.line.execute(command.encode()).statusmessage or ""
        except psycopg.Error as error:
            return f"{error.sqlstate} {error.diag.message_primary}"


@contextmanager
def opened(port: int, database: str = "articdbm", user: str = ADMIN) -> Iterator[Console]:
    console = Console(port, database, user)
    try:
        yield console
    finally:
        console.line.close()


class Later:
    """Something that takes its time, on a thread of its own."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._found: list[Any] = []
        self._thread = threading.Thread(target=lambda: self._found.append(work()), daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        return bool(self._found)

    def result(self) -> Any:
        self._thread.join(20)
        assert self._found, "it did not end"
        return self._found[0]
