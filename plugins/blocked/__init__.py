"""The kill switch: what an operator has blocked, this minute, by hand. In front of all other plugins.

It owns the list and judges by it; who may change it, and how the core hears of a change, is the console's affair. A
reload leaves it as it is; a restart begins with an empty one.
"""

from typing import Literal, get_args

import msgspec

from plugins.api import Plugin
from plugins.plan import Plan
from plugins.scope import Scope
from plugins.statement import Statement

What = Literal["user", "application", "network", "fingerprint"]
WHATS: tuple[What, ...] = get_args(What)
MOST = 1_000
CODE = "42501"
MESSAGE = "this is blocked by an administrator of the proxy"


class Block(msgspec.Struct, frozen=True):
    """One entry of the list."""

    what: What
    value: str
    since: float


class Blocked(Plugin):
    """Guards: with it alone nothing else of a statement has to be understood."""

    name = "blocked"
    stage = "names"
    guards = True

    def __init__(self) -> None:
        super().__init__()
        self._blocks: dict[tuple[What, str], Block] = {}

    @property
    def blocks(self) -> tuple[Block, ...]:
        return tuple(self._blocks.values())

    def add(self, block: Block) -> bool:
        """False: there are as many as there may be."""
        if len(self._blocks) >= MOST and (block.what, block.value) not in self._blocks:
            return False
        self._blocks.setdefault((block.what, block.value), block)
        self._asks()
        return True

    def remove(self, what: What, value: str) -> bool:
        """False: it was not blocked."""
        found = self._blocks.pop((what, value), None)
        self._asks()
        return found is not None

    def plan(self, statement: Statement, scope: Scope, plan: Plan) -> Plan:
        who: list[tuple[What, str]] = [
            ("user", scope.user),
            ("application", scope.application),
            ("fingerprint", statement.fingerprint),
            *(("network", network) for network in scope.networks),
        ]
        for what, value in who:
            if value and (what, value) in self._blocks:
                reason = f"the {what} {value} is blocked at the console"
                return plan.denied(self.name, what, reason, code=CODE, message=MESSAGE)
        return plan

    def keeps_out(self, user: str) -> bool:
        """Such a client is not let in, whatever it would say."""
        return ("user", user) in self._blocks

    def _asks(self) -> None:
        self.needs_application = any(what == "application" for what, _ in self._blocks)
        self.networks = tuple(value for what, value in self._blocks if what == "network")
