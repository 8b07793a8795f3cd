"""What a default, an index, a constraint and a name say, as pg_get_expr() and its like write them."""

import json
from collections.abc import Sequence

from proxy.answers.sqlite import wording
from proxy.answers.sqlite.catalogue import Catalogue, Constraint, Field, Relation
from proxy.answers.sqlite.kinds import Kind
from proxy.answers.sqlite.texts import quote_ident


def seen(relation: Relation, catalogue: Catalogue, path: Sequence[str]) -> bool:
    """Whether its bare name means it."""
    return catalogue.find("", relation.name, path) == relation


def name_of(relation: Relation, catalogue: Catalogue, path: Sequence[str]) -> str:
    name = quote_ident(relation.name)
    return name if seen(relation, catalogue, path) else f"{quote_ident(relation.schema)}.{name}"


def has_default(field: Field) -> bool:
    if field.sequence:
        return not field.identity
    # DEFAULT NULL is no default, unless a length is to be seen to.
    return bool(field.default) and (field.typmod != -1 or field.default.upper() != "NULL")


def default_text(
    field: Field, catalogue: Catalogue, path: Sequence[str], *, pretty: bool = False
) -> str | None:
    if not has_default(field):
        return None
    sequence = catalogue.by_oid(field.sequence) if field.sequence else None
    if sequence is not None:
        return f"nextval({_literal(name_of(sequence, catalogue, path))}::regclass)"
    return wording.written(None, field.default, Kind(field.oid, field.typmod), pretty=pretty)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# --- what stands for an expression in a column of the catalogue -----------------------------------

NODES = ("default", "check", "keys", "condition")


def node(kind: str, which: str | int) -> str:
    """What pg_get_expr() takes: where the expression is, for only it can be told of."""
    return json.dumps([kind, which])


def expression(
    text: str, relation: Relation, catalogue: Catalogue, path: Sequence[str], *, pretty: bool
) -> str | None:
    """pg_get_expr()."""
    try:
        kind, which = json.loads(text)
    except ValueError:
        return None
    if kind == "default":
        field = next((one for one in relation.fields if one.number == which), None)
        return default_text(field, catalogue, path, pretty=pretty) if field is not None else None
    if kind == "check":
        found = next((one for one in relation.constraints if one.oid == which), None)
        return wording.written(relation, found.text, pretty=pretty) if found is not None else None
    index = catalogue.by_oid(int(which))
    if index is None:
        return None
    if kind == "condition":
        return wording.written(relation, index.text, pretty=pretty)
    return ", ".join(
        wording.written(relation, one[1:-1], pretty=pretty) for one in index.keys if one[:1] == "("
    )


# --- definitions ----------------------------------------------------------------------------------

_ORDERS = ("", " DESC NULLS LAST", " NULLS FIRST", " DESC")


def key_text(index: Relation, table: Relation, at: int, *, pretty: bool = False) -> str:
    """One of an index' columns or expressions."""
    key = index.keys[at]
    if key[:1] != "(":
        return quote_ident(key)
    said = wording.written(table, key[1:-1], pretty=pretty)
    return said if wording.is_call(table, key[1:-1]) else f"({said})"


def index_text(
    index: Relation, table: Relation, catalogue: Catalogue, path: Sequence[str], *, pretty: bool = False
) -> str:
    keys = ", ".join(
        key_text(index, table, at, pretty=pretty)
        + (f" {index.classes[at]}" if index.classes and index.classes[at] else "")
        + (_ORDERS[index.orders[at]] if index.orders else "")
        for at in range(len(index.keys))
    )
    on = (
        name_of(table, catalogue, path)
        if pretty
        else f"{quote_ident(table.schema)}.{quote_ident(table.name)}"
    )
    where = f" WHERE {wording.written(table, index.text, pretty=pretty)}" if index.text else ""
    unique = "UNIQUE " if index.unique else ""
    return f"CREATE {unique}INDEX {quote_ident(index.name)} ON {on} USING btree ({keys}){where}"


def constraint_text(
    one: Constraint, table: Relation, catalogue: Catalogue, path: Sequence[str], *, pretty: bool = False
) -> str:
    columns = ", ".join(map(quote_ident, one.columns))
    match one.kind:
        case "p":
            return f"PRIMARY KEY ({columns})"
        case "u":
            return f"UNIQUE ({columns})"
        case "c":
            return f"CHECK ({wording.written(table, one.text, pretty=pretty)})"
        case _:
            other = catalogue.by_oid(one.other) or table
            others = ", ".join(map(quote_ident, one.others))
            said = f"FOREIGN KEY ({columns}) REFERENCES {name_of(other, catalogue, path)}({others})"
            if one.on_update not in ("", "NO ACTION"):
                said += f" ON UPDATE {one.on_update}"
            if one.on_delete not in ("", "NO ACTION"):
                said += f" ON DELETE {one.on_delete}"
            if one.deferred or one.deferrable:
                said += " DEFERRABLE"
            return said + (" INITIALLY DEFERRED" if one.deferred else "")
