"""Where a value comes from, while it is being worked out: sets of fields, and their arithmetic. Data only."""

from collections.abc import Iterable

import msgspec

from plugins.model import Field, Output

NONE: frozenset[Field] = frozenset()


class Origin(msgspec.Struct, frozen=True):
    """As `Output` has it, without a name."""

    value: frozenset[Field] = NONE
    condition: frozenset[Field] = NONE
    views: frozenset[Field] = NONE
    sure: bool = True
    condition_sure: bool = True

    def and_also(self, *others: "Origin") -> "Origin":
        """A value computed from all of these."""
        return joined((self, *others))

    def when(self, *others: "Origin") -> "Origin":
        """The same value, if and where these allow it."""
        if not others:
            return self
        return Origin(
            self.value,
            self.condition.union(*(one.value | one.condition | one.views for one in others)),
            self.views,
            self.sure,
            self.condition_sure and all(one.sure and one.condition_sure for one in others),
        )

    def as_condition(self) -> "Origin":
        return CONSTANT.when(self)

    def through(self, field: Field) -> "Origin":
        """The same value, as a view's column."""
        return Origin(self.value, self.condition, self.views | {field}, self.sure, self.condition_sure)

    def output(self, name: str) -> Output:
        only = self.condition - self.value - self.views
        return Output(name, self.value, only, self.views, self.sure, self.condition_sure)


CONSTANT = Origin()
ANYTHING = Origin(sure=False, condition_sure=False)


def joined(origins: Iterable[Origin]) -> Origin:
    """A value computed from all of these."""
    all_of = [one for one in origins if one is not CONSTANT]
    if not all_of:
        return CONSTANT
    if len(all_of) == 1:
        return all_of[0]
    return Origin(
        NONE.union(*(one.value for one in all_of)),
        NONE.union(*(one.condition for one in all_of)),
        NONE.union(*(one.views for one in all_of)),
        all(one.sure for one in all_of),
        all(one.condition_sure for one in all_of),
    )


def of_output(output: Output) -> Origin:
    return Origin(output.value, output.condition, output.views, output.sure, output.condition_sure)
