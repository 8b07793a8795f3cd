"""Conditions on a statement's values, as data: what a plan leaves to each execution, and what holds instead.

A plan is made once; `Plan.when` adds a branch that the core decides each time, in nanoseconds. Where the values stand
is found by `plugins/places.py`. Nothing here looks at a value.
"""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Literal, Self

import msgspec

Kind = Literal["number", "integer", "text", "boolean", "date", "timestamp"]
Constant = int | Decimal | str | bool | dt.date | dt.datetime
Bound = tuple[str, bool]
"""A limit, and whether it is itself within."""


class Slot(msgspec.Struct, frozen=True):
    """Where one value stands: the literal `at` of `of`, the parameter `at`, the same text in each execution (None is
    NULL), or an expression that only the server can work out."""

    what: Literal["literal", "parameter", "fixed", "unreadable"]
    at: int = 0
    of: int = 0
    negative: bool = False
    text: str | None = None


UNREADABLE = Slot("unreadable")


class Condition(msgspec.Struct, frozen=True, tag=True):
    """Said of one execution's values. `&`, `|` and `~` make others of it."""

    def __and__(self, other: "Condition") -> "Condition":
        return All((self, other))

    def __or__(self, other: "Condition") -> "Condition":
        return Either((self, other))

    def __invert__(self) -> "Condition":
        return Not(self)


class All(Condition, frozen=True, tag="all"):
    """Each of them."""

    of: tuple[Condition, ...]


class Either(Condition, frozen=True, tag="any"):
    """One of them, or more."""

    of: tuple[Condition, ...]


class Not(Condition, frozen=True, tag="not"):
    """Where it is not met; what is in doubt stays so."""

    of: Condition


class Test(Condition, frozen=True, tag="test"):
    """Any of these values passes. NULL passes `Null` alone."""

    values: "Values"


class Within(Test, frozen=True, tag="within"):
    """One of a set."""

    those: tuple[str, ...]


class Between(Test, frozen=True, tag="between"):
    """None is no limit."""

    low: Bound | None
    high: Bound | None


class Length(Test, frozen=True, tag="length"):
    """In letters."""

    least: int
    most: int


class Like(Test, frozen=True, tag="like"):
    """What stands between the pieces is anything."""

    pieces: tuple[str, ...]


class Null(Test, frozen=True, tag="null"):
    """NULL itself."""


MOST = 2**31
"""No text is as long."""


class Values(msgspec.Struct, frozen=True):
    """Some values of a statement and the type they are read as; each test holds when it holds for any of them.

    `number` and `integer` are compared as exact decimals, however they are spelt or bound. `integer` is for what the
    server makes a whole number of: one with a fraction is then in doubt, for it would be rounded."""

    slots: tuple[Slot, ...] = ()
    kind: Kind = "text"
    utf8: bool = True
    """The session's texts are UTF-8; in others a text that is more than ASCII is in doubt."""

    def __add__(self, others: "Values") -> Self:
        return msgspec.structs.replace(self, slots=self.slots + others.slots, utf8=self.utf8 and others.utf8)

    def __bool__(self) -> bool:
        return bool(self.slots)

    def as_(self, kind: Kind) -> Self:
        return msgspec.structs.replace(self, kind=kind)

    @property
    def number(self) -> Self:
        return self.as_("number")

    @property
    def integer(self) -> Self:
        return self.as_("integer")

    @property
    def boolean(self) -> Self:
        return self.as_("boolean")

    @property
    def date(self) -> Self:
        return self.as_("date")

    @property
    def timestamp(self) -> Self:
        return self.as_("timestamp")

    def above(self, limit: Constant) -> Condition:
        return Between(self, (said(limit), False), None)

    def at_least(self, limit: Constant) -> Condition:
        return Between(self, (said(limit), True), None)

    def below(self, limit: Constant) -> Condition:
        return Between(self, None, (said(limit), False))

    def at_most(self, limit: Constant) -> Condition:
        return Between(self, None, (said(limit), True))

    def between(self, low: Constant, high: Constant) -> Condition:
        """Both are within."""
        return Between(self, (said(low), True), (said(high), True))

    def one_of(self, those: Iterable[Constant]) -> Condition:
        return Within(self, tuple(sorted({said(one) for one in those})))

    def equals(self, one: Constant) -> Condition:
        return Within(self, (said(one),))

    def longer_than(self, letters: int) -> Condition:
        return Length(self, letters + 1, MOST)

    def shorter_than(self, letters: int) -> Condition:
        return Length(self, 0, letters - 1) if letters else Within(self, ())

    def like(self, pattern: str) -> Condition:
        """`%` is anything, as in SQL; `_` is itself, and there is no escape. See `begins`, `ends` and `contains`."""
        return Like(self, tuple(pattern.split("%")))

    def begins(self, text: str) -> Condition:
        return Like(self, (text, ""))

    def ends(self, text: str) -> Condition:
        return Like(self, ("", text))

    def contains(self, text: str) -> Condition:
        return Like(self, ("", text, ""))

    def null(self) -> Condition:
        return Null(self)


def said(constant: Constant) -> str:
    """A constant as text. No floats: `Decimal("0.1")` is what it says, 0.1 is not."""
    match constant:
        case bool():
            return "true" if constant else "false"
        case int() | Decimal():
            return str(constant)
        case dt.datetime() if constant.tzinfo is None:
            return constant.isoformat(" ")
        case dt.date() if not isinstance(constant, dt.datetime):
            return constant.isoformat()
        case str():
            return constant
        case _:
            raise TypeError(f"not a constant of a condition: {type(constant).__name__}")


class Outcome(msgspec.Struct, frozen=True):
    """What holds instead of what the plan says."""

    what: Literal["pass", "alone", "deny"]
    code: str = ""
    message: str = ""


PASS = Outcome("pass")
"""The plan as it is; the branch counts, and SHOW PLANS tells how often. So a rule is tried before it is enforced."""
ALONE = Outcome("alone")
"""The statement shares no connection with others."""


def deny(code: str, message: str) -> Outcome:
    return Outcome("deny", code, message)


class Branch(msgspec.Struct, frozen=True):
    """`unknown` holds where the condition cannot be decided."""

    name: str
    condition: Condition
    then: Outcome
    unknown: Outcome
