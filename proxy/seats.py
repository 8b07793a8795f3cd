"""How many clients each database and each user has, where they may not have more than so many.

A client that proved itself takes a seat before it waits for anything, and gives it back when it is gone. It knows names
and numbers of connections, and no limit.
"""

from collections import Counter

from protocols.postgres.errors import Known, problem
from protocols.postgres.types import Problem


class Seats:
    """Who sits where."""

    def __init__(self) -> None:
        self._places: dict[int, tuple[str, str]] = {}
        self._databases: Counter[str] = Counter()
        self._users: Counter[str] = Counter()

    def take(self, conn: int, database: str, user: str, *, of_database: int, of_user: int) -> Problem | None:
        """A seat for `conn`; or why there is none. A limit of 0 is none."""
        if of_database and self._databases[database] >= of_database:
            return problem(Known.TOO_MANY_FOR_DATABASE, database=database)
        if of_user and self._users[user] >= of_user:
            return problem(Known.TOO_MANY_FOR_ROLE, user=user)
        self._places[conn] = (database, user)
        self._databases[database] += 1
        self._users[user] += 1
        return None

    def leave(self, conn: int) -> None:
        """The client is gone; it may never have had a seat."""
        database, user = self._places.pop(conn, ("", ""))
        for counted, name in ((self._databases, database), (self._users, user)):
            if counted[name] <= 1:
                del counted[name]
            else:
                counted[name] -= 1
