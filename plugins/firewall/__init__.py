"""The firewall: ordered rules about who may say what, where and when. The first that fits decides.

Asks of a statement what `facts.py` knows, of the rules those that `index.py` finds. A text of several statements goes
through when each of them does. It says on the trail which rule decided; a client hears the same whichever it was.
"""

from collections.abc import Iterable

import msgspec

from config.errors import Finding
from plugins.api import Plugin, PluginSettings
from plugins.firewall.conflicts import OTHERWISE, findings
from plugins.firewall.facts import Facts, facts
from plugins.firewall.hours import zone
from plugins.firewall.index import Index
from plugins.firewall.rules import Fit, ready
from plugins.firewall.seen import MAYBE
from plugins.firewall.settings import FirewallRule, FirewallSettings
from plugins.plan import WOULD, Plan
from plugins.scope import Scope
from plugins.statement import Statement

CODE = "42501"


class Verdict(msgspec.Struct, frozen=True):
    """What becomes of one statement, by which rule, and until when that holds."""

    denied: bool
    rule: str
    reason: str
    until: float | None = None


class Firewall(Plugin):
    """Guards where it enforces; in the shadow it says on the trail what it would do."""

    name = "firewall"
    stage = "firewall"
    guards = True
    Settings = FirewallSettings

    def __init__(self, settings: PluginSettings | None = None) -> None:
        told = settings if isinstance(settings, FirewallSettings) else FirewallSettings()
        super().__init__(told)
        self._told = told
        where = zone(told.timezone)
        self._rules = tuple(ready(rule, where) for rule in told.rules)
        self._index = Index(self._rules)
        self.idle = not told.rules and told.otherwise == "allow"
        self.guards = told.mode == "enforce" and not self.idle
        self.needs_catalogue = any(rule.sorts for rule in self._rules)
        self.needs_application = any(rule.applications is not None for rule in self._rules)
        self.networks = tuple(sorted({one for rule in self._rules for one in rule.networks}))

    @classmethod
    def check(cls, settings: PluginSettings) -> Iterable[Finding]:
        return findings(settings) if isinstance(settings, FirewallSettings) else ()

    def plan(self, statement: Statement, scope: Scope, plan: Plan) -> Plan:
        enforced = self._told.mode == "enforce"
        many = len(statement.parts) > 1
        steps: dict[tuple[str, str], None] = {}
        until = plan.until
        for one in facts(statement):
            verdict = self._judge(one, scope)
            until = min((end for end in (until, verdict.until) if end is not None), default=None)
            reason = (
                f"statement {one.number + 1}: {verdict.reason}" if many and verdict.denied else verdict.reason
            )
            if verdict.denied and enforced:
                # What went through before it does not go through either.
                denied = plan.denied(
                    self.name, verdict.rule, reason, code=CODE, message=str(self._told.message)
                )
                return msgspec.structs.replace(denied, until=until)
            steps[verdict.rule, WOULD + reason if verdict.denied else reason] = None
        for rule, reason in steps:
            plan = plan.because(self.name, rule, reason, until=until)
        return plan

    def _judge(self, one: Facts, scope: Scope) -> Verdict:
        until: float | None = None
        for number in self._index.candidates(one, scope):
            rule = self._rules[number]
            fit = rule.fits(one, scope)
            if not fit.sure or (fit.sure == MAYBE and not rule.denies):
                continue
            if rule.times is not None:
                end = rule.times.until(scope.moment)
                until = end if until is None else min(until, end)
                if not rule.times.hold(scope.moment):
                    continue
            return Verdict(rule.denies, rule.said.id, _reason(rule.said, fit), until)
        denied = self._told.otherwise == "deny"
        return Verdict(
            denied, OTHERWISE, f"no rule fits, so it is {'denied' if denied else 'allowed'}", until
        )


def _reason(rule: FirewallRule, fit: Fit) -> str:
    told = (
        f"{rule.severity}: {rule.reason or 'denied'}"
        if rule.action == "deny"
        else str(rule.reason or "allowed")
    )
    told += f" ({', '.join(fit.what)})" if fit.what else ""
    return f"{told}; cannot be ruled out: {fit.doubt}" if fit.sure == MAYBE else told
