"""What one statement leaves behind, and what several in one text leave behind together. Data and its arithmetic."""

from collections.abc import Sequence

import msgspec

from plugins.plan import Change, Hearing, Names, Point

MAX_SETS = 64
MEANING = frozenset(
    {"client_encoding", "role", "search_path", "session_authorization", "standard_conforming_strings"}
)
"""Settings that change what a statement means. Those whose changes are followed belong to a scope."""
NAMED = "sql-prepare"


class Effect(msgspec.Struct, frozen=True):
    """What stays in the session when a statement has succeeded, by which rule, and why."""

    rule: str
    reason: str
    sets: tuple[Change, ...] = ()
    local_sets: tuple[tuple[str, str], ...] = ()
    """Until its transaction ends; only of what changes meaning."""
    resets_all: bool = False
    point: Point | None = None
    pin: str | None = None
    """Reasons, with ` + ` between them."""
    frees: bool = False
    """What pinned may be gone after it."""
    discards: bool = False
    forgets_prepared: bool = False
    changes_schema: bool = False
    channels: tuple[Hearing, ...] = ()
    blurs: bool = False
    """What later statements mean may be another from here on, and their scope does not tell."""
    outdates: bool = False
    """Connections made later may begin with settings that give statements another meaning."""
    names: Names | None = None
    """It is about a prepared statement that is named in SQL."""
    aside: bool = False
    """The proxy answers it where it can, and needs none of the rest."""

    @property
    def means(self) -> bool:
        """What later statements mean may be another from here on, whether or not it is followed."""
        return bool(
            self.blurs or self.resets_all or self.local_sets or any(name in MEANING for name, _ in self.sets)
        )

    @property
    def lasting(self) -> bool:
        return bool(
            self.sets
            or self.resets_all
            or self.pin
            or self.frees
            or self.channels
            or self.forgets_prepared
            or self.changes_schema
            or self.outdates
        )


NONE = Effect("none", "leaves nothing in the session")


def pins(*reasons: str | None) -> str | None:
    """All of these reasons as one, each once: a session is free when the last of them is gone."""
    each = dict.fromkeys(one for reason in reasons if reason for one in reason.split(" + "))
    return " + ".join(each) or None


def together(effects: Sequence[Effect], *, doubtful: bool, divided: bool) -> tuple[Effect, Sequence[Effect]]:
    """The effect of a text's statements, in their order, and those that made it what it is. `doubtful`: the text may
    succeed without all of it having happened. `divided`: a transaction begins or ends in it."""
    if len(effects) == 1:
        return effects[0], ()
    sets: dict[str, str | None] = {}
    resets_all = False
    for effect in effects:
        if effect.resets_all:
            # The role is none of all settings.
            sets, resets_all = {name: value for name, value in sets.items() if name == "role"}, True
            doubtful = doubtful or any(one.point == ("passes", "") for one in effects)
        for name, value in effect.sets:
            sets.pop(name, None)
            sets[name] = value
    steps = [effect for effect in effects if effect.lasting]
    # Among others in a text the name of a prepared statement is not followed.
    pin = pins(*(effect.pin or (NAMED if effect.names == "makes" else None) for effect in effects))
    rule, reason = "text", f"{len(effects)} statements in one text" if effects else "nothing to run"
    if (sets or resets_all) and doubtful and pin is None:
        pin = "set inside a batch"
        reason += "; it changes settings, and a transaction in it may be rolled back"
    elif len(sets) > MAX_SETS and pin is None:
        pin = "too many settings"
        reason += f"; it changes more than {MAX_SETS} settings"
    dropped = pin in ("set inside a batch", "too many settings")
    whole = Effect(
        rule,
        reason,
        sets=() if dropped else tuple(sets.items()),
        resets_all=resets_all and pin != "set inside a batch",
        point=_point(effects),
        pin=pin,
        frees=any(effect.frees for effect in effects) or (pin is not None and divided),
        discards=any(effect.discards for effect in effects),
        channels=tuple(channel for effect in effects for channel in effect.channels),
        forgets_prepared=any(effect.forgets_prepared for effect in effects),
        changes_schema=any(effect.changes_schema for effect in effects),
        blurs=any(effect.blurs or effect.local_sets or (dropped and effect.means) for effect in effects),
        outdates=any(effect.outdates for effect in effects),
    )
    return whole, steps


def _point(effects: Sequence[Effect]) -> Point | None:
    whats = {effect.point[0] for effect in effects if effect.point}
    if whats & {"makes", "frees", "returns", "fetches"}:
        return ("unseen", "")
    return ("ends" if "ends" in whats else "passes", "") if whats else None
