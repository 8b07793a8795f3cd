"""Which rules could fit at all: each is kept under one of its conditions, so that most are never looked at.

A rule is found by the first of these that it has: users, databases, listeners, applications, names in the database,
kinds. Under a pattern it is found by what stands before its first `*` or behind its last; one that begins and ends with
`*`, or has none of these conditions, is always looked at. What is found may still not fit; what is not found does not.
"""

from collections.abc import Iterable, Iterator

from plugins.firewall.facts import Facts
from plugins.firewall.patterns import ANY, Dotted
from plugins.firewall.rules import Rule
from plugins.scope import Scope

_GAP = "\0"
DIMENSIONS = (
    "users",
    "databases",
    "listeners",
    "applications",
    "read",
    "written",
    "columns",
    "functions",
    "kinds",
)


class _Names:
    """Numbers under names, and under beginnings and ends of names."""

    def __init__(self) -> None:
        self._whole: dict[str, list[int]] = {}
        self._heads: dict[int, dict[str, list[int]]] = {}
        self._tails: dict[int, dict[str, list[int]]] = {}

    def add(self, pattern: str, number: int) -> None:
        begins, wild, ends = pattern.partition(ANY)
        ends = ends.rpartition(ANY)[2]
        if not wild:
            self._whole.setdefault(pattern, []).append(number)
        elif begins:
            self._heads.setdefault(len(begins), {}).setdefault(begins, []).append(number)
        else:
            self._tails.setdefault(len(ends), {}).setdefault(ends, []).append(number)

    def find(self, name: str) -> Iterator[int]:
        yield from self._whole.get(name, ())
        for length, heads in self._heads.items():
            yield from heads.get(name[:length], ())
        for length, tails in self._tails.items():
            yield from tails.get(name[-length:], ())

    @property
    def all(self) -> Iterator[int]:
        for named in (self._whole, *self._heads.values(), *self._tails.values()):
            for numbers in named.values():
                yield from numbers

    def __bool__(self) -> bool:
        return bool(self._whole or self._heads or self._tails)


class Index:
    """The numbers of rules."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.always: list[int] = []
        self._under = {one: _Names() for one in DIMENSIONS}
        for number, rule in enumerate(rules):
            self.add(number, rule)

    def add(self, number: int, rule: Rule) -> None:
        for dimensions, patterns in keys(rule):
            if patterns and not any(
                pattern.startswith(ANY) and pattern.endswith(ANY) for pattern in patterns
            ):
                for dimension in dimensions:
                    for pattern in set(patterns):
                        self._under[dimension].add(pattern, number)
                return
        self.always.append(number)

    def near(self, dimension: str, pattern: str) -> Iterator[int]:
        """Those that could fit what this pattern does, as far as this dimension goes."""
        yield from self._under[dimension].find(pattern)

    def candidates(self, facts: Facts, scope: Scope) -> list[int]:
        """In their order."""
        found = set(self.always)
        for dimension, name in (
            ("users", scope.user),
            ("databases", scope.database),
            ("listeners", scope.listener),
            ("applications", scope.application),
        ):
            found.update(self._under[dimension].find(name))
        for dimension in ("read", "written", "columns", "functions"):
            names = self._under[dimension]
            if names:
                touched = getattr(facts, dimension)
                unknown = not touched.whole or any(not name[0] for name in touched.names)
                found.update(names.all if unknown else ())
                for name in touched.names:
                    found.update(names.find(_GAP.join(name)))
        kinds = self._under["kinds"]
        if kinds:
            found.update(kinds.all if not facts.kinds.whole else ())
            for kind in facts.kinds.items:
                found.update(kinds.find(kind))
        return sorted(found)


def keys(rule: Rule) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Each condition that a rule could be found by: in which dimensions, and its patterns there."""
    said = rule.said
    yield ("users",), said.users
    yield ("databases",), said.databases
    yield ("listeners",), said.listeners
    yield ("applications",), said.applications
    if rule.denies or rule.sorts == 1:
        yield ("functions",), _joined(rule.functions)
        yield ("columns",), _joined(rule.columns)
        if rule.denies:
            yield ("read",), _joined(rule.reads)
            yield ("written",), _joined(rule.writes)
            yield ("read", "written"), _joined(rule.tables)
        else:
            yield ("read", "written"), _joined(rule.tables + rule.reads + rule.writes)
        yield ("read", "written"), _joined(rule.schemas)
    yield ("kinds",), tuple(sorted(rule.kinds))


def _joined(patterns: Iterable[Dotted]) -> tuple[str, ...]:
    return tuple(_GAP.join(one.pieces) for one in patterns)
