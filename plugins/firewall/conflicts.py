"""What is wrong with a list of rules as a whole: entries that are none, ids that are taken, rules that never decide.

A rule never decides where an earlier one fits whatever it fits. That is said only where it is certain: by comparing
what each of them names. With the opposite action and the same conditions it is a contradiction, and an error.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC

from config.errors import Finding
from config.network import Network
from config.positions import KeyPath
from plugins.firewall.hours import DAY, spans_of, zone
from plugins.firewall.index import Index, keys
from plugins.firewall.patterns import Dotted, covers, dotted
from plugins.firewall.rules import SORTS, Rule, ready
from plugins.firewall.settings import FirewallRule, FirewallSettings

OTHERWISE = "otherwise"
"""What decides where no rule fits."""
MOST_COMPARED = 20
"""Earlier rules that a rule is compared with, of those that no index finds."""
_PLAIN = ("users", "databases", "listeners", "applications")
_BLANK = {"id": "", "reason": None, "severity": "medium", "action": "deny"}


def findings(settings: FirewallSettings) -> Iterator[Finding]:
    """Paths are those inside of `[plugins.firewall]`."""
    try:
        zone(settings.timezone)
    except ValueError as error:
        yield Finding(("timezone",), str(error), "write a name such as UTC or Europe/Rome")
    sound: list[tuple[int, Rule]] = []
    ids: dict[str, int] = {}
    for number, rule in enumerate(settings.rules):
        wrong = list(_entries(("rules", number), rule))
        yield from wrong
        earlier = ids.setdefault(rule.id, number)
        if earlier != number:
            yield Finding(
                ("rules", number, "id"), f'the id "{rule.id}" is taken', "choose another",
                because=(("rules", earlier, "id"),), beside=("rules", earlier, "id"),
            )  # fmt: skip
        if rule.id == OTHERWISE:
            yield Finding(
                ("rules", number, "id"), "this is what no rule is called on the trail", "choose another"
            )
        if not wrong:
            sound.append((number, ready(rule, UTC)))
    yield from _never(sound)


def _entries(path: KeyPath, rule: FirewallRule) -> Iterator[Finding]:
    """Entries that are not what they should be."""
    for name, pieces in SORTS.items():
        for place, written in enumerate(getattr(rule, name) if name != "schemas" else ()):
            try:
                dotted(written, pieces, short=name == "functions")
            except ValueError as error:
                yield Finding((*path, name, place), f'"{written}" names none', str(error))
    for place, written in enumerate(rule.hours):
        try:
            spans_of(written)
        except ValueError as error:
            yield Finding((*path, "hours", place), f'"{written}" are no hours', str(error))


def _never(rules: Sequence[tuple[int, Rule]]) -> Iterator[Finding]:
    index = Index()
    known: dict[tuple[object, ...], int] = {}
    for place, (number, rule) in enumerate(rules):
        twin = known.setdefault(_conditions(rule.said), place)
        earlier = twin if twin != place else _wider(rules, rule, index)
        if earlier is None:
            index.add(place, rule)
            continue
        other_number, other = rules[earlier]
        because: tuple[KeyPath, ...] = (("rules", number), ("rules", other_number))
        told = f'"{other.said.id}"'
        opposite = rule.said.action != other.said.action
        if twin != place and opposite:
            yield Finding(
                ("rules", number), f"it contradicts {told}, which has the same conditions",
                "remove one of them, or make them differ", because=because, beside=("rules", other_number),
            )  # fmt: skip
        else:
            yield Finding(
                ("rules", number), f"it is never reached: {told} comes first and fits whatever this one fits",
                "remove it, or put it first", "warning", because=because, beside=("rules", other_number),
            )  # fmt: skip


def _conditions(rule: FirewallRule) -> tuple[object, ...]:
    return tuple(
        frozenset(map(str, value)) if isinstance(value, tuple) else value
        for name in rule.__struct_fields__
        if name not in _BLANK
        for value in [getattr(rule, name)]
    )


def _wider(rules: Sequence[tuple[int, Rule]], rule: Rule, index: Index) -> int | None:
    """An earlier rule that fits whatever this one does."""
    near = set(index.always[:MOST_COMPARED])
    for dimensions, patterns in keys(rule):
        for dimension in dimensions if patterns else ():
            near.update(index.near(dimension, patterns[0]))
    near = {one for one in near if rules[one][1].asks <= rule.asks}
    return next((one for one in sorted(near) if _fits_all(rules[one][1], rule)), None)


def _fits_all(wide: Rule, narrow: Rule) -> bool:
    """Whether `wide` fits whatever `narrow` fits."""
    one, other = wide.said, narrow.said
    return (
        all(_covered(getattr(one, name), getattr(other, name)) for name in _PLAIN)
        and _nets(one.networks, other.networks)
        and (not wide.times or wide.times.minutes & _minutes(narrow) == _minutes(narrow))
        and _inner(wide, narrow)
    )


def _inner(wide: Rule, narrow: Rule) -> bool:
    """What is asked of the statement itself."""
    if not wide.denies and narrow.denies:
        # What is not certain the one lets pass, and the other denies.
        return not (wide.kinds or wide.tricks or wide.sorts)
    if wide.kinds and not (narrow.kinds and narrow.kinds <= wide.kinds):
        return False
    if wide.tricks and not (narrow.tricks and set(narrow.tricks) <= set(wide.tricks)):
        return False
    if not wide.sorts:
        return True
    if not narrow.denies and not (wide.sorts == narrow.sorts == 1):
        # What allows fits when any of its sorts is there.
        return False
    return all(
        _covered(mine, theirs, given=given)
        for mine, theirs, given in (
            (wide.schemas, narrow.schemas, bool(wide.schemas)),
            (wide.columns, narrow.columns, bool(wide.columns)),
            (wide.functions, narrow.functions, bool(wide.functions)),
        )
    ) and _tables(wide, narrow)


def _tables(wide: Rule, narrow: Rule) -> bool:
    if not (wide.tables or wide.reads or wide.writes):
        return True
    if wide.denies and narrow.denies:
        reads = not wide.reads or (bool(narrow.reads) and _covered(wide.reads, narrow.reads))
        writes = not wide.writes or (bool(narrow.writes) and _covered(wide.writes, narrow.writes))
        named = next((one for one in (narrow.tables, narrow.reads, narrow.writes) if one), ())
        tables = not wide.tables or any(
            one and _covered(wide.tables, one) for one in (narrow.tables, narrow.reads, narrow.writes)
        )
        return reads and writes and tables and bool(named)
    read, written = narrow.tables + narrow.reads, narrow.tables + narrow.writes
    if not read and not written:
        return False
    if wide.denies:
        # It asks for each of its sorts, of which what allows may have only one.
        given = [one for one in (wide.tables, wide.reads, wide.writes) if one]
        return len(given) == 1 and all(
            not theirs or (bool(mine) and _covered(mine, theirs))
            for mine, theirs in ((wide.tables + wide.reads, read), (wide.tables + wide.writes, written))
        )
    return all(
        not theirs or (bool(mine) and _covered(mine, theirs))
        for mine, theirs in ((wide.tables + wide.reads, read), (wide.tables + wide.writes, written))
    )


def _covered(
    wide: Sequence[str] | Sequence[Dotted],
    narrow: Sequence[str] | Sequence[Dotted],
    *,
    given: bool | None = None,
) -> bool:
    """Each pattern of `narrow` is covered by one of `wide`. Nothing given fits everything."""
    if not (bool(wide) if given is None else given):
        return True
    return bool(narrow) and all(any(_covers(mine, theirs) for mine in wide) for theirs in narrow)


def _covers(wide: str | Dotted, narrow: str | Dotted) -> bool:
    if isinstance(wide, Dotted) and isinstance(narrow, Dotted):
        return all(map(covers, wide.pieces, narrow.pieces))
    return isinstance(wide, str) and isinstance(narrow, str) and covers(wide, narrow)


def _nets(wide: Sequence[Network], narrow: Sequence[Network]) -> bool:
    if not wide:
        return True
    return bool(narrow) and all(any(_within(one, other) for other in wide) for one in narrow)


def _within(inner: Network, outer: Network) -> bool:
    if inner.net is None or outer.net is None:
        return inner.net is outer.net
    return inner.net.version == outer.net.version and inner.net.subnet_of(outer.net)  # type: ignore[arg-type]


def _minutes(rule: Rule) -> int:
    return rule.times.minutes if rule.times is not None else (1 << 7 * DAY) - 1
