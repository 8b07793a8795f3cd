"""What a plugin is. Its author needs this page, `statement.py`, `scope.py` and `plan.py`."""

from typing import Protocol

from plugins.plan import Plan
from plugins.scope import Scope
from plugins.statement import Statement


class Plugin(Protocol):
    """One capability. It is asked once per scope and fingerprint, never per execution, so it must depend on
    nothing else; what it decides by a literal holds only where `statement.exact` is true."""

    @property
    def name(self) -> str:
        """What the trail calls it."""
        ...

    @property
    def guards(self) -> bool:
        """A plugin that guards and fails denies the statement; one that does not is skipped."""
        ...

    @property
    def budget(self) -> float:
        """Seconds of processor time it may take. More counts as a failure."""
        ...

    def plan(self, statement: Statement, scope: Scope, plan: Plan) -> Plan:
        """`plan`, which the plugins before it have agreed on, as this one would have it (`plan.because(…)`)."""
        ...
