"""A rule made ready, and whether it fits a statement: NO, MAYBE or YES.

Each condition is looked at by itself, cheapest first, and a rule fits as surely as the least sure of them. Of names a
rule that denies asks for one, and takes what is not known for whatever it is about; one that allows asks that there be
nothing else. docs/security.md says this to those who write rules.
"""

from collections.abc import Iterable, Sequence
from datetime import tzinfo

import msgspec

from plugins.firewall.facts import Facts, Touched
from plugins.firewall.hours import Times, times
from plugins.firewall.patterns import Dotted, Names, dotted
from plugins.firewall.seen import MAYBE, NO, YES
from plugins.firewall.settings import FAMILIES, FirewallRule, Trick
from plugins.scope import Scope

SORTS = {"schemas": 2, "tables": 2, "reads": 2, "writes": 2, "columns": 3, "functions": 2}
"""What names something in a database, and how many pieces it has."""


class Fit(msgspec.Struct, frozen=True):
    """How surely a rule fits, and what of the statement it is that fits, for people."""

    sure: int
    what: tuple[str, ...] = ()
    doubt: str = ""


NOT = Fit(NO)
_CONDITIONS = {
    **{
        name: name
        for name in ("users", "databases", "listeners", "networks", "applications", "kinds", "tricks")
    },
    **{name: name for name in ("schemas", "columns", "functions")},
    **dict.fromkeys(("tables", "reads", "writes"), "tables"),
    **dict.fromkeys(("days", "hours"), "times"),
}


class Rule(msgspec.Struct, frozen=True):
    """A rule made ready."""

    said: FirewallRule
    users: Names | None
    databases: Names | None
    listeners: Names | None
    applications: Names | None
    networks: frozenset[str]
    kinds: frozenset[str]
    tricks: tuple[Trick, ...]
    schemas: tuple[Dotted, ...]
    tables: tuple[Dotted, ...]
    reads: tuple[Dotted, ...]
    writes: tuple[Dotted, ...]
    columns: tuple[Dotted, ...]
    functions: tuple[Dotted, ...]
    times: Times | None
    asks: frozenset[str] = frozenset()
    """Names of the conditions that it has; tables are one, however they are touched."""

    @property
    def denies(self) -> bool:
        return self.said.action == "deny"

    def fits(self, facts: Facts, scope: Scope) -> Fit:
        """All but the time."""
        if not self._is_for(scope):
            return NOT
        found = [YES]
        what: list[str] = []
        if self.kinds:
            found.append(self._kind(facts, what))
        if self.tricks and found[-1]:
            found.append(self._trick(facts, what))
        if self.sorts and min(found):
            found.append(self._one(facts, what) if self.denies else self._all(facts))
        sure = min(found)
        return Fit(sure, tuple(dict.fromkeys(what)), facts.doubt if sure == MAYBE else "") if sure else NOT

    @property
    def sorts(self) -> int:
        """How many sorts of names it has; tables are one, however they are touched."""
        tables = bool(self.tables or self.reads or self.writes)
        return tables + bool(self.schemas) + bool(self.columns) + bool(self.functions)

    def _is_for(self, scope: Scope) -> bool:
        return (
            (self.users is None or self.users.fit(scope.user))
            and (self.databases is None or self.databases.fit(scope.database))
            and (self.listeners is None or self.listeners.fit(scope.listener))
            and (self.applications is None or self.applications.fit(scope.application))
            and (not self.networks or not self.networks.isdisjoint(scope.networks))
        )

    def _kind(self, facts: Facts, what: list[str]) -> int:
        kinds = facts.kinds
        there = kinds.said & self.kinds
        if there:
            what.append(", ".join(sorted(there)))
        if self.denies:
            return YES if there else NO if kinds.whole else MAYBE
        return YES if kinds.whole and kinds.items <= self.kinds else NO

    def _trick(self, facts: Facts, what: list[str]) -> int:
        found = NO
        for trick in self.tricks:
            sure = facts.trick(trick)
            if sure:
                what.append(trick)
            found = max(found, sure)
            if found == YES:
                break
        return found

    def _one(self, facts: Facts, what: list[str]) -> int:
        """A rule that denies: of each sort that it names one is there, or could be."""
        found = [YES]
        for patterns, touched, verb in (
            (self.reads, (facts.read,) if self.reads else (), "reads"),
            (self.writes, (facts.written,) if self.writes else (), "writes"),
            (self.tables, (facts.read, facts.written) if self.tables else (), "touches"),
            (self.schemas, (facts.read, facts.written) if self.schemas else (), "touches"),
            (self.columns, (facts.columns,) if self.columns else (), "touches"),
            (self.functions, (facts.functions,) if self.functions else (), "calls"),
        ):
            if patterns and found[-1]:
                found.append(_one_of(patterns, touched, what, verb))
        return min(found)

    def _all(self, facts: Facts) -> int:
        """A rule that allows: all that is touched is named, and something of it is there."""
        there = False
        checks: list[tuple[tuple[Dotted, ...], Touched]] = []
        if self.tables or self.reads or self.writes:
            checks += [(self.tables + self.reads, facts.read), (self.tables + self.writes, facts.written)]
        if self.schemas:
            checks += [(self.schemas, facts.read), (self.schemas, facts.written)]
        if self.columns:
            checks.append((self.columns, facts.columns))
        if self.functions:
            checks.append((self.functions, facts.functions))
        for patterns, touched in checks:
            if not touched.whole or not all(_best(patterns, name) == YES for name in touched.names):
                return NO
            there = there or bool(touched.names)
        return YES if there else NO


def _one_of(patterns: Sequence[Dotted], touched: Iterable[Touched], what: list[str], verb: str) -> int:
    found = NO
    for each in touched:
        for name in each.names:
            sure = _best(patterns, name)
            if sure == YES:
                what.append(f"{verb} {'.'.join(piece for piece in name if piece)}")
                return YES
            found = max(found, sure)
        if not each.whole:
            found = max(found, MAYBE)
    return found


def _best(patterns: Iterable[Dotted], name: Sequence[str]) -> int:
    best = NO
    for one in patterns:
        best = max(best, one.fit(name))
        if best == YES:
            break
    return best


def ready(said: FirewallRule, zone: tzinfo) -> Rule:
    """Raises ValueError for what is no pattern or no time."""
    kinds = set(said.kinds).union(*(FAMILIES.get(one, frozenset()) for one in said.kinds))
    return Rule(
        said,
        users=Names(said.users) if said.users else None,
        databases=Names(said.databases) if said.databases else None,
        listeners=Names(said.listeners) if said.listeners else None,
        applications=Names(said.applications) if said.applications else None,
        networks=frozenset(map(str, said.networks)),
        kinds=frozenset(kinds),
        tricks=said.tricks,
        schemas=tuple(Dotted((one, "*")) for one in said.schemas),
        tables=tuple(dotted(one, 2) for one in said.tables),
        reads=tuple(dotted(one, 2) for one in said.reads),
        writes=tuple(dotted(one, 2) for one in said.writes),
        columns=tuple(dotted(one, 3) for one in said.columns),
        functions=tuple(dotted(one, 2, short=True) for one in said.functions),
        times=times(said.days, said.hours, zone),
        asks=frozenset(group for name, group in _CONDITIONS.items() if getattr(said, name)),
    )
