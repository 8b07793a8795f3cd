"""A plugin as somebody might write it: payments above a limit wait for a second pair of eyes.

It says of which values; the core looks at each of them. What it cannot place is in doubt, and doubt is a denial.
"""

from collections.abc import Iterator

from sqlglot import exp

from plugins.api import Plugin
from plugins.conditions import Values, deny
from plugins.places import Places, inside
from plugins.plan import Plan
from plugins.scope import Scope
from plugins.statement import Part, Statement

LIMIT = 10_000
REFUSED = deny("42501", "payments above 10,000 go to review")
UNCLEAR = deny("22023", "it cannot be told what this payment amounts to: say it as a number")
TABLE, COLUMN = "payments", "amount"


class AmountLimit(Plugin):
    name = "amounts"
    stage = "rights"
    guards = True

    def plan(self, statement: Statement, scope: Scope, plan: Plan) -> Plan:
        places = Places(statement, scope)
        amounts = Values()
        for part in statement.parts:
            for found in (part, inside(part)):
                if found is not None:
                    amounts += places.of(found, *_amounts(places, found))
            if part.kind == "copy" and part.word(1) == TABLE:
                amounts += places.of(part, None)  # its rows are no values of the statement
        if not amounts:
            return plan
        return plan.when(
            amounts.number.above(LIMIT), self.name, "limit", "payments above the limit go to review",
            then=REFUSED, unknown=UNCLEAR,
        )  # fmt: skip


def _amounts(places: Places, part: Part) -> Iterator[exp.Expr | None]:
    """What is written to the column; None where that is not told by the text."""
    tree = places.tree(part)
    if tree is None:
        return
    for write in tree.find_all(exp.Insert, exp.Update, exp.Merge):
        table = write.this.find(exp.Table) if write.this is not None else None
        if table is None or table.name.lower() != TABLE:
            continue
        match write:
            case exp.Insert():
                yield from _inserted(write)
            case exp.Update():
                yield from _set(write)
            case _:
                yield None


def _inserted(insert: exp.Insert) -> Iterator[exp.Expr | None]:
    columns = (
        [column.name.lower() for column in insert.this.expressions]
        if isinstance(insert.this, exp.Schema)
        else []
    )
    conflict = insert.args.get("conflict")
    if conflict is not None:
        yield from _set(conflict)
    if columns and COLUMN not in columns:
        return
    at = columns.index(COLUMN) if columns else -1
    match insert.expression:
        case exp.Values() as rows if at >= 0:
            yield from (
                row.expressions[at] if isinstance(row, exp.Tuple) else None for row in rows.expressions
            )
        case exp.Select() as query if at >= 0 and at < len(query.expressions):
            yield query.expressions[at].unalias()
        case _:
            yield None


def _set(write: exp.Expr) -> Iterator[exp.Expr | None]:
    for one in write.expressions:
        if not isinstance(one, exp.EQ) or isinstance(one.this, exp.Tuple):
            yield None
        elif one.this.name.lower() == COLUMN:
            yield one.expression
