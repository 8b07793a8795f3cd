"""The reading of a statement: every form of it, from its tokens and tree and the session's names.

`readings_of` is asked by `Statement` once, when the first plugin wants to know. It never raises: what cannot be read is
a `Reading` that says so. What a user's own operator class, cast, trigger, rule, policy or default does stays unseen.
"""

from collections.abc import Sequence

import msgspec
from sqlglot import exp

from plugins.catalogue import OWN_SPACES, TEMPORARY, Names
from plugins.lineage.functions import Functions
from plugins.lineage.ledger import Ledger, TooLongError
from plugins.lineage.origin import joined, of_output
from plugins.lineage.place import Place
from plugins.lineage.queries import Reader, Result
from plugins.lineage.writes import write
from plugins.model import Field, Found, Output, Reading, Source, Stored, unreadable
from plugins.statement import QUERIES, WRITES, Part, part, word
from plugins.tokens import NAMES, Kind, Token, closing

_KEEPS_NAMES = frozenset({"query", "write", "explain", "copy", "empty", "channel", "cursor"})
_NOTHING = frozenset({"empty", "transaction", "setting", "channel"})
_TAILS = (
    ("with", "no", "data"),
    ("with", "data"),
    ("with", "local", "check", "option"),
    ("with", "cascaded", "check", "option"),
    ("with", "check", "option"),
)
"""What may stand behind the query of a definition."""
_RUN_ONLY = "it runs what was prepared, declared or stored earlier"


def readings_of(parts: Sequence[Part], trouble: str, names: Names | None) -> tuple[Reading, ...]:
    """Of each statement of a text, in order; of one that cannot be cut into statements a single one."""
    if trouble:
        return (unreadable(trouble),)
    readings: list[Reading] = []
    changed = False
    for one in parts:
        readings.append(_changed(_part(one, names)) if changed else _part(one, names))
        changed = changed or not _keeps_names(one)
    return tuple(readings)


def _keeps_names(one: Part) -> bool:
    """Names behind it in a text mean what they meant before it."""
    if one.kind == "transaction":
        # The end of a transaction, or going back in it, brings back what held before.
        return one.word(0) in ("begin", "start", "savepoint", "release")
    return one.kind in _KEEPS_NAMES and one.said.isdisjoint(("set_config", "pg_settings"))


def _changed(reading: Reading) -> Reading:
    """What stands before it in the text may have changed what names stand for."""
    if not (reading.reads.items or reading.writes.items or reading.doubts):
        return reading
    return msgspec.structs.replace(
        reading,
        reads=msgspec.structs.replace(reading.reads, whole=False),
        writes=msgspec.structs.replace(reading.writes, whole=not reading.writes.items),
        fields_read=msgspec.structs.replace(reading.fields_read, whole=False),
        fields_written=msgspec.structs.replace(
            reading.fields_written, whole=not reading.fields_written.items
        ),
        outputs=tuple(_unsure(one) for one in reading.outputs),
        stores=tuple(Stored(one.into, _unsure(one.origin)) for one in reading.stores),
        doubts=(*reading.doubts, "what stands before it in the text may change what its names stand for"),
    )


def _unsure(output: Output) -> Output:
    return msgspec.structs.replace(output, sure=False, condition_sure=False)


def _part(one: Part, names: Names | None) -> Reading:
    try:
        return _read(one, names)
    except TooLongError:
        return unreadable("it, with the views it reads, takes too long to read")
    except RecursionError:
        return unreadable("it is nested too deeply to be read")


def _read(one: Part, names: Names | None) -> Reading:
    tokens = one.tokens
    match one.kind:
        case "query" | "write":
            return _tree(one, names)
        case kind if kind in _NOTHING:
            return Reading(placeholders=_placeholders(tokens))
        case "definition":
            return _definition(one, names)
        case "explain":
            return _explain(one, names)
        case "copy":
            return _copy(one, names)
        case "prepared":
            if word(tokens, 0) == "prepare":
                at = next(
                    (at for at in range(len(tokens)) if word(tokens, at) == "as" and not _depth(tokens, at)),
                    None,
                )
                return (
                    _part(part(tokens[at + 1 :]), names)
                    if at is not None
                    else unreadable("PREPARE without AS")
                )
            return Reading() if word(tokens, 0) == "deallocate" else unreadable(_RUN_ONLY)
        case "cursor":
            if word(tokens, 0) == "declare":
                at = next((at for at in range(len(tokens)) if word(tokens, at) == "for"), None)
                return (
                    _part(part(tokens[at + 1 :]), names)
                    if at is not None
                    else unreadable("DECLARE without FOR")
                )
            return Reading() if word(tokens, 0) == "close" else unreadable(_RUN_ONLY)
        case "utility" if word(tokens, 0) == "truncate":
            return _truncate(one, names)
        case "unknown":
            return unreadable(one.trouble or "it could not be read")
        case kind:
            return unreadable(f"what statements of the kind {kind} do is not read")


def _tree(one: Part, names: Names | None, into: Source | None = None, columns: Sequence[str] = ()) -> Reading:
    """A query or a write; `into`: a new relation that takes the result."""
    assert one.tree is not None
    ledger = Ledger()
    functions = Functions.of(one.tokens, names, one.tree)
    for doubt in functions.doubts:
        ledger.doubt(doubt, writes=True)
    for doubt in _left_out(one, names):
        ledger.doubt(doubt, writes=True)
    reader = Reader(names, ledger, functions, write)
    result = reader.query(one.tree, Place())
    return _reading(one.tokens, ledger, functions, result, into, columns)


def _reading(
    tokens: Sequence[Token],
    ledger: Ledger,
    functions: Functions,
    result: Result,
    into: Source | None = None,
    columns: Sequence[str] = (),
) -> Reading:
    for _, origin, _ in result.columns:
        ledger.seen(origin)
    outputs = tuple(origin.output(name) for name, origin, _ in result.columns)
    missed = any(doubt.startswith("the parser left out") for doubt in ledger.doubts)
    if missed:
        outputs = tuple(_unsure(one) for one in outputs)
    shown = not result.open
    conditions = frozenset(field for one in outputs for field in one.condition)
    return Reading(
        reads=ledger.found_reads(),
        writes=ledger.found_writes(),
        fields_read=Found(frozenset(ledger.fields | conditions), ledger.fields_whole),
        fields_written=ledger.found_fields_written(),
        functions=Found(functions.uses, True),
        placeholders=_placeholders(tokens),
        outputs=() if into is not None else outputs,
        shown=shown or into is not None,
        stores=(*ledger.stores, *_into(into, outputs, columns, shown)),
        makes=frozenset() if into is None else frozenset({into}),
        doubts=tuple(ledger.doubts),
    )


def _into(
    into: Source | None, outputs: Sequence[Output], columns: Sequence[str], shown: bool
) -> list[Stored]:
    if into is None:
        return []
    stores = [
        Stored(Field(into, columns[at] if at < len(columns) else one.name), one)
        for at, one in enumerate(outputs)
    ]
    return (
        stores
        if shown
        else [*stores, Stored(Field(into, "*"), Output("*", sure=False, condition_sure=False))]
    )


def _left_out(one: Part, names: Names | None) -> list[str]:
    """Relations whose name stands in the text, but nowhere in the tree: whatever the parser made of it."""
    if names is None or one.tree is None:
        return []
    spaces = names.catalogue.spaces
    said = {token.name for at, token in enumerate(one.tokens) if token.kind in NAMES and token.name in spaces}
    if not said:
        return []
    kept: set[str] = set()
    for node in one.nodes:
        if isinstance(node, exp.Identifier):
            kept.add(node.this if node.args.get("quoted") else node.this.lower())
        elif isinstance(node, exp.Anonymous) and isinstance(node.this, str):
            kept.add(node.this.lower())
        elif isinstance(node, (exp.Binary, exp.Cast)):
            # Signs and types, in chains of thousands: written out one by one they would take minutes.
            continue
        elif isinstance(node, (exp.Var, exp.DataType, exp.ObjectIdentifier, exp.Func)):
            kept.update(
                word.lower() for word in node.sql("postgres").replace('"', " ").replace("(", " ").split()
            )
    lost = sorted(said - kept)
    if not lost:
        return []
    own = {name for name in lost if spaces[name] <= OWN_SPACES}
    return [f"the parser left out {name}" for name in lost if name not in own]


def _placeholders(tokens: Sequence[Token]) -> int:
    return max(
        (
            int(token.text[1:])
            for token in tokens
            if token.kind is Kind.PARAMETER and token.text[1:].isdigit()
        ),
        default=0,
    )


def _depth(tokens: Sequence[Token], at: int) -> int:
    return sum((one.text == "(") - (one.text == ")") for one in tokens[:at] if one.kind is Kind.SIGN)


# --- forms that hold a query -------------------------------------------------------------------------


def _definition(one: Part, names: Names | None) -> Reading:
    tokens = one.tokens
    if one.tree is not None:
        return _select_into(one, names)
    if word(tokens, 0) != "create":
        return unreadable("what it changes is not read")
    at = 1
    flags: set[str] = set()
    while word(tokens, at) in (
        "or",
        "replace",
        "temp",
        "temporary",
        "unlogged",
        "local",
        "global",
        "recursive",
        "materialized",
    ):
        flags.add(word(tokens, at))
        at += 1
    kind = word(tokens, at)
    if kind not in ("table", "view") or "recursive" in flags:
        return unreadable("what it makes is not read")
    at += 1
    if word(tokens, at) == "if":
        at += 3
    space, name, at = _name(tokens, at)
    if not name:
        return unreadable("what it makes is not read")
    target = _made(space, name, names, bool(flags & {"temp", "temporary"}))
    columns: list[str] = []
    if word(tokens, at) == "(":
        end = closing(tokens, at)
        inside = tokens[at + 1 : end]
        if all(token.kind in NAMES or token.text == "," for token in inside):
            columns = [token.name for token in inside if token.text != ","]
        at = end + 1
    begin = next(
        (
            where
            for where in range(at, len(tokens))
            if word(tokens, where) == "as" and not _depth(tokens, where)
        ),
        None,
    )
    if begin is None:
        if kind == "table" and not {"of", "inherits", "partition", "like"} & {
            word(tokens, i) for i in range(len(tokens))
        }:
            return _shadowing(Reading(makes=frozenset({target})), names)
        return unreadable("what it makes is not read")
    query = part(without_tail(tokens[begin + 1 :]))
    if query.kind not in ("query", "write") or query.tree is None:
        return unreadable("the query in it is not read")
    return _shadowing(_tree(query, names, target, columns), names)


def without_tail(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """The query of a definition, without what may stand behind it."""
    for tail in _TAILS:
        begins = len(tokens) - len(tail)
        if tuple(word(tokens, begins + at) for at in range(len(tail))) == tail:
            return tokens[:begins]
    return tokens


def _select_into(one: Part, names: Names | None) -> Reading:
    assert one.tree is not None
    tokens = one.tokens
    into = one.tree.find(exp.Into)
    table = into.this if into is not None else None
    if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
        return unreadable("a SELECT INTO that is not understood")
    temporary = bool(into is not None and into.args.get("temporary"))
    space, name = _written(table.args.get("db")), _written(table.this)
    target = _made(
        space,
        name,
        names,
        temporary or any(word(tokens, at) in ("temp", "temporary") for at in range(len(tokens))),
    )
    return _shadowing(_tree(one, names, target), names)


def _written(node: object) -> str:
    if not isinstance(node, exp.Identifier):
        return ""
    return str(node.this) if node.args.get("quoted") else str(node.this).lower()


def _made(space: str, name: str, names: Names | None, temporary: bool) -> Source:
    if temporary or space == TEMPORARY:
        return Source(TEMPORARY, name)
    path = [one for one in names.path if one not in OWN_SPACES] if names is not None else []
    return Source(space or (path[0] if path and names is not None and names.sure else ""), name)


def _shadowing(reading: Reading, names: Names | None) -> Reading:
    if names is None:
        return reading
    hidden = frozenset(
        Source(space, made.name)
        for made in reading.makes
        if made.space == TEMPORARY
        for space in names.catalogue.spaces.get(made.name, ())
        if space in names.path
    )
    return msgspec.structs.replace(reading, shadows=hidden)


def _name(tokens: Sequence[Token], at: int) -> tuple[str, str, int]:
    """A name, with its schema where one is written, and where it ends."""
    if at >= len(tokens) or tokens[at].kind not in NAMES:
        return "", "", at
    if word(tokens, at + 1) == "." and at + 2 < len(tokens) and tokens[at + 2].kind in NAMES:
        return tokens[at].name, tokens[at + 2].name, at + 3
    return "", tokens[at].name, at + 1


def _explain(one: Part, names: Names | None) -> Reading:
    tokens = one.tokens
    at = 1
    if word(tokens, at) == "(" and word(tokens, at + 1) not in QUERIES:
        at = closing(tokens, at) + 1
    while word(tokens, at) in ("analyze", "analyse", "verbose"):
        at += 1
    first = word(tokens, at)
    if first not in QUERIES | WRITES | {"(", "create", "declare"}:
        return unreadable(_RUN_ONLY)
    inner = _part(part(tokens[at:]), names)
    # Row counts, and with a generic plan nothing else: what is stored only decides them.
    seen = frozenset(inner.fields_read.items)
    told = Output(
        "QUERY PLAN", condition=seen, sure=inner.fields_read.whole, condition_sure=inner.fields_read.whole
    )
    return msgspec.structs.replace(inner, outputs=(told,), shown=True)


def _copy(one: Part, names: Names | None) -> Reading:
    tokens = one.tokens
    if word(tokens, 1) == "(":
        end = closing(tokens, 1)
        inner = part(tokens[2:end])
        if inner.kind not in ("query", "write"):
            return unreadable("the query in COPY cannot be read")
        return _part(inner, names)
    space, name, at = _name(tokens, 2 if word(tokens, 1) == "binary" else 1)
    columns: list[str] | None = None
    if word(tokens, at) == "(":
        end = closing(tokens, at)
        columns = [token.name for token in tokens[at + 1 : end] if token.text != ","]
        at = end + 1
    direction = word(tokens, at)
    if not name or direction not in ("to", "from"):
        return unreadable("a COPY that is not understood")
    ledger = Ledger()
    functions = Functions.of(tokens[at:], names, None)
    reader = Reader(names, ledger, functions, write)
    for doubt in functions.doubts:
        ledger.doubt(doubt)
    if direction == "to":
        table = reader.named(space, name, Place())
        wanted = columns if columns is not None else [bound.name for bound in table.columns]
        found = [
            (bound.name, bound.origin, bound.type)
            for each in wanted
            if (bound := table.column(each)) is not None
        ]
        open_ = table.open is not None or len(found) != len(wanted)
        return _reading(tokens, ledger, functions, Result(found, open_))
    relation = reader.relation(space, name, writes=True)
    if relation is None:
        ledger.writes.add(Source(space, name))
    else:
        assert names is not None
        ledger.writes |= names.catalogue.kin(relation.source)
        if relation.opaque or relation.kind != "table":
            ledger.doubt(f"{relation.source}: {relation.opaque or relation.kind}", writes=True)
        for each in columns if columns is not None else [column.name for column in relation.columns]:
            ledger.store(Field(relation.source, each), each, joined(()))
    return _reading(tokens, ledger, functions, Result([]))


def _truncate(one: Part, names: Names | None) -> Reading:
    tokens = one.tokens
    ledger = Ledger()
    functions = Functions.of((), names, None)
    reader = Reader(names, ledger, functions, write)
    at = 2 if word(tokens, 1) == "table" else 1
    while True:
        if word(tokens, at) == "only":
            at += 1
        space, name, at = _name(tokens, at)
        relation = reader.relation(space, name, writes=True) if name else None
        if not name:
            ledger.doubt("a TRUNCATE that is not understood", writes=True)
        elif relation is None:
            ledger.writes.add(Source(space, name))
        elif names is not None:
            ledger.writes |= names.catalogue.kin(relation.source)
        at += word(tokens, at) == "*"
        if word(tokens, at) != ",":
            break
        at += 1
    if any(word(tokens, i) == "cascade" for i in range(at, len(tokens))):
        ledger.doubt("CASCADE empties what refers to it", reads=False, writes=True)
    return _reading(tokens, ledger, functions, Result([]))


__all__ = ["of_output", "readings_of", "without_tail"]
