# ruff: noqa: S608 - nothing of anybody's goes into these texts
"""What a PostgreSQL server says of one of its databases, and the `Catalogue` it becomes.

It owns the questions and how their answers are read, and their bounds; who asks, and when, is `proxy/catalogues.py`'s
affair. Everything asked for is readable by every role.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from plugins.catalogue import Catalogue, Column, Names, Relation, RelationKind, Routine, Type
from plugins.model import Source, Volatility
from plugins.session.effect import MEANING

MOST_RELATIONS = 20_000
MOST_ROUTINES = 20_000
MOST_TYPES = 10_000
LONGEST_VIEW = 65_536
MOST_BYTES = 64 << 20
"""Of an answer, in all."""
SECONDS = 30.0

_OWN = "('pg_catalog', 'information_schema')"
_HIDDEN = "n.nspname !~ '^pg_(toast|temp)'"

_RELATIONS = f"""
SELECT json_build_array('relation', n.nspname, c.relname, c.relkind,
  (SELECT coalesce(json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull)
                            ORDER BY a.attnum), '[]')
     FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
  (SELECT coalesce(json_agg(json_build_array(pn.nspname, p.relname) ORDER BY i.inhseqno), '[]')
     FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
    WHERE i.inhrelid = c.oid),
  (SELECT coalesce(json_agg(k.names ORDER BY k.indisprimary DESC), '[]')
     FROM (SELECT x.indisprimary,
                  (SELECT json_agg(a.attname ORDER BY u.place)
                     FROM unnest(x.indkey::int2[]) WITH ORDINALITY AS u(number, place)
                     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.number
                    WHERE u.place <= x.indnkeyatts) AS names
             FROM pg_index x
            WHERE x.indrelid = c.oid AND x.indisunique AND x.indpred IS NULL AND x.indexprs IS NULL) k),
  CASE WHEN c.relkind IN ('v', 'm') AND n.nspname NOT IN {_OWN} AND length(pg_get_viewdef(c.oid)) <= {LONGEST_VIEW}
       THEN pg_get_viewdef(c.oid) ELSE '' END,
  CASE WHEN n.nspname IN {_OWN} THEN ''
       WHEN EXISTS (SELECT 1 FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN')
       THEN 'rules decide what becomes of statements on it'
       WHEN c.relkind = 'v' AND c.relhastriggers THEN 'a trigger decides what becomes of writes to it'
       ELSE '' END)::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c') AND {_HIDDEN}
ORDER BY n.nspname IN {_OWN} DESC, c.oid LIMIT {MOST_RELATIONS + 1}
"""
_ROUTINES = f"""
SELECT json_build_array('routine', n.nspname, p.proname,
  max(CASE p.provolatile WHEN 'i' THEN 0 WHEN 's' THEN 1 ELSE 2 END),
  bool_and(n.nspname = 'pg_catalog' OR (l.lanname IN ('c', 'internal') AND p.provolatile = 'i')),
  bool_or(p.proretset),
  CASE WHEN count(DISTINCT p.prorettype) = 1 THEN format_type(min(p.prorettype::oid), NULL) ELSE '' END)::text
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
WHERE {_HIDDEN} GROUP BY n.nspname, p.proname
ORDER BY n.nspname IN {_OWN} DESC, n.nspname, p.proname LIMIT {MOST_ROUTINES + 1}
"""
_TYPES = f"""
SELECT json_build_array('type', n.nspname, t.typname, t.typtype,
  (SELECT coalesce(json_agg(e.enumlabel ORDER BY e.enumsortorder), '[]') FROM pg_enum e WHERE e.enumtypid = t.oid),
  CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) ELSE '' END)::text
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype IN ('e', 'd', 'r') AND n.nspname NOT IN {_OWN} AND {_HIDDEN}
ORDER BY t.oid LIMIT {MOST_TYPES + 1}
"""
_OPERATORS = """
SELECT DISTINCT json_build_array('operator', o.oprname)::text
FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace JOIN pg_proc p ON p.oid = o.oprcode
JOIN pg_language l ON l.oid = p.prolang
WHERE n.nspname <> 'pg_catalog' AND l.lanname NOT IN ('c', 'internal')
"""
QUESTION = (
    "SET LOCAL search_path = pg_catalog; SET LOCAL statement_timeout = '{seconds}s'; "
    + " UNION ALL ".join(
        f"SELECT * FROM ({one.strip()}) AS part" for one in (_RELATIONS, _ROUTINES, _TYPES, _OPERATORS)
    )
)
QUESTION = QUESTION.replace("{seconds}", str(int(SECONDS)))
"""Under a search_path that makes the server write every name of a view in full."""
PATH_QUESTION = """
SELECT pg_catalog.json_build_array(pg_catalog.current_schemas(true), pg_catalog.session_user,
  ARRAY(SELECT nspname FROM pg_catalog.pg_namespace
         WHERE pg_catalog.has_schema_privilege(oid, 'USAGE') AND nspname !~ '^pg_(toast|temp)'),
  ARRAY(SELECT said FROM pg_catalog.pg_db_role_setting, pg_catalog.unnest(setconfig) AS said
         WHERE setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database
                                    WHERE datname = pg_catalog.current_database()))
           AND setrole IN (0, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = pg_catalog.session_user))
           AND said ~ '^({meaning})='
         ORDER BY setdatabase, setrole, said))::pg_catalog.text
""".replace("pg_catalog.session_user", "session_user").replace("{meaning}", "|".join(sorted(MEANING)))
"""What a connection of one pool sees: its own schemas, in order; and what others like it begin with if they are opened
now (ALTER ROLE … SET, ALTER DATABASE … SET), which may be something else."""

_KINDS: dict[str, RelationKind] = {
    "r": "table", "p": "table", "f": "table", "v": "view", "m": "materialized view", "S": "sequence", "c": "composite",
}  # fmt: skip
_TYPE_KINDS = {"e": "enum", "d": "domain", "r": "range"}
_VOLATILITIES: tuple[Volatility, ...] = ("immutable", "stable", "volatile")


class Sight(msgspec.Struct, frozen=True):
    """What one pool's connections see by themselves."""

    path: tuple[str, ...]
    user: str
    usable: frozenset[str]
    begins: tuple[str, ...] = ()
    """Settings that a connection opened now begins with, where they give statements their meaning."""


def sight_of(answer: str) -> Sight:
    """Raises ValueError for an answer that is none."""
    try:
        path, user, usable, begins = msgspec.json.decode(
            answer, type=tuple[list[str], str, list[str], tuple[str, ...]]
        )
    except msgspec.MsgspecError as error:
        raise ValueError("the answer about the search_path cannot be read") from error
    return Sight(tuple(one for one in path if not one.startswith("pg_temp")), user, frozenset(usable), begins)


def catalogue_of(answer: Iterable[str]) -> Catalogue:
    """The rows of QUESTION. Raises ValueError for an answer that is none."""
    relations: list[Relation] = []
    routines: list[Routine] = []
    types: list[Type] = []
    operators: set[str] = set()
    try:
        for row in answer:
            kind, *rest = msgspec.json.decode(row, type=list[Any])
            match kind:
                case "relation":
                    relations.append(_relation(*rest))
                case "routine":
                    space, name, volatility, plain, many, returns = rest
                    routines.append(Routine(space, name, _VOLATILITIES[volatility], plain, many, returns))
                case "type":
                    space, name, which, labels, base = rest
                    types.append(Type(space, name, _TYPE_KINDS[which], tuple(labels), base))  # type: ignore[arg-type]
                case _:
                    operators.add(rest[0])
    except (msgspec.MsgspecError, ValueError, TypeError, LookupError) as error:
        raise ValueError("the answer about the catalogue cannot be read") from error
    composites = [one for one in relations if one.kind == "composite"]
    types += [Type(one.source.space, one.source.name, "composite", columns=one.columns) for one in composites]
    cut = [
        what
        for what, found, most in (
            ("relations", relations, MOST_RELATIONS),
            ("functions", routines, MOST_ROUTINES),
            ("types", types, MOST_TYPES + len(composites)),
        )
        if len(found) > most
    ]
    return Catalogue(
        relations=tuple(one for one in relations if one.kind != "composite"),
        routines=tuple(routines),
        types=tuple(types),
        operators=frozenset(operators),
        partial=f"more {' and '.join(cut)} than are kept" if cut else "",
    )


def _relation(
    space: str,
    name: str,
    kind: str,
    columns: list[list[Any]],
    parents: list[list[str]],
    keys: list[list[str] | None],
    definition: str,
    opaque: str,
) -> Relation:
    return Relation(
        Source(space, name),
        _KINDS[kind],
        tuple(Column(*one) for one in columns),
        tuple(tuple(key) for key in keys if key),
        tuple(Source(*parent) for parent in parents),
        definition,
        opaque,
    )


def names_of(catalogue: Catalogue, sight: Sight) -> Names:
    """The catalogue as a session of the pool sees it that has changed nothing."""
    path = sight.path if "pg_catalog" in sight.path else ("pg_catalog", *sight.path)
    return Names(catalogue, path)
