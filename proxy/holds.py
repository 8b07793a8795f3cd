"""What an operator holds back: databases that are paused or disabled, and the whole process paused or suspended.

It owns these marks and nothing else. A reload leaves them as they are; a restart begins without any.
"""

from typing import Literal

Hold = Literal["none", "suspended", "paused"]


class Holds:
    """The marks, by database."""

    def __init__(self) -> None:
        self.everything: Hold = "none"
        self._paused: set[str] = set()
        self._disabled: set[str] = set()

    def of(self, database: str) -> Hold:
        """How its pools are held."""
        return "paused" if database in self._paused else self.everything

    @property
    def named(self) -> list[str]:
        """What is paused or disabled by name."""
        return sorted(self._paused | self._disabled)

    @property
    def all_paused(self) -> list[str]:
        """What was paused by name."""
        return sorted(self._paused)

    def paused(self, database: str) -> bool:
        """It was paused by name."""
        return database in self._paused

    def pause(self, database: str) -> None:
        self._paused.add(database)

    def resume(self, database: str) -> None:
        self._paused.discard(database)

    def disabled(self, database: str) -> bool:
        return database in self._disabled

    def disable(self, database: str) -> None:
        self._disabled.add(database)

    def enable(self, database: str) -> None:
        self._disabled.discard(database)
