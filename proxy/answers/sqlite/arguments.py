"""What PREPARE and EXECUTE say in brackets: the names of types, and values for them."""

import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from protocols.postgres.datatypes import Value, spelled
from proxy.answers.executor import Column, StoreError
from proxy.answers.sqlite import functions, kinds, reading
from proxy.answers.sqlite.converting import convert
from proxy.answers.sqlite.expressions import expression
from proxy.answers.sqlite.scopes import Scope
from proxy.answers.sqlite.translator import Translator

if TYPE_CHECKING:
    from proxy.answers.sqlite.session import Session


def types(names: Sequence[str]) -> list[int]:
    """Their numbers; 0 where a type is left open. Raises StoreError."""
    found: list[int] = []
    for name in names:
        if name.lower() == "unknown":
            found.append(0)
            continue
        cast = reading.tree(f"SELECT CAST(NULL AS {name})", functions.names()).expressions[0]
        if not isinstance(cast, exp.Cast):
            raise StoreError("42601", f'syntax error at or near "{name}"')
        found.append(kinds.wanted(cast.args["to"]).kind.oid)
    return found


def evaluate(session: "Session", arguments: str, oids: Sequence[int]) -> Sequence[Value]:
    """Each as a value of its type. Raises StoreError and SQLite's errors."""
    items = reading.tree("SELECT " + arguments, functions.names()).expressions
    if len(items) != len(oids):
        return [None] * len(items)
    if any(one.find(exp.Select) for one in items):
        raise StoreError("0A000", "cannot use subquery in EXECUTE parameter")
    tr = Translator(session.catalogue, session.path, {})
    cells: list[str] = []
    for at, (one, oid) in enumerate(zip(items, oids, strict=True), 1):
        found = expression(tr, one, Scope(inside="EXECUTE parameters"))
        try:
            cells.append(convert(found, kinds.Kind(oid), "assign"))
        except StoreError as why:
            if why.code != "42804":
                raise
            what = f"parameter ${at} of type {spelled(found.oid)} cannot be coerced to the expected type {spelled(oid)}"
            raise StoreError("42804", what, hint="You will need to rewrite or cast the expression.") from why
    if tr.parameters():
        raise StoreError("42P02", "there is no parameter $1")
    try:
        (row,) = session.ask_for(
            "SELECT " + ", ".join(cells), [Column("", oid) for oid in oids], writes=tr.writes
        )
    except sqlite3.Error as error:
        raise session.said(error) from error
    return row
