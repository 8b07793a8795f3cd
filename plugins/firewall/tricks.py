"""What attackers' statements have: each trick a small function on tokens and trees, in one table with its sentence.

Answers are NO, MAYBE or YES: MAYBE where the statement cannot be read, or a value decides that the plan may not go by.
Comments are in no token, so nothing here can look for them. `names.py` has the lists.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec
from sqlglot import exp

from plugins.firewall import names
from plugins.firewall.folding import FIXED, TRUE, Folding, operands
from plugins.firewall.settings import Trick
from plugins.shortening import LONG
from plugins.statement import Call, Part, word
from plugins.tokens import NAMES, STRINGS, Kind, Token, closing

NO, MAYBE, YES = 0, 1, 2
OWN = ("pg_catalog", "information_schema")


class Seen(msgspec.Struct, frozen=True):
    """One statement of a text, with those inside of it: what a trick looks at."""

    parts: tuple[Part, ...]
    """Outermost first. Its tokens hold all of them."""
    many: bool = False
    """It stands with others in one text."""
    exact: bool = False
    """The plan is for this very text."""
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


class Told(NamedTuple):
    """How a trick is found, and what it is, for people."""

    find: Callable[[Seen], int]
    text: str


def look(trick: Trick, seen: Seen) -> int:
    """Whether a statement has it. What is nested too deeply to look through might."""
    try:
        return TRICKS[trick].find(seen)
    except RecursionError:
        return MAYBE


def _no_where(seen: Seen) -> int:
    if seen.trouble:
        return MAYBE
    found = NO
    for one in seen.parts:
        if one.kind == "unknown" and {"update", "delete"} & one.said and not _at_cursor(one):
            found = max(found, MAYBE)
        folding = _folding(seen, one)
        for node in one.nodes:
            if isinstance(node, exp.Update | exp.Delete) and not isinstance(node.parent, exp.When):
                where = node.args.get("where")
                value = folding.of(where) if where is not None else TRUE
                found = max(found, YES if value == TRUE else MAYBE if value == FIXED else NO)
    return found


def _at_cursor(one: Part) -> bool:
    """WHERE CURRENT OF, which the parser does not know, of one statement alone."""
    words = [token.word for token in one.tokens]
    counted = words.count("update") + words.count("delete") + words.count("where")
    return (
        words[-4:-1] == ["where", "current", "of"] and counted == 2 and not {"or", "on", "having"} & one.said
    )


def _tautology(seen: Seen) -> int:
    found = MAYBE if seen.trouble else NO
    for one in seen.parts:
        if one.kind == "unknown" and {"where", "having", "on", "or"} & one.said and not _at_cursor(one):
            found = max(found, MAYBE)
        folding = _folding(seen, one)
        for node in one.nodes:
            match node:
                case exp.Where():
                    found = max(found, _always(node.this, folding, begins=True))
                case exp.Having():
                    found = max(found, _always(node.this, folding, begins=False))
                case exp.Join() if node.args.get("on") is not None:
                    found = max(found, _always(node.args["on"], folding, begins=True))
                case _:
                    pass
            if found == YES:
                return YES
    return found


def _always(predicate: exp.Expr, folding: Folding, *, begins: bool) -> int:
    """A part of a predicate is true whatever the row. `begins`: constants in the first place of it say nothing, for
    programs that put conditions together begin with `1 = 1`, and `ON true` joins all with all."""
    found = NO
    todo: list[tuple[exp.Expr, bool]] = [(predicate, begins)]
    while todo and found < YES:
        node, first = todo.pop()
        node = node.unnest() if isinstance(node, exp.Paren) else node
        match node:
            case exp.And():
                todo += [(one, first and not at) for at, one in enumerate(operands(node))]
            case exp.Or():
                value = folding.of(node)
                found = max(found, _said(value))
                todo += [
                    (one, False) for one in operands(node) if isinstance(one.unnest(), exp.And | exp.Not)
                ]
            case exp.Boolean():
                pass  # AND TRUE changes nothing
            case _:
                value = folding.of(node)
                if not first or not _plain(node):
                    found = max(found, _said(value))
    return found


def _plain(node: exp.Expr) -> bool:
    """A comparison of literals."""
    return not any(isinstance(one, exp.Column | exp.Select) for one in node.walk())


def _said(value: str) -> int:
    return YES if value == TRUE else MAYBE if value == FIXED else NO


def _folding(seen: Seen, one: Part) -> Folding:
    return Folding(exact=seen.exact, whole=len(one.tokens) <= LONG)


def _stacked(seen: Seen) -> int:
    return MAYBE if seen.trouble else YES if seen.many else NO


def _union(seen: Seen) -> int:
    found = MAYBE if seen.trouble or (seen.unread and seen.has("union", "except", "intersect")) else NO
    for node in seen.nodes():
        if isinstance(node, exp.SetOperation) and not isinstance(node.parent, exp.SetOperation):
            first, *others = _branches(node)
            # What is put in comes behind what was there.
            if _tables(first) and not _own(first) and any(_own(one) or _blank(one) for one in others):
                return YES
    return found


def _branches(node: exp.Expr) -> list[exp.Expr]:
    found: list[exp.Expr] = []
    todo = [node]
    while todo:
        one = todo.pop().unnest()
        if isinstance(one, exp.SetOperation):
            todo += [one.expression, one.this]
        else:
            found.append(one)
    return found


def _tables(branch: exp.Expr) -> list[exp.Table]:
    return [one for one in branch.find_all(exp.Table) if isinstance(one.this, exp.Identifier)]


def _own(branch: exp.Expr) -> bool:
    """It reads the server's catalogue, or asks what server this is."""
    if any(_is_own(one) for one in _tables(branch)):
        return True
    if _tables(branch):
        return False
    asked = {one.sql("postgres").partition("(")[0].lower() for one in branch.find_all(exp.Func)}
    asked |= {one.name.lower() for one in branch.find_all(exp.Column)}
    return not asked.isdisjoint(names.SERVER | names.SERVER_WORDS)


def _blank(branch: exp.Expr) -> bool:
    """NULLs, or several whole numbers, and nothing else: how the number of columns is tried out."""
    if not isinstance(branch, exp.Select) or branch.args.get("from_") is not None:
        return False
    shown = [_bare(one) for one in branch.expressions]
    nulls = sum(isinstance(one, exp.Null) for one in shown)
    numbers = sum(isinstance(one, exp.Literal) and not one.is_string for one in shown)
    return bool(shown) and nulls + numbers == len(shown) and (nulls == len(shown) or len(shown) > 1)


def _bare(node: exp.Expr) -> exp.Expr:
    node = node.unalias().unnest()
    return _bare(node.this) if isinstance(node, exp.Cast) else node


def _is_own(table: exp.Table) -> bool:
    space = table.args.get("db")
    if space is not None:
        return (space.name if space.args.get("quoted") else space.name.lower()) in OWN
    return table.name.lower().startswith("pg_")


def _calls(seen: Seen, own: frozenset[str], anybodys: frozenset[str] = frozenset()) -> int:
    """One of these is called: the server's own; in any schema, an extension's."""
    if seen.trouble or _opaque(seen):
        return MAYBE
    return (
        YES if any(one.name in anybodys or (one.ours and one.name in own) for one in seen.outer.calls) else NO
    )


def _opaque(seen: Seen) -> bool:
    """A program in a string: what it does nobody sees."""
    return seen.outer.kind == "block"


def _delay(seen: Seen) -> int:
    return _calls(seen, names.DELAY)


def _files(seen: Seen) -> int:
    found = _calls(seen, names.FILES)
    if seen.outer.kind == "copy":
        tokens = seen.outer.tokens
        at = _direction(tokens)
        if at + 1 < len(tokens) and tokens[at + 1].kind in STRINGS:
            return YES
    return max(
        found,
        YES if _makes(seen, "server", "extension", "table") and seen.has("file_fdw", "adminpack") else NO,
    )


def _network(seen: Seen) -> int:
    outside = (
        (_makes(seen, "server", "subscription", "user") and seen.has("server", "subscription"))
        or seen.starts("import", "foreign", "schema")
        or (_makes(seen, "extension") and seen.has("dblink", "postgres_fdw"))
    )
    return YES if outside else _calls(seen, frozenset(), names.NETWORK)


def _makes(seen: Seen, *what: str) -> bool:
    """CREATE or ALTER of one of these, whatever stands between."""
    tokens = seen.outer.tokens
    return word(tokens, 0) in ("create", "alter") and any(word(tokens, at) in what for at in range(1, 4))


def _catalogue(seen: Seen) -> int:
    found = _calls(seen, names.CATALOGUE)
    if any(
        isinstance(one, exp.Table) and isinstance(one.this, exp.Identifier) and _is_own(one)
        for one in seen.nodes()
    ):
        return YES
    if seen.unread or any(
        not one.nodes and one.kind not in ("explain", "prepared", "cursor") for one in seen.parts
    ):
        found = max(found, MAYBE if any(map(_names_own, _named(seen.outer.tokens))) else NO)
    return found


def _named(tokens: Sequence[Token]) -> Iterator[str]:
    """Names that are no calls."""
    for at, token in enumerate(tokens):
        if token.kind in NAMES and word(tokens, at + 1) != "(":
            yield token.name


def _names_own(name: str) -> bool:
    return name == "information_schema" or (name.startswith("pg_") and name not in ("pg_catalog", "pg_temp"))


def _server(seen: Seen) -> int:
    found = _calls(seen, names.SERVER)
    if found == NO and seen.has(*names.SERVER_WORDS):
        tokens = seen.outer.tokens
        for at, token in enumerate(tokens):
            before = word(tokens, at - 1)
            if token.word in names.SERVER_WORDS and before not in (
                ".",
                "as",
                "role",
                "to",
                "create",
                "alter",
                "drop",
            ):
                return YES if any(one.tree is not None for one in seen.parts) else NO
    return found


def _program(seen: Seen) -> int:
    tokens = seen.outer.tokens
    if seen.trouble:
        return MAYBE
    if seen.outer.kind == "load" or (
        seen.outer.kind == "copy" and word(tokens, _direction(tokens) + 1) == "program"
    ):
        return YES
    if _makes(seen, "function", "procedure", "language", "replace") or seen.outer.kind == "block":
        for at, token in enumerate(tokens[:-1]):
            if token.word == "language" and tokens[at + 1].name.lower() in names.UNTRUSTED:
                return YES
    return NO


def _direction(tokens: Sequence[Token]) -> int:
    """Where COPY says FROM or TO."""
    at = 1
    while at < len(tokens) and word(tokens, at) not in ("from", "to"):
        at = closing(tokens, at) + 1 if word(tokens, at) == "(" else at + 1
    return at


def _dynamic(seen: Seen) -> int:
    if seen.outer.kind == "block":
        return YES
    return _calls(seen, names.DYNAMIC, names.DYNAMIC_MADE)


def _privileges(seen: Seen) -> int:
    if seen.trouble:
        return MAYBE
    outer = seen.outer
    first = outer.word(0)
    if first in ("grant", "revoke", "reassign", "security"):
        return YES
    if first in ("set", "reset") and not names.CONFINING.isdisjoint(_settings(outer.tokens)):
        return YES
    if first in ("create", "alter", "drop"):
        whom = {"role", "user", "group", "policy", "system", "default"} & {
            outer.word(at) for at in range(1, 4)
        }
        confined = {"owner", "security", "definer"} & outer.said
        if (whom and not seen.starts(first, "user", "mapping")) or (confined and not outer.tree):
            return YES
    return max(_set_config(outer), MAYBE if _opaque(seen) else NO)


def _settings(tokens: Sequence[Token]) -> set[str]:
    """The setting that SET or RESET is about."""
    at = 1
    while word(tokens, at) in ("session", "local") and word(tokens, at + 1) not in ("=", "to"):
        at += 1
    if word(tokens, at) == "authorization":
        return {"session_authorization"}
    return {tokens[at].name.lower()} if at < len(tokens) else set()


def _set_config(outer: Part) -> int:
    found = NO
    for call in outer.calls:
        if call.ours and call.name == "set_config":
            first = _argument(outer.tokens, call)
            plain = first is not None and first.kind is Kind.STRING
            if not plain or first is None:
                found = max(found, MAYBE)
            elif first.name.lower() in names.CONFINING:
                return YES
    return found


def _argument(tokens: Sequence[Token], call: Call) -> Token | None:
    """The first, where it is one token."""
    return tokens[call.at + 2] if word(tokens, call.at + 3) == "," else None


def _unreadable(seen: Seen) -> int:
    return YES if seen.unread else NO


TRICKS: dict[Trick, Told] = {
    "no-where": Told(
        _no_where, "an UPDATE or DELETE, wherever it stands, without WHERE or with one that is always true"
    ),
    "tautology": Told(
        _tautology,
        "in WHERE, HAVING or ON something that is true whatever the row: `OR 1=1`, `OR 'a'='a'`, `id = id`, `OR TRUE`, "
        "`NOT FALSE`, `1 IN (1)`; not a `1=1` or TRUE that begins a WHERE, as programs write it",
    ),
    "stacked": Told(_stacked, "more than one statement in a text"),
    "union": Told(
        _union,
        "UNION, EXCEPT or INTERSECT of a table with the server's catalogue, with what tells about the server, or with "
        "nothing but NULLs or whole numbers",
    ),
    "delay": Told(_delay, "pg_sleep and its kin"),
    "files": Told(
        _files, "the server's files: functions that read, list or write them, COPY with a file, file_fdw"
    ),
    "network": Told(_network, "other servers: dblink, foreign servers and schemas, subscriptions"),
    "catalogue": Told(_catalogue, "tables and functions that tell what the database holds"),
    "server": Told(_server, "functions and words that tell which server, version and user this is"),
    "program": Told(_program, "COPY with PROGRAM, LOAD, functions in C and other languages without bounds"),
    "dynamic": Told(_dynamic, "statements in strings: DO, query_to_xml and its kin, dblink, crosstab"),
    "privileges": Told(
        _privileges,
        "who may do what: GRANT, REVOKE, SET ROLE, SET SESSION AUTHORIZATION, roles, policies, owners, ALTER SYSTEM",
    ),
    "unreadable": Told(_unreadable, "what cannot be cut into tokens, or parsed"),
}
"""In the words of docs/security.md, which has the same table."""
