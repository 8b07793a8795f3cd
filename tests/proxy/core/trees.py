"""Syntax trees as sqlglot sees them, with every literal's value taken out. Knows nothing of fingerprints."""

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

_SPELT = (
    exp.BitString,
    exp.ByteString,
    exp.HexString,
    exp.Heredoc,
    exp.National,
    exp.RawString,
    exp.UnicodeString,
)


def without_values(text: str) -> list[exp.Expr] | None:
    """The trees of `text`'s statements, empty ones left out, or None if sqlglot cannot read it."""
    try:
        trees = sqlglot.parse(text, dialect="postgres")
    except (SqlglotError, ValueError, TypeError):
        # ValueError: the content of x'…' or b'…' is no number. TypeError: an argument of a function is not a value.
        return None
    # A lambda: `a -> b` among arguments, which PostgreSQL reads as an operator.
    if any(tree is not None and tree.find(exp.Command, exp.Lambda) for tree in trees):
        return None
    return [
        tree.transform(_blank) for tree in trees if tree is not None and not isinstance(tree, exp.Semicolon)
    ]


def _blank(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Literal):
        return exp.Literal(this="?", is_string=node.is_string)
    if isinstance(node, _SPELT):
        return type(node)(this="?")
    if isinstance(node, exp.Identifier) and not node.quoted:
        return exp.to_identifier(_folded(node.this), quoted=False)
    if isinstance(node, exp.Anonymous):
        node.set("this", _folded(node.name))
    return node


def _folded(name: str) -> str:
    return name.encode().lower().decode()
