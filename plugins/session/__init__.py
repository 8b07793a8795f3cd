"""What a statement leaves behind in its session: settings, and state that only this very connection has.

It sees what the text says. What a user's own function, procedure, trigger or view does inside stays unseen, as it
does for every pooler. Decides nothing about where a statement may run.
"""

from plugins.api import Plugin
from plugins.plan import Plan
from plugins.scope import Scope
from plugins.session.commands import UNREAD, effect_of
from plugins.session.effect import together
from plugins.session.transactions import may_roll_back
from plugins.statement import Statement


class SessionEffects(Plugin):
    """Guards: a state missed here would be another client's next."""

    name = "session"
    stage = "session"
    guards = True

    def plan(self, statement: Statement, scope: Scope, plan: Plan) -> Plan:
        if statement.trouble:
            return plan.because(self.name, "unread", statement.trouble, pin=UNREAD)
        effects = [effect_of(part, scope, exact=statement.exact) for part in statement.parts]
        divided = any(part.kind == "transaction" for part in statement.parts)
        whole, steps = together(effects, doubtful=may_roll_back(statement.parts), divided=divided)
        for effect in steps:
            plan = plan.because(self.name, effect.rule, effect.reason)
        return plan.because(
            self.name,
            whole.rule,
            whole.reason,
            sets=whole.sets,
            local_sets=whole.local_sets,
            resets_all=whole.resets_all,
            point=whole.point,
            pin=whole.pin,
            frees=whole.frees,
            discards=whole.discards,
            channels=whole.channels,
            forgets_prepared=whole.forgets_prepared,
            changes_schema=whole.changes_schema,
            blurs=whole.blurs,
            outdates=whole.outdates,
            names=whole.names,
            aside=whole.aside,
        )


__all__ = ["UNREAD", "SessionEffects"]
