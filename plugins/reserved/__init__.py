"""Names of prepared statements that are the core's own: SQL may neither run, nor drop, nor make one.

On a server connection the core keeps clients' statements under names of its own (`proxy/core/src/prepared.rs`). To a
client they do not exist. It sees names that are written out; what a function builds from strings stays unseen.
"""

import re
from collections.abc import Sequence

from plugins.api import Plugin
from plugins.plan import Plan
from plugins.scope import Scope
from plugins.statement import Statement, word
from plugins.tokens import NAMES, Token, shortened

OURS = re.compile(r"articdbm_[0-9a-f]{8}_")
_NAMING = frozenset({"execute", "deallocate", "prepare"})


class ReservedNames(Plugin):
    """Guards: a statement dropped here would be missing to whoever made it."""

    name = "reserved"
    stage = "names"
    guards = True

    def plan(self, statement: Statement, scope: Scope, plan: Plan) -> Plan:  # noqa: ARG002 - every plugin is given it
        for part in statement.parts:
            if _NAMING.isdisjoint(part.said):
                continue
            verb = ""
            for at, token in enumerate(part.tokens):
                if verb in _NAMING and _ours(token):
                    return self._denied(plan, token, makes=verb == "prepare" and not _drops(part.tokens, at))
                verb = token.word
        return plan

    def _denied(self, plan: Plan, token: Token, *, makes: bool) -> Plan:
        name = shortened(token.name)
        if makes:
            return plan.denied(
                self.name,
                "makes",
                "gives a prepared statement a name of the proxy's own",
                code="0A000",
                message=f'prepared statement name "{name}" is reserved for the proxy; use another name',
            )
        return plan.denied(
            self.name,
            "names",
            "names a prepared statement of the proxy's own",
            code="26000",
            message=f'prepared statement "{name}" does not exist',
        )


def _ours(token: Token) -> bool:
    return token.kind in NAMES and OURS.match(token.name) is not None


def _drops(tokens: Sequence[Token], at: int) -> bool:
    """Whether the PREPARE before `at` is that of DEALLOCATE PREPARE."""
    return word(tokens, at - 2) == "deallocate"


__all__ = ["ReservedNames"]
