"""What was said: a text cut into statements, each with its tokens, its kind and, for queries and writes, its tree.

Computed once and shared by every plugin. Reading never raises: what cannot be read is a statement of the kind
`unknown` that says why. Owns reading; judging is the plugins' business.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Literal, NamedTuple

import msgspec
from sqlglot import exp

from plugins import tokens as tk
from plugins.catalogue import Names
from plugins.model import Reading, together
from plugins.parsing import tree_of
from plugins.scope import Scope
from plugins.tokens import NAMES, Token, UnreadableError

Kind = Literal[
    "unknown", "empty", "several",
    "query", "write", "definition", "transaction", "setting", "prepared", "cursor", "copy", "block", "call",
    "explain", "channel", "load", "utility",
]  # fmt: skip

MAX_TEXT = 1_048_576
QUERIES = frozenset({"select", "values", "table", "with"})
WRITES = frozenset({"insert", "update", "delete", "merge"})
_KINDS: dict[str, Kind] = {
    **dict.fromkeys(QUERIES, "query"),
    **dict.fromkeys(WRITES, "write"),
    **dict.fromkeys(("create", "alter", "drop", "import"), "definition"),
    **dict.fromkeys(
        ("begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release"), "transaction"
    ),
    **dict.fromkeys(("set", "reset", "show", "discard"), "setting"),
    **dict.fromkeys(("prepare", "execute", "deallocate"), "prepared"),
    **dict.fromkeys(("declare", "fetch", "move", "close"), "cursor"),
    **dict.fromkeys(("listen", "unlisten", "notify"), "channel"),
    **dict.fromkeys(
        ("vacuum", "analyze", "analyse", "cluster", "reindex", "checkpoint", "refresh", "truncate", "grant", "revoke",
         "comment", "security", "reassign", "lock"),
        "utility",
    ),
    "copy": "copy", "do": "block", "call": "call", "explain": "explain", "load": "load",
}  # fmt: skip
_DIVIDING = frozenset({"(", ")", ";", "atomic", "case", "end"})
_WRITING = (exp.Insert, exp.Update, exp.Delete, exp.Merge)
_TREES: dict[str, tuple[type[exp.Expr], ...]] = {
    "insert": (exp.Insert,),
    "update": (exp.Update,),
    "delete": (exp.Delete,),
    "merge": (exp.Merge,),
    "with": (exp.Query, *_WRITING),
}
# In all of these a letter of ASCII is never a part of another.
_ENCODINGS = {
    "utf8": "utf-8", "unicode": "utf-8", "sqlascii": "latin-1", "latin1": "latin-1", "iso88591": "latin-1",
    "latin9": "iso8859-15", "win1252": "cp1252",
}  # fmt: skip


class Call(NamedTuple):
    """A name before a bracket: its place, its schema (empty when none is written) and the name."""

    at: int
    schema: str
    name: str

    @property
    def ours(self) -> bool:
        """Whether the server's own function may be meant."""
        return self.schema in ("", "pg_catalog")


class Part(msgspec.Struct, frozen=True, dict=True):
    """One statement of a text."""

    kind: Kind
    tokens: tuple[Token, ...]
    tree: exp.Expr | None = None
    trouble: str = ""
    """Why the kind is unknown."""
    nodes: tuple[exp.Expr, ...] = ()
    """The tree's, from its root outwards."""

    @cached_property
    def said(self) -> frozenset[str]:
        """The name of every token, whatever its kind: what is not in it need not be looked for."""
        return frozenset([token.name for token in self.tokens])

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """All names before brackets, from every token."""
        return calls(self.tokens) if "(" in self.said else ()

    def word(self, at: int) -> str:
        """The bare word or sign at `at`; empty past the end and for literals and quoted names."""
        return word(self.tokens, at)


class Statement(msgspec.Struct, frozen=True, dict=True):
    """One text as a client sent it: usually one statement, sometimes several or none.

    `exact`: the plan will be kept for this very text, not for all that differ in literals only."""

    parts: tuple[Part, ...] = ()
    exact: bool = False
    trouble: str = ""
    commented: bool = False
    """There are comments in it; which and where, a plan cannot depend on."""
    fingerprint: str = ""
    """As SHOW PLANS and the slow log have it; empty where it is only asked about."""
    names: Names | None = None
    """The catalogue as this session sees it; None where there is none."""
    dialect: str = "postgres"

    @cached_property
    def reading(self) -> Reading:
        """Tables and columns read and written, functions, and where each column of the result comes from. Worked out
        when the first plugin asks, for all of them."""
        return together(self.readings)

    @cached_property
    def readings(self) -> tuple[Reading, ...]:
        """The same of each of `parts` by itself; of a text with `trouble` one in which nothing is known."""
        from plugins.lineage import readings_of  # noqa: PLC0415 - it reads parts, which are defined here

        return readings_of(self.parts, self.trouble, self.names)

    def release(self) -> None:
        """Take the trees apart: nothing may be asked of them afterwards. Their nodes know each other both ways, so that
        only a collection would find them otherwise, and it takes milliseconds in the middle of another statement."""
        for one in self.parts:
            for node in one.nodes:
                node.parent = None

    @property
    def kind(self) -> Kind:
        kinds = [part.kind for part in self.parts]
        if self.trouble or "unknown" in kinds:
            return "unknown"
        if len(kinds) > 1:
            return "several"
        return kinds[0] if kinds else "empty"

    @property
    def gives_up(self) -> bool:
        """ROLLBACK, in any of its forms: what has been done in the transaction is undone, and nothing else."""
        if len(self.parts) != 1 or self.parts[0].kind != "transaction":
            return False
        one = self.parts[0]
        return one.word(0) in ("rollback", "abort") and one.word(1) != "prepared"


def word(tokens: Sequence[Token], at: int) -> str:
    """The bare word or sign at `at`, in lower case; empty past the end and for literals and quoted names."""
    return tokens[at].word if 0 <= at < len(tokens) else ""


def read(
    text: bytes,
    scope: Scope,
    *,
    exact: bool,
    max_text: int = MAX_TEXT,
    names: Names | None = None,
    fingerprint: str = "",
) -> Statement:
    """`text` as the server would read it in this session."""
    if len(text) > max_text:
        return Statement(exact=exact, trouble=f"longer than {max_text} bytes", fingerprint=fingerprint)
    said = (scope.setting("client_encoding") or "utf8").strip("'\"").lower().replace("-", "").replace("_", "")
    encoding = _ENCODINGS.get(said, "ascii")
    try:
        decoded = text.decode(encoding)
        found = tk.cut(decoded, standard_strings=not scope.is_off("standard_conforming_strings"))
        parts = tuple(part(tokens) for tokens in _split(found, decoded))
        commented = _commented(found, decoded)
        return Statement(parts, exact, commented=commented, fingerprint=fingerprint, names=names)
    except UnicodeDecodeError:
        strange = encoding == "ascii"
        where = "a client_encoding not known here" if strange else "the session's client_encoding"
        trouble = f"not ASCII, in {where}" if strange else f"not in {where}"
        return Statement(exact=exact, trouble=trouble, fingerprint=fingerprint)
    except UnreadableError as error:
        return Statement(exact=exact, trouble=str(error), fingerprint=fingerprint)


def _commented(tokens: Sequence[Token], text: str) -> bool:
    """Whether anything but space stands between tokens."""
    if "--" not in text and "/*" not in text:
        return False
    end = 0
    for token in tokens:
        if text[end : token.start].strip():
            return True
        end = token.end
    return bool(text[end:].strip())


def part(tokens: tuple[Token, ...]) -> Part:
    """One statement, by its first word and, if it is a query or a write, by its tree."""
    at = 0
    while word(tokens, at) == "(":
        at += 1
    first = word(tokens, at)
    if at and first not in QUERIES:
        return Part("unknown", tokens, trouble="begins with a bracket, but no query is inside")
    kind = _KINDS.get(first, "unknown")
    if kind == "unknown":
        return Part("unknown", tokens, trouble="begins with a word that begins no statement known here")
    if kind == "prepared" and word(tokens, 1) == "transaction":
        return Part("transaction", tokens)
    if kind not in ("query", "write"):
        return Part(kind, tokens)
    tree = tree_of(tokens)
    if isinstance(tree, str):
        return Part("unknown", tokens, trouble=tree)
    nodes = tuple(tree.bfs())
    types = set(map(type, nodes))
    if not isinstance(tree, _TREES.get(first, (exp.Query, exp.Values))) or exp.Command in types:
        return Part("unknown", tokens, trouble="the parser took it for something else")
    if exp.Into in types:
        return Part("definition", tokens, tree, nodes=nodes)
    kind = "query" if types.isdisjoint(_WRITING) else "write"
    return Part(kind, tokens, tree, nodes=nodes)


def calls(tokens: Sequence[Token]) -> tuple[Call, ...]:
    """Every name before a bracket."""
    found: list[Call] = []
    for at, token in enumerate(tokens):
        if token.text == "(" and at and tokens[at - 1].kind in NAMES:
            schema = tokens[at - 3].name if at > 2 and tokens[at - 2].text == "." else ""
            found.append(Call(at - 1, schema, tokens[at - 1].name))
    return tuple(found)


def _split(tokens: tuple[Token, ...], text: str) -> Iterator[tuple[Token, ...]]:
    """The statements between semicolons, but for those inside brackets (CREATE RULE) and SQL function bodies."""
    begin = brackets = body = 0
    divides = ";" in text or "atomic" in text.lower()
    words = [token.word for token in tokens] if divides or "(" in text else []
    if not divides:
        # One statement: what is left to ask is whether its brackets close.
        brackets, words = words.count("(") - words.count(")"), []
    for at, said in enumerate(words):
        match said:
            case _ if said not in _DIVIDING:
                pass
            case "(":
                brackets += 1
            case ")":
                brackets -= 1
            case ";" if brackets <= 0 and not body:
                if at > begin:
                    yield tokens[begin:at]
                begin, brackets = at + 1, 0
            case "case" | "end" if body:
                body += 1 if said == "case" else -1
            case "atomic" if not body and brackets == 0 and _begins_body(tokens, begin, at):
                body = 1
    if body or brackets > 0:
        raise UnreadableError("a bracket or a function body that is never closed")
    if len(tokens) > begin:
        yield tokens[begin:]


def _begins_body(tokens: tuple[Token, ...], begin: int, at: int) -> bool:
    """Whether `atomic` at `at` is that of `CREATE FUNCTION … BEGIN ATOMIC`, and no column of that name."""
    kind = 3 if word(tokens, begin + 1) == "or" else 1
    return (
        word(tokens, at - 1) == "begin"
        and word(tokens, begin) == "create"
        and word(tokens, begin + kind) in ("function", "procedure")
    )
