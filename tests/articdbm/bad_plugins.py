"""Plugins with one thing wrong each, and two that are right, for `test_plugins.py`."""

from typing import Annotated

from config.setting import setting
from plugins.api import Plugin, PluginSettings
from plugins.plan import Plan
from plugins.scope import Scope
from plugins.statement import Statement


class _Plans(Plugin):
    stage = "limits"
    guards = False

    def plan(self, statement: Statement, scope: Scope, plan: Plan) -> Plan:
        return plan.because(self.name, "x", "y")


class Bare(Plugin):
    pass


class Other(_Plans):
    name = "another"


class Taken(_Plans):
    name = "session"


class Stageless(_Plans):
    name = "stageless"
    stage = "whenever"  # type: ignore[assignment]


class Maybe(_Plans):
    name = "maybe"
    guards = "yes"  # type: ignore[assignment]


class Settled(_Plans):
    name = "settled"
    Settings = dict  # type: ignore[assignment]


class _Unsaid(PluginSettings, frozen=True):
    most: int = 3
    told: Annotated[int, setting("Told.", "at once")] = 3


class Unsaid(_Plans):
    name = "unsaid"
    Settings = _Unsaid


class Idle(Plugin):
    name = "idle"
    stage = "limits"
    guards = False


class First(_Plans):
    name = "first"


class Second(_Plans):
    name = "second"
