"""The one list of plugins, in order, and how it is asked.

Owns budgets and what a plugin's failure means; which plugins there are and in which order is `registry.py`'s, and it
knows nothing of what any of them decides.

A budget is looked at when the plugin has answered. One that never does cannot be interrupted safely from outside: what
it holds (a lock, a half-written table) would stay so. Known statements go on being carried meanwhile; new ones and
log-ins wait, and the service's watchdog, which the same thread has to feed, ends the process.
"""

import time
from collections.abc import Callable, Sequence
from typing import get_type_hints

import msgspec
from msgspec.structs import astuple

from plugins.api import Executions, Judge, Plugin
from plugins.conditions import Branch
from plugins.plan import Plan, Step
from plugins.scope import Scope
from plugins.statement import Statement

Report = Callable[[str, str], None]
"""Told the plugin's name and what went wrong, without anything of the statement."""


OWN = frozenset({"reserved", "session", "sharing"})
"""The plugins that every chain has."""
_BY_HAND = "blocked"
"""What it denies it knows without understanding any statement."""
BLURS = "it changes what later statements mean where nobody who judges them could see it"
FOLLOWED = (
    "followed is SET of search_path, role or client_encoding, and of search_path and role SET LOCAL too, "
    "as statements of their own with their values written out"
)


class Word(msgspec.Struct, frozen=True):
    """What one plugin did to a plan, and how long it took."""

    plugin: str
    steps: tuple[Step, ...]
    seconds: float


class Chain:
    """Asks each plugin in order."""

    def __init__(
        self,
        plugins: Sequence[Judge],
        *,
        clock: Callable[[], float] = time.thread_time,
        report: Report | None = None,
    ) -> None:
        self.plugins = tuple(plugins)
        self._clock = clock
        self._report = report

    @property
    def needs_catalogue(self) -> bool:
        """One of them asks what statements read."""
        return any(isinstance(one, Plugin) and one.needs_catalogue for one in self.plugins)

    @property
    def needs_application(self) -> bool:
        """One of them asks what clients call themselves."""
        return any(isinstance(one, Plugin) and one.needs_application for one in self.plugins)

    @property
    def networks(self) -> tuple[str, ...]:
        """Those that some of them asks about."""
        asked = (network for one in self.plugins if isinstance(one, Plugin) for network in one.networks)
        return tuple(dict.fromkeys(asked))

    @property
    def guarded(self) -> bool:
        """Somebody judges what statements mean, besides the house's own plugins."""
        return any(one.guards and one.name not in {*OWN, _BY_HAND} for one in self.plugins)

    @property
    def observes(self) -> bool:
        """One of them wants to hear of executions."""
        return any(_observes(one) for one in self.plugins)

    def plan(self, statement: Statement, scope: Scope, words: list[Word] | None = None) -> Plan:
        """`words`: takes what each plugin said, for people who ask why."""
        plan = Plan()
        for plugin in self.plugins:
            before, began = len(plan.trail), self._clock() if words is not None else 0.0
            agreed = plan
            plan = self._ask(plugin, statement, scope, agreed)
            if plan.action == "deny" and statement.gives_up and plugin.name not in OWN:
                plan = agreed.because(
                    plugin.name, "overruled", "it denies what only undoes; nobody is kept in a transaction"
                )
            if words is not None:
                words.append(Word(plugin.name, plan.trail[before:], self._clock() - began))
            if plan.action == "deny":
                break
        if plan.blurs and plan.action != "deny" and self.guarded:
            return plan.denied("session", "unseen", BLURS, code="0A000", message=f"{BLURS}; {FOLLOWED}")
        return plan

    def observe(self, executions: Sequence[Executions]) -> None:
        """Tell those who observe. One that fails is reported, and asked again the next time."""
        for plugin in self.plugins:
            if not isinstance(plugin, Plugin) or not _observes(plugin):
                continue
            began = self._clock()
            try:
                plugin.observe(executions)
                took = self._clock() - began
                trouble = f"overran: {took * 1000:.0f} ms" if took > plugin.budget else ""
            except Exception as error:  # noqa: BLE001 - it decides nothing, so nothing follows
                trouble = f"raised: {type(error).__name__}"
            if trouble and self._report is not None:
                self._report(plugin.name, f"observing {trouble}")

    def _ask(self, plugin: Judge, statement: Statement, scope: Scope, plan: Plan) -> Plan:
        began = self._clock()
        try:
            proposed: object = plugin.plan(statement, scope, plan)
            took = self._clock() - began
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises, the chain's answer is the same
            return self._failed(plugin, plan, "raised", type(error).__name__)
        if took > plugin.budget:
            return self._failed(
                plugin, plan, "overran", f"{took * 1000:.0f} ms of {plugin.budget * 1000:.0f} ms"
            )
        nonsense = _nonsense(proposed, plan)
        if nonsense or not isinstance(proposed, Plan):
            return self._failed(plugin, plan, "raised", nonsense)
        return proposed

    def _failed(self, plugin: Judge, plan: Plan, rule: str, what: str) -> Plan:
        if self._report is not None:
            self._report(plugin.name, f"{rule}: {what}")
        if not plugin.guards:
            return plan.because(plugin.name, rule, f"{what}; it only observes and is skipped")
        return plan.denied(
            plugin.name,
            rule,
            f"{what}; it guards, so the statement is denied",
            code="XX000",
            message=f'internal error: plugin "{plugin.name}" could not judge this statement',
        )


_TYPES = get_type_hints(Plan)


def _observes(plugin: Judge) -> bool:
    return isinstance(plugin, Plugin) and type(plugin).observe is not Plugin.observe


def _nonsense(proposed: object, before: Plan) -> str:
    """Why this is no answer; empty when it is one. A plan is data that somebody else's code may have made."""
    if not isinstance(proposed, Plan):
        return f"answered with {type(proposed).__name__}, not with a Plan"
    if proposed is before:
        return ""
    fields = zip(_TYPES, astuple(proposed), astuple(before), strict=False)
    for name, said in [(name, said) for name, said, was in fields if said is not was and name != "trail"]:
        if name == "branches":
            if not (isinstance(said, tuple) and all(isinstance(one, Branch) for one in said)):
                return "answered with a Plan whose branches is of the wrong type"
        else:
            if isinstance(said, bool) and _TYPES[name] is bool:
                continue
            try:
                msgspec.convert(msgspec.to_builtins(said), _TYPES[name])
            except (msgspec.MsgspecError, TypeError, ValueError):
                return f"answered with a Plan whose {name} is of the wrong type"
    if not all(isinstance(step, Step) for step in proposed.trail):
        return "answered with a Plan whose trail is of the wrong type"
    if proposed.action == "deny" and not (len(proposed.code) == 5 and proposed.message):
        return "denied without a code of five characters and a message"
    if proposed.trail[: len(before.trail)] != before.trail:
        return "answered with a Plan that lacks what was said before"
    return ""
