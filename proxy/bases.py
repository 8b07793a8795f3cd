"""Numbers for what a plan depends on besides the statement: listener, user and database.

It owns the numbers; it knows nothing of log-in or plans. A number, once given, means the same for ever.
"""

from collections.abc import Iterator

import msgspec

MOST = 1_000_000
OWN = MOST + 1
"""What the proxy itself asks servers is planned under this number. No client is ever given it."""


class Base(msgspec.Struct, frozen=True):
    """Who speaks, through which listener, to which database."""

    listener: str
    user: str
    database: str
    admin: bool = False
    """The administrator's console, not a database."""


class Bases:
    """Bases and their numbers. Only names that logged in get one, and there is a bound all the same."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._numbers: dict[Base, int] = {}
        self._bases: list[Base] = []

    def number(self, base: Base) -> int | None:
        """Its number, counted from 1; None when there is no room for another."""
        known = self._numbers.get(base)
        if known is not None:
            return known
        if len(self._bases) >= self._most:
            return None
        self._bases.append(base)
        self._numbers[base] = len(self._bases)
        return len(self._bases)

    def all(self) -> Iterator[tuple[int, Base]]:
        """Every base by its number."""
        return enumerate(self._bases, 1)

    def base(self, number: int) -> Base | None:
        return self._bases[number - 1] if 0 < number <= len(self._bases) else None
