"""Functions that leave something in the session, found wherever a text calls them.

Found by name before a bracket, so a call that would never run counts too: a pin too many costs a connection, one too
few gives it to somebody else. Owns the names; `set_config`, which can be followed, is read in `settings.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import msgspec

from plugins.session.effect import Effect, pins
from plugins.session.settings import set_config
from plugins.session.values import arguments
from plugins.statement import Call, calls
from plugins.tokens import NAMES, Token

_ADVISORY = "advisory lock"
_SEQUENCE = "sequence state"
_TEXT = "runs text as a statement"
_SLOT = "temporary replication slot"


def _each(names: Iterable[str], reason: str) -> dict[str, str]:
    return dict.fromkeys(names, reason)


OURS: Mapping[str, str] = MappingProxyType(
    _each(
        (
            "pg_advisory_lock",
            "pg_advisory_lock_shared",
            "pg_try_advisory_lock",
            "pg_try_advisory_lock_shared",
        ),
        _ADVISORY,
    )
    # What nextval() last gave *this session*. Asking for it at all means that the client counts on one session.
    | _each(("currval", "lastval"), _SEQUENCE)
    | _each(("setseed",), "random seed")
    | _each(
        ("query_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema", "ts_stat", "ts_rewrite"), _TEXT
    )
    | _each(
        ("pg_replication_origin_session_setup", "pg_replication_origin_session_reset"), "replication origin"
    )
    | _each(("pg_backup_start", "pg_start_backup"), "backup")
)
"""The server's own, by name: in `pg_catalog`, or written without a schema."""

EXTENSIONS: Mapping[str, str] = MappingProxyType(
    _each(("dblink_connect", "dblink_connect_u", "dblink_open"), "dblink connection")
    | _each(("set_limit",), "set_limit")
    | _each(
        ("crosstab", "crosstab2", "crosstab3", "crosstab4", "crosstabn", "connectby", "xpath_table"), _TEXT
    )
)
"""Those of contributed extensions, in whatever schema they were put."""

FREEING = frozenset({"pg_advisory_unlock", "pg_advisory_unlock_shared", "pg_advisory_unlock_all"})
TRYING = frozenset({"pg_try_advisory_lock", "pg_try_advisory_lock_shared"})
"""What they may not have done, the server knows."""

_SLOTS = {"pg_create_physical_replication_slot": 3, "pg_create_logical_replication_slot": 3}
"""Makes a slot; that argument says whether it goes with the session."""

_TELLING = frozenset({*OURS, *EXTENSIONS, *FREEING, *TRYING, *_SLOTS, "set_config", "pg_settings"})
"""Where none of these names stands there is nothing to find."""


def effect_of_calls(
    tokens: Sequence[Token], said: frozenset[str], *, exact: bool, runs: bool
) -> Effect | None:
    """What the functions called leave behind. `said`: the names that stand in it, or more. `runs`: they are certain to
    run when the statement succeeds, so that a setting they change can be followed."""
    if _TELLING.isdisjoint(said):
        return None
    called = calls(tokens)
    reasons: dict[str, str] = {}
    for call in called:
        reason = EXTENSIONS.get(call.name) or (OURS.get(call.name) if call.ours else None)
        if call.ours and call.name in _SLOTS and len(arguments(tokens, call.at + 1)) >= _SLOTS[call.name]:
            reason = _SLOT
        if reason:
            reasons.setdefault(reason, call.name)
    ours = {call.name for call in called if call.ours}
    frees = bool(ours & (FREEING | TRYING))
    others = _settings(tokens, called, exact=exact, runs=runs and not reasons)
    if reasons:
        names = ", ".join(f"{name}()" for name in reasons.values())
        pin = pins(*reasons, others.pin if others else None)
        blurs = others is not None and others.blurs
        return Effect("function", f"calls {names}", pin=pin, frees=frees, blurs=blurs)
    if frees:
        effect = others or Effect("function", "may end what pinned the session")
        return msgspec.structs.replace(effect, frees=True)
    return others


def _settings(tokens: Sequence[Token], called: Sequence[Call], *, exact: bool, runs: bool) -> Effect | None:
    places = [call.at for call in called if call.ours and call.name == "set_config"]
    if places:
        return set_config(tokens, places, exact=exact, runs=runs)
    if _changes_pg_settings(tokens):
        return Effect("pg_settings", "changing pg_settings changes settings", pin="set_config", blurs=True)
    return None


def _changes_pg_settings(tokens: Sequence[Token]) -> bool:
    """An UPDATE of that view calls set_config() for each row."""
    return any(token.name == "pg_settings" and token.kind in NAMES for token in tokens) and any(
        token.word in ("update", "merge") for token in tokens
    )
