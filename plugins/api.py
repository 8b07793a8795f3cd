"""What a plugin is. Its author needs this page, `statement.py`, `model.py`, `scope.py` and `plan.py`; `docs/plugins.md`
leads from nothing to one that is tested.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, Protocol, get_args

import msgspec

from config.quantities import Duration
from config.setting import Section, setting
from plugins.plan import Plan
from plugins.scope import Scope
from plugins.statement import Statement

Stage = Literal[
    "names",
    "firewall",
    "rights",
    "session",
    "rewriting",
    "masking",
    "routing",
    "caching",
    "limits",
    "sharing",
]
STAGES: tuple[Stage, ...] = get_args(Stage)
"""The order of the chain. A plugin sees what those of earlier stages decided; the first denial ends it."""


class PluginSettings(Section, frozen=True):
    """`[plugins.NAME]`: what every plugin has. A plugin's own settings are a subclass."""

    budget: Annotated[
        Duration,
        setting(
            "Processor time the plugin may take for one statement, once per plan. More counts as a failure: one that "
            "guards then denies, one that only observes is skipped.",
            "at once",
            least=1,
            most=60_000,
        ),
    ] = Duration(1_000)


class Judge(Protocol):
    """What the chain asks."""

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


class Plugin:
    """One capability. It is asked once per scope and fingerprint, never per execution, so it must depend on
    nothing else; what it decides by a literal holds only where `statement.exact` is true.

    It runs on the brain's one thread: what takes long there holds up every log-in and every new statement, and nobody
    can interrupt it."""

    name: ClassVar[str]
    """Of its settings, its entry point, and its steps on the trail: lower-case letters, digits and `_`."""
    stage: ClassVar[Stage]
    """Its place in the order. Within a stage: those of ArticDBM, then `plugins.load`'s in their order."""
    guards: bool
    """Whether a statement it cannot judge is denied (True), or goes on without its word (False)."""
    needs_catalogue: bool = False
    """It asks for `statement.reading`: then the catalogue of a database is read before its first statement is
    planned."""
    needs_application: bool = False
    """It asks for `scope.application`: then statements are planned for each name that clients give themselves."""
    networks: tuple[str, ...] = ()
    """Those it asks about in `scope.networks`, as CIDR. An instance may say its own, of this and of the two above."""
    Settings: ClassVar[type[PluginSettings]] = PluginSettings

    idle: bool = False
    """It has nothing to do, as it is told: then it is no part of the chain."""

    def __init__(self, settings: PluginSettings | None = None) -> None:
        self.settings = settings if settings is not None else self.Settings()

    @property
    def budget(self) -> float:
        return self.settings.budget.seconds

    def plan(self, statement: Statement, scope: Scope, plan: Plan) -> Plan:  # noqa: ARG002 - what overrides it uses them
        """`plan`, which the plugins before it have agreed on, as this one would have it (`plan.because(…)`)."""
        return plan

    def observe(self, executions: Sequence["Executions"]) -> None:
        """What became of planned statements, now and then, off the way of any of them. It decides nothing."""


class Executions(msgspec.Struct, frozen=True):
    """The executions of one planned statement since the process started, as far as the core remembers."""

    fingerprint: str
    listener: str
    user: str
    database: str
    action: str
    mean_us: int
    """At the server, of the last ones."""
    mean_bytes: int
    sampled: int = 0
    """How many, from a sample of one in 16; 0 where it is not among the busiest. Of every scope together, as the two
    below."""
    seconds: float = 0.0
    longest_ms: float = 0.0


class Question(msgspec.Struct, frozen=True):
    """A statement whose plan says `answer`, for who answers it."""

    text: bytes
    scope: Scope


class Answered(msgspec.Struct, frozen=True):
    """Columns by name, and rows; or, for a statement that gives none, what it did (`INSERT 0 1`)."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()
    tag: str = ""


class Answerer(Protocol):
    """Replies in a server's place: a store that speaks no supported wire. `protocols/<db>/replies.py` makes the
    client's wire of what it gives; what it raises becomes that wire's error."""

    @property
    def name(self) -> str: ...

    async def answer(self, question: Question) -> Answered: ...
