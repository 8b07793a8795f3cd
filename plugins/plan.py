"""What is to be done with a statement: plain data, and the trail that says why.

The core executes all of it but the trail, which is for people.
"""

from typing import Any, Literal, Self

import msgspec

from plugins.conditions import Branch, Condition, Outcome

Action = Literal["forward", "deny", "answer"]
Names = Literal["makes", "runs", "drops"]
Change = tuple[str, str | None]
"""A setting and its value as SQL text; None puts it back to its start."""


Point = tuple[Literal["makes", "frees", "returns", "fetches", "passes", "ends", "unseen"], str]
"""SAVEPOINT, RELEASE, ROLLBACK TO, with the savepoint's name; FETCH or MOVE; something set until the transaction ends;
its end; or a text in which one of the first four stands with other statements."""

Hearing = tuple[bool, str | None]
"""LISTEN (True) or UNLISTEN, and the channel; None is all of them."""


WOULD = "would deny: "
"""How the reason of a plugin begins that only says what it would do."""


class Step(msgspec.Struct, frozen=True):
    """One plugin's word on the plan."""

    plugin: str
    rule: str
    reason: str


class Plan(msgspec.Struct, frozen=True):
    """The fields mean what `proxy/_core.pyi` says of them. In `sets`, what `resets_all` undoes is left out."""

    action: Action = "forward"
    shareable: bool = False
    branches: tuple[Branch, ...] = ()
    sets: tuple[Change, ...] = ()
    local_sets: tuple[tuple[str, str], ...] = ()
    """The same until the transaction ends, of settings that change what statements mean."""
    resets_all: bool = False
    point: Point | None = None
    pin: str | None = None
    frees: bool = False
    discards: bool = False
    channels: tuple[Hearing, ...] = ()
    forgets_prepared: bool = False
    changes_schema: bool = False
    blurs: bool = False
    """What later statements mean may be another from here on, and their scope does not tell. Where somebody guards the
    chain denies it, so the core never hears of it."""
    outdates: bool = False
    """New connections may begin with other settings than those that are open began with. The proxy has it looked into;
    the core never hears of it."""
    names: Names | None = None
    aside: bool = False
    until: float | None = None
    """It holds up to this moment (seconds since 1970), and is made anew then; None is for good."""
    code: str = ""
    message: str = ""
    trail: tuple[Step, ...] = ()

    def because(self, plugin: str, rule: str, reason: str, **changes: Any) -> Self:
        """This plan with `changes`, and a step on its trail that accounts for them."""
        step = Step(plugin, rule, reason)
        return msgspec.structs.replace(self, trail=(*self.trail, step), **changes)

    def when(
        self,
        condition: Condition,
        plugin: str,
        rule: str,
        reason: str,
        *,
        then: Outcome,
        unknown: Outcome | None = None,
    ) -> Self:
        """This plan with a branch: where the condition is met, `then` holds. In doubt `unknown` does, which is `then`
        unless it is said: whoever guards denies. Branches are asked in order, and the first denial ends it."""
        branch = Branch(f"{plugin}: {rule}", condition, then, then if unknown is None else unknown)
        return self.because(plugin, rule, reason, branches=(*self.branches, branch))

    def denied(self, plugin: str, rule: str, reason: str, *, code: str, message: str) -> Self:
        """This plan turned into a denial: whatever else it said no longer holds."""
        return type(self)(action="deny", code=code, message=message, trail=self.trail).because(
            plugin, rule, reason
        )
