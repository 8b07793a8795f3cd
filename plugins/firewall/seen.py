"""What a trick looks at: one statement with those inside of it, and how sure an answer is. Data only."""

from collections.abc import Iterator

import msgspec
from sqlglot import exp

from plugins.statement import Part

NO, MAYBE, YES = 0, 1, 2
"""MAYBE: the statement cannot be read there, or a value decides that a plan may not go by."""
OWN = ("pg_catalog", "information_schema")


class Seen(msgspec.Struct, frozen=True):
    """One statement of a text, with those inside of it: what a trick looks at."""

    parts: tuple[Part, ...]
    """Outermost first. Its tokens hold all of them."""
    many: bool = False
    """It stands with others in one text."""
    exact: bool = False
    """The plan is for this very text."""
    commented: bool = False
    """There is a comment somewhere in the text."""
    trouble: str = ""
    """Why the text could not be cut into tokens. Then there are none."""

    @property
    def outer(self) -> Part:
        return self.parts[0]

    @property
    def unread(self) -> bool:
        """Some of it has no tree where it would need one."""
        return bool(self.trouble) or any(one.kind == "unknown" for one in self.parts)

    def has(self, *words: str) -> bool:
        return not self.outer.said.isdisjoint(words)

    def starts(self, *words: str) -> bool:
        """It begins with these, one behind the other."""
        return all(self.outer.word(at) == one for at, one in enumerate(words))

    def nodes(self) -> Iterator[exp.Expr]:
        for one in self.parts:
            yield from one.nodes


def is_own(table: exp.Table) -> bool:
    space = table.args.get("db")
    if space is not None:
        return (space.name if space.args.get("quoted") else space.name.lower()) in OWN
    return table.name.lower().startswith("pg_")
