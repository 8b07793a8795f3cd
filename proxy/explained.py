"""A plan in words: what is done with a statement, what it reads and writes, and every plugin's reason and time.

For `articdbm explain`, the console's EXPLAIN PLAN FOR and `articdbm replay`. It decides nothing, and says nothing of
what does not exist.
"""

from collections.abc import Iterable, Iterator

import msgspec

from plugins import statement
from plugins.catalogue import Names
from plugins.chain import Chain, Word
from plugins.conditions import Outcome
from plugins.model import Output, Reading, Source
from plugins.plan import Plan
from plugins.scope import Scope
from proxy.native import fingerprint


class Explained(msgspec.Struct, frozen=True):
    """A statement, judged."""

    plan: Plan
    words: tuple[Word, ...]
    exact: bool
    reading: Reading | None
    """None where there is no catalogue."""


def explain(chain: Chain, text: bytes, scope: Scope, names: Names | None, *, max_text: int) -> Explained:
    """Judge a statement as if a client had sent it."""
    conforming = not scope.is_off("standard_conforming_strings")
    _, exact, _ = fingerprint(text, standard_conforming_strings=conforming)
    read = statement.read(text, scope, exact=exact, max_text=max_text, names=names)
    words: list[Word] = []
    plan = chain.plan(read, scope, words)
    return Explained(plan, tuple(words), exact, read.reading if names is not None else None)


def facts(said: Explained) -> Iterator[tuple[str, str]]:
    """What people read, line by line."""
    plan = said.plan
    yield "action", plan.action
    if plan.action == "deny":
        yield "error", f"{plan.code} {plan.message}"
    yield "shareable", "yes" if plan.shareable else "no"
    yield "plan for", "this text alone" if said.exact else "every text that differs in literals only"
    if plan.pin is not None:
        yield "pin", plan.pin
    if plan.frees:
        yield "frees", "the server is asked what is left of what pinned"
    if plan.resets_all:
        yield "resets", "every setting"
    for name, value in plan.sets:
        yield ("resets", name) if value is None else ("sets", f"{name} = {value}")
    if plan.forgets_prepared:
        yield "forgets", "every prepared statement"
    if plan.changes_schema:
        yield "schema", "prepared statements elsewhere become doubtful"
    if plan.outdates:
        yield "outdates", "new connections may begin with other settings"
    for listens, channel in plan.channels:
        yield ("listens" if listens else "unlistens"), channel or "every channel"
    if plan.names:
        yield "names", f"a prepared statement: {plan.names} it"
    for branch in plan.branches:
        yield "when", f"{branch.name}: {_outcome(branch.then)}; in doubt: {_outcome(branch.unknown)}"
    if said.reading is not None:
        yield from _reading(said.reading)


def reasons(said: Explained) -> Iterator[str]:
    """The trail."""
    for number, step in enumerate(said.plan.trail, start=1):
        yield f"{number}. {step.plugin}, {step.rule}: {step.reason}"


def times(said: Explained) -> str:
    """Processor time of each plugin that was asked."""
    return ", ".join(f"{word.plugin} {word.seconds * 1000:.2f} ms" for word in said.words)


def _outcome(outcome: Outcome) -> str:
    return f"{outcome.what} {outcome.code} {outcome.message}".rstrip()


def _reading(reading: Reading) -> Iterator[tuple[str, str]]:
    for what, found in (("reads", reading.reads), ("writes", reading.writes)):
        if found.items or not found.whole:
            yield what, _listed(found.items, found.whole)
    for output in reading.outputs:
        yield "shows", f"{output.name or '(unnamed)'} from {_origin(output)}"
    if not reading.shown:
        yield "shows", "columns that are not known"
    for stored in reading.stores:
        if stored.origin.value or not stored.origin.sure:
            yield "stores", f"{stored.into} from {_origin(stored.origin)}"
    for doubt in reading.doubts:
        yield "doubt", doubt


def _origin(output: Output) -> str:
    told = ", ".join(sorted(map(str, output.value))) or "nothing stored"
    if output.condition:
        told += f"; decided by {', '.join(sorted(map(str, output.condition)))}"
    return told if output.sure else f"{told}; and what is not known"


def _listed(sources: Iterable[Source], whole: bool) -> str:
    told = ", ".join(sorted(map(str, sources)))
    return told if whole else f"{told} and what is not known" if told else "what is not known"
