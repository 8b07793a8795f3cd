"""Which functions a statement calls, and whether one of them could read anything at all.

They are read from all tokens, never from the tree, which keeps neither every one nor its written name. A function of
the server's own computes from what it is given. One that somebody wrote can hold any query: what it gives is not known.
"""

from collections import Counter
from collections.abc import Sequence

import msgspec
from sqlglot import exp

from plugins.catalogue import OWN_SPACES, Names, Routine
from plugins.model import Use, Volatility
from plugins.sharing.functions import HARMLESS, SYNTAX
from plugins.statement import calls
from plugins.tokens import Kind, Token

READS_BY_TEXT = frozenset(
    """
    query_to_xml query_to_xmlschema query_to_xml_and_xmlschema cursor_to_xml cursor_to_xmlschema table_to_xml
    table_to_xmlschema table_to_xml_and_xmlschema schema_to_xml schema_to_xmlschema schema_to_xml_and_xmlschema
    database_to_xml database_to_xmlschema database_to_xml_and_xmlschema ts_stat ts_rewrite
    pg_logical_slot_get_changes pg_logical_slot_peek_changes pg_logical_slot_get_binary_changes
    pg_logical_slot_peek_binary_changes pg_read_file pg_read_binary_file lo_get loread lo_export lo_import
    pg_stat_get_activity pg_cursor
    """.split()  # noqa: SIM905 - a list to be read, not punctuation
)
"""The server's own that read what their text or the server's files say."""
ONE_VALUE = frozenset(
    """
    generate_series generate_subscripts unnest regexp_split_to_table string_to_table json_object_keys
    jsonb_object_keys jsonb_path_query regexp_matches
    """.split()  # noqa: SIM905
)
"""Functions in FROM that give one column, named as they or their alias are."""
_VOLATILITIES: tuple[Volatility, ...] = ("immutable", "stable", "volatile", "unknown")


class Functions(msgspec.Struct, frozen=True):
    """The functions of one statement."""

    names: Names | None
    uses: frozenset[Use] = frozenset()
    opaque: frozenset[str] = frozenset()
    """Names of those that may read anything."""
    hidden: bool = False
    """One of these is called at a place that the tree does not show."""
    doubts: tuple[str, ...] = ()
    written: frozenset[str] = frozenset()

    @classmethod
    def of(cls, tokens: Sequence[Token], names: Names | None, tree: exp.Expr | None) -> "Functions":
        written = frozenset(name for _, _, name in calls(tokens))
        called = Counter(
            (schema, name) for at, schema, name in calls(tokens) if _is_call(tokens, at, schema, name, names)
        )
        if tree is not None and called:
            called -= Counter({("", name): count for name, count in _given(tree).items()})
            called -= Counter({(space, name): count for (space, name), count in _targets(tree).items()})
        uses = frozenset(use(names, schema, name) for schema, name in called)
        opaque = {name for schema, name in called if not known(names, schema, name)}
        shown = (
            Counter(_name(one) for one in tree.find_all(exp.Anonymous))
            if opaque and tree is not None
            else Counter()
        )
        counted = Counter(
            {name: sum(count for (_, other), count in called.items() if other == name) for name in opaque}
        )
        hidden = any(shown[name] < count for name, count in counted.items())
        doubts = [f"what the function {name} reads is not known" for name in sorted(opaque)]
        made = _made_operators(tokens, names)
        doubts += [f"what the operator {sign} does is not known" for sign in sorted(made)]
        return cls(names, uses, frozenset(opaque), hidden or bool(made), tuple(doubts), written)

    def calls(self, name: str) -> bool:
        """It is written in the statement by this name."""
        return name in self.written

    def harmless(self, name: str) -> bool:
        return name not in self.opaque

    def knows(self, space: str, name: str) -> bool:
        return known(self.names, space, name)

    def scalar(self, space: str, name: str) -> bool:
        return name in ONE_VALUE and space in ("", "pg_catalog") and self.harmless(name)


def known(names: Names | None, schema: str, name: str) -> bool:
    """Whether a call computes from its arguments alone, whichever function of the name is meant."""
    if schema in ("", "pg_catalog") and name in READS_BY_TEXT:
        return False
    if names is None:
        return schema in ("", "pg_catalog") and name in HARMLESS
    found = names.routines(schema, name)
    if not found:
        # The server's grammar knows some by names that its catalogue does not (trim, position).
        return schema in ("", "pg_catalog") and name in HARMLESS
    return all(_plain(one) for one in found)


def use(names: Names | None, schema: str, name: str) -> Use:
    found = names.routines(schema, name) if names is not None else ()
    if not found:
        own = schema == "pg_catalog" or (not schema and name in HARMLESS)
        return Use("pg_catalog" if own else schema, name)
    spaces = {one.space for one in found}
    worst = max((one.volatility for one in found), key=_VOLATILITIES.index)
    return Use(found[0].space if len(spaces) == 1 else schema, name, worst)


def _plain(routine: Routine) -> bool:
    return routine.plain


def _is_call(tokens: Sequence[Token], at: int, schema: str, name: str, names: Names | None) -> bool:
    if schema or tokens[at].kind is Kind.QUOTED or name not in _GRAMMAR:
        return True
    # A word of the grammar, unless somebody gave a function its name.
    made = names.catalogue.by_routine.get(name, ()) if names is not None else ()
    return any(one.space not in OWN_SPACES for one in made)


_GRAMMAR = SYNTAX | frozenset(
    """
    conflict key if do returning matched insert copy explain no data set by into table delete update ordinality unique
    check references
    """.split()  # noqa: SIM905
)
"""Words of the grammar that stand before a bracket, in what is no query too."""


def _name(node: exp.Anonymous) -> str:
    if isinstance(node.this, str):
        return node.this.lower()
    return str(node.this.this) if node.this.args.get("quoted") else str(node.this.this).lower()


def _plain_name(node: exp.Expr | None) -> str:
    if not isinstance(node, exp.Identifier):
        return ""
    return str(node.this) if node.args.get("quoted") else str(node.this).lower()


def _given(tree: exp.Expr) -> Counter[str]:
    """Names that stand before a bracket because columns are named in it: `AS t (a, b)`, `WITH t (a, b)`."""
    return Counter(
        _plain_name(alias.this) for alias in tree.find_all(exp.TableAlias) if alias.args.get("columns")
    )


def _targets(tree: exp.Expr) -> Counter[tuple[str, str]]:
    """Tables before a list of columns: `INSERT INTO s.t (a, b)`."""
    found: Counter[tuple[str, str]] = Counter()
    for schema in tree.find_all(exp.Schema):
        table = schema.this
        if isinstance(table, exp.Table):
            alias = table.args.get("alias")
            if isinstance(alias, exp.TableAlias):
                found["", _plain_name(alias.this)] += 1
            else:
                found[_plain_name(table.args.get("db")), _plain_name(table.this)] += 1
    return found


def _made_operators(tokens: Sequence[Token], names: Names | None) -> set[str]:
    if names is None or not names.catalogue.operators:
        return set()
    return {one.text for one in tokens if one.kind is Kind.SIGN and one.text in names.catalogue.operators}
