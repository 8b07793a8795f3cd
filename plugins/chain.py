"""The one list of plugins, in order, and how it is asked.

Owns order, budgets and what a plugin's failure means; knows nothing of what any of them decides.
"""

import time
from collections.abc import Callable, Sequence

from plugins.api import Plugin
from plugins.plan import Plan
from plugins.reserved import ReservedNames
from plugins.scope import Scope
from plugins.session import SessionEffects
from plugins.sharing import Sharing
from plugins.statement import Statement

Report = Callable[[str, str], None]
"""Told the plugin's name and what went wrong, without anything of the statement."""


def standard() -> tuple[Plugin, ...]:
    """The chain. A plugin sees what those above it decided; the first denial ends it."""
    return (
        ReservedNames(),
        SessionEffects(),
        Sharing(),  # last: whatever was found out above may forbid it
    )


class Chain:
    """Asks each plugin in order."""

    def __init__(
        self,
        plugins: Sequence[Plugin],
        *,
        clock: Callable[[], float] = time.thread_time,
        report: Report | None = None,
    ) -> None:
        self.plugins = tuple(plugins)
        self._clock = clock
        self._report = report

    def plan(self, statement: Statement, scope: Scope) -> Plan:
        plan = Plan()
        for plugin in self.plugins:
            plan = self._ask(plugin, statement, scope, plan)
            if plan.action == "deny":
                break
        return plan

    def _ask(self, plugin: Plugin, statement: Statement, scope: Scope, plan: Plan) -> Plan:
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
        if not isinstance(proposed, Plan):
            return self._failed(
                plugin, plan, "raised", f"answered with {type(proposed).__name__}, not with a Plan"
            )
        return proposed

    def _failed(self, plugin: Plugin, plan: Plan, rule: str, what: str) -> Plan:
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
