"""What can be wrong with a configuration, told so that the reader can put it right.

Owns Finding (one thing, by key path), Problem (the same, at a line of a file) and ConfigError (all of them at
once). A message never holds a secret.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from config.positions import KeyPath

Severity = Literal["error", "warning"]


class Finding(msgspec.Struct, frozen=True):
    """A problem, by key path instead of line."""

    path: KeyPath
    what: str
    fix: str
    severity: Severity = "error"
    because: tuple[KeyPath, ...] = ()
    """What else it rests on: where that is broken, this says nothing new."""


def itself(section: str) -> KeyPath:
    """A list of tables as such, for `because`: broken where it is no list, not where one of its elements is."""
    return (section, -1)


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong at one place. `line` is 0 where the file as a whole is meant."""

    file: str
    line: int
    key: str
    what: str
    fix: str
    severity: Severity = "error"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        subject = f"{self.key}: " if self.key else ""
        return f"{place}: {self.severity}: {subject}{self.what}; {self.fix}"


class ConfigError(Exception):
    """The configuration cannot be used. Holds every problem found, warnings included, by line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(one for one in self.problems if one.severity == "warning")

    @property
    def told(self) -> str:
        """The errors alone, and how many there are where there are several."""
        errors = [str(one) for one in self.problems if one.severity == "error"]
        return errors[0] if len(errors) == 1 else "\n".join((f"{len(errors)} errors", *errors))


class RefusedError(Exception):
    """A single value cannot be accepted: what is wrong with it, and what would be right."""

    def __init__(self, what: str, fix: str) -> None:
        self.what = what
        self.fix = fix
        super().__init__(f"{what}; {fix}")
