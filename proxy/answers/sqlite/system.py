"""pg_catalog and information_schema: as much of them as psql, SQLAlchemy and Django ask for, made from the catalogue.

A table is its columns, declared here in one line, and a function that gives its rows; it is filled, as a temporary
table, when a statement names it. A table without a function is there and empty. Past 400 lines it is data.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence

from protocols.postgres.datatypes import ARRAY_OF, BY_OID, spelled
from proxy.answers.sqlite.catalogue import PUBLIC, Catalogue, Constraint, Relation
from proxy.answers.sqlite.kinds import TEXT, Kind, affinity, is_array, quoted
from proxy.answers.sqlite.queries import Out

CATALOG_OID, PUBLIC_OID, SCHEMA_OID, OWNER, DATABASE_OID = 11, 2200, 13_000, 10, 5
Row = tuple[object, ...]
Rows = Iterator[Row]

_DECLARED = """
pg_catalog.pg_namespace: oid oid, nspname name, nspowner oid, nspacl _text
pg_catalog.pg_class: oid oid, relname name, relnamespace oid, reltype oid, reloftype oid, relowner oid, relam oid, relfilenode oid, reltablespace oid, relpages int4, reltuples float4, relallvisible int4, reltoastrelid oid, relhasindex bool, relisshared bool, relpersistence char, relkind char, relnatts int2, relchecks int2, relhasrules bool, relhastriggers bool, relhassubclass bool, relrowsecurity bool, relforcerowsecurity bool, relispopulated bool, relreplident char, relispartition bool, reloptions _text, relacl _text, relpartbound text
pg_catalog.pg_attribute: attrelid oid, attname name, atttypid oid, attstattarget int4, attlen int2, attnum int2, attndims int4, atttypmod int4, attbyval bool, attalign char, attstorage char, attcompression char, attnotnull bool, atthasdef bool, atthasmissing bool, attidentity char, attgenerated char, attisdropped bool, attislocal bool, attinhcount int4, attcollation oid, attacl _text, attoptions _text, attfdwoptions _text
pg_catalog.pg_attrdef: oid oid, adrelid oid, adnum int2, adbin text
pg_catalog.pg_type: oid oid, typname name, typnamespace oid, typowner oid, typlen int2, typbyval bool, typtype char, typcategory char, typispreferred bool, typisdefined bool, typdelim char, typrelid oid, typsubscript regproc, typelem oid, typarray oid, typinput regproc, typnotnull bool, typbasetype oid, typtypmod int4, typndims int4, typcollation oid, typdefault text
pg_catalog.pg_index: indexrelid oid, indrelid oid, indnatts int2, indnkeyatts int2, indisunique bool, indnullsnotdistinct bool, indisprimary bool, indisexclusion bool, indimmediate bool, indisclustered bool, indisvalid bool, indcheckxmin bool, indisready bool, indislive bool, indisreplident bool, indkey int2vector, indcollation oidvector, indclass oidvector, indoption int2vector, indexprs text, indpred text
pg_catalog.pg_constraint: oid oid, conname name, connamespace oid, contype char, condeferrable bool, condeferred bool, convalidated bool, conrelid oid, contypid oid, conindid oid, conparentid oid, confrelid oid, confupdtype char, confdeltype char, confmatchtype char, conislocal bool, coninhcount int4, connoinherit bool, conkey _int2, confkey _int2
pg_catalog.pg_sequence: seqrelid oid, seqtypid oid, seqstart int8, seqincrement int8, seqmax int8, seqmin int8, seqcache int8, seqcycle bool
pg_catalog.pg_database: oid oid, datname name, datdba oid, encoding int4, datlocprovider char, datistemplate bool, datallowconn bool, datconnlimit int4, datcollate text, datctype text, daticulocale text, datcollversion text, datacl _text
pg_catalog.pg_roles: oid oid, rolname name, rolsuper bool, rolinherit bool, rolcreaterole bool, rolcreatedb bool, rolcanlogin bool, rolreplication bool, rolconnlimit int4, rolvaliduntil timestamptz, rolbypassrls bool
pg_catalog.pg_auth_members: roleid oid, member oid, grantor oid, admin_option bool
pg_catalog.pg_user: usename name, usesysid oid, usecreatedb bool, usesuper bool
pg_catalog.pg_am: oid oid, amname name, amhandler regproc, amtype char
pg_catalog.pg_tables: schemaname name, tablename name, tableowner name, tablespace name, hasindexes bool, hasrules bool, hastriggers bool, rowsecurity bool
pg_catalog.pg_views: schemaname name, viewname name, viewowner name, definition text
pg_catalog.pg_indexes: schemaname name, tablename name, indexname name, tablespace name, indexdef text
pg_catalog.pg_settings: name text, setting text, unit text, category text, short_desc text
pg_catalog.pg_description: objoid oid, classoid oid, objsubid int4, description text
pg_catalog.pg_shdescription: objoid oid, classoid oid, description text
pg_catalog.pg_inherits: inhrelid oid, inhparent oid, inhseqno int4, inhdetachpending bool
pg_catalog.pg_trigger: oid oid, tgrelid oid, tgname name, tgenabled char, tgisinternal bool, tgparentid oid
pg_catalog.pg_policy: oid oid, polname name, polrelid oid, polcmd char, polpermissive bool, polroles _oid, polqual text, polwithcheck text
pg_catalog.pg_enum: oid oid, enumtypid oid, enumsortorder float4, enumlabel name
pg_catalog.pg_range: rngtypid oid, rngsubtype oid
pg_catalog.pg_proc: oid oid, proname name, pronamespace oid, proowner oid, prolang oid, prokind char, proretset bool, prorettype oid, proargtypes _oid
pg_catalog.pg_collation: oid oid, collname name, collnamespace oid, collprovider char, collisdeterministic bool
pg_catalog.pg_depend: classid oid, objid oid, objsubid int4, refclassid oid, refobjid oid, refobjsubid int4, deptype char
pg_catalog.pg_extension: oid oid, extname name, extversion text, extnamespace oid
pg_catalog.pg_language: oid oid, lanname name
pg_catalog.pg_opclass: oid oid, opcmethod oid, opcname name, opcnamespace oid, opcintype oid, opcdefault bool
pg_catalog.pg_partitioned_table: partrelid oid, partstrat char, partattrs _int2
pg_catalog.pg_foreign_table: ftrelid oid, ftserver oid
pg_catalog.pg_tablespace: oid oid, spcname name, spcowner oid
pg_catalog.pg_statistic_ext: oid oid, stxrelid oid, stxname name, stxnamespace oid, stxstattarget int4, stxkeys _int2, stxkind _text
pg_catalog.pg_publication: oid oid, pubname name, puballtables bool
pg_catalog.pg_publication_rel: oid oid, prpubid oid, prrelid oid, prqual text, prattrs _int2
pg_catalog.pg_publication_namespace: oid oid, pnpubid oid, pnnspid oid
pg_catalog.pg_rewrite: oid oid, rulename name, ev_class oid, ev_type char, ev_enabled char, is_instead bool
pg_catalog.pg_stat_activity: datid oid, datname name, pid int4, usename name, application_name text, state text, query text
information_schema.schemata: catalog_name name, schema_name name, schema_owner name
information_schema.tables: table_catalog name, table_schema name, table_name name, table_type varchar, is_insertable_into varchar
information_schema.views: table_catalog name, table_schema name, table_name name, view_definition varchar
information_schema.columns: table_catalog name, table_schema name, table_name name, column_name name, ordinal_position int4, column_default varchar, is_nullable varchar, data_type varchar, character_maximum_length int4, character_octet_length int4, numeric_precision int4, numeric_precision_radix int4, numeric_scale int4, datetime_precision int4, udt_name name, is_identity varchar, identity_generation varchar, is_generated varchar, is_updatable varchar
information_schema.table_constraints: constraint_catalog name, constraint_schema name, constraint_name name, table_catalog name, table_schema name, table_name name, constraint_type varchar, is_deferrable varchar, initially_deferred varchar
information_schema.key_column_usage: constraint_catalog name, constraint_schema name, constraint_name name, table_catalog name, table_schema name, table_name name, column_name name, ordinal_position int4, position_in_unique_constraint int4
information_schema.referential_constraints: constraint_catalog name, constraint_schema name, constraint_name name, unique_constraint_catalog name, unique_constraint_schema name, unique_constraint_name name, match_option varchar, update_rule varchar, delete_rule varchar
information_schema.constraint_column_usage: table_catalog name, table_schema name, table_name name, column_name name, constraint_catalog name, constraint_schema name, constraint_name name
information_schema.sequences: sequence_catalog name, sequence_schema name, sequence_name name, data_type varchar, start_value varchar, minimum_value varchar, maximum_value varchar, increment varchar, cycle_option varchar
"""


def _read() -> dict[str, tuple[Out, ...]]:
    named = {one.name: oid for oid, one in BY_OID.items()}
    found: dict[str, tuple[Out, ...]] = {}
    for line in _DECLARED.strip().splitlines():
        name, _, columns = line.partition(": ")
        pairs = [one.split(" ") for one in columns.split(", ")]
        found[name] = tuple(Out(column, Kind(named[kind])) for column, kind in pairs)
    return found


TABLES: Mapping[str, tuple[Out, ...]] = _read()


class Facts:
    """What the rows are made of."""

    def __init__(self, catalogue: Catalogue, database: str, user: str, sequences: Mapping[int, Row]) -> None:
        self.catalogue = catalogue
        self.database = database
        self.user = user
        self.sequences = sequences

    def schema_oid(self, name: str) -> int:
        if name in ("pg_catalog", "information_schema"):
            return CATALOG_OID if name == "pg_catalog" else SCHEMA_OID
        return PUBLIC_OID if name == PUBLIC else 14_000 + self.catalogue.schemas.index(name)


def fill(connection: sqlite3.Connection, names: Sequence[str], facts: Facts) -> None:
    """Make these tables what they are now."""
    for name in names:
        columns = TABLES[name]
        declared = ", ".join(f"{quoted(one.name)} {affinity(one.kind.oid)}" for one in columns)
        connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS {quoted(name)} ({declared}) STRICT")
        connection.execute(f"DELETE FROM temp.{quoted(name)}")
        made = _ROWS.get(name)
        if made is None:
            continue
        marks = ", ".join("?" * len(columns))
        width = len(columns)
        rows = [tuple(_plain(one) for one in row) + (None,) * (width - len(row)) for row in made(facts)]
        connection.executemany(f"INSERT INTO temp.{quoted(name)} VALUES ({marks})", rows)


def _plain(value: object) -> object:
    return json.dumps(value, separators=(",", ":")) if isinstance(value, list) else value


def default_text(facts: Facts, relation: Relation, number: int) -> str | None:
    field = next(one for one in relation.fields if one.number == number)
    if field.sequence and not field.identity:
        found = facts.catalogue.by_oid(field.sequence)
        if found is not None:
            return f"nextval('{found.name}'::regclass)"
    if not field.default:
        return None
    simple = field.default.startswith("'") and field.default.endswith("'")
    return f"{field.default}::{spelled(field.oid)}" if simple else field.default


def _namespaces(facts: Facts) -> Rows:
    for name in ("pg_catalog", "information_schema", *facts.catalogue.schemas):
        yield facts.schema_oid(name), name, OWNER, None


def _classes(facts: Facts) -> Rows:
    for one in facts.catalogue.relations:
        checks = sum(each.kind == "c" for each in one.constraints)
        indexed = bool(facts.catalogue.indexes(one.oid))
        yield (
            one.oid, one.name, facts.schema_oid(one.schema), 0, 0, OWNER, 403 if one.kind == "i" else 2 if one.kind == "r" else 0,
            one.oid, 0, 0, -1.0, 0, 0, indexed, False, "p", one.kind, len(one.fields), checks, one.kind == "v",
            any(each.kind == "f" for each in one.constraints) or bool(facts.catalogue.referring(one.oid)), False,
            False, False, True, "d", False,
        )  # fmt: skip
    for at, name in enumerate(sorted(TABLES)):
        schema, _, table = name.partition(".")
        yield (
            12_000 + at, table, facts.schema_oid(schema), 0, 0, OWNER, 2, 0, 0, 0, -1.0, 0, 0, False, False, "p",
            "r" if schema == "pg_catalog" else "v", len(TABLES[name]), 0, False, False, False, False, False, True, "n", False,
        )  # fmt: skip


def _attributes(facts: Facts) -> Rows:
    for one in facts.catalogue.relations:
        if one.kind == "i":
            table = facts.catalogue.by_oid(one.table)
            for at, key in enumerate(one.keys):
                field = table.field(key) if table is not None else None
                oid, typmod = (field.oid, field.typmod) if field is not None else (TEXT, -1)
                yield _attribute(one.oid, key if field is not None else "expr", oid, typmod, at + 1)
            continue
        for each in one.fields:
            has_default = bool(each.default) or (bool(each.sequence) and not each.identity)
            yield _attribute(one.oid, each.name, each.oid, each.typmod, each.number or 1, required=each.required, default=has_default, identity=each.identity)  # fmt: skip


def _attribute(
    relation: int, name: str, oid: int, typmod: int, number: int, *, required: bool = False, default: bool = False,
    identity: str = "",
) -> Row:  # fmt: skip
    textual = oid in (TEXT, 1043, 1042)
    return (
        relation, name, oid, -1, BY_OID[oid].size, number, int(is_array(oid)), typmod, BY_OID[oid].size in (1, 2, 4, 8), "i",
        "x" if BY_OID[oid].size < 0 else "p", "", required, default, False, identity, "", False, True, 0,
        100 if textual else 0,
    )  # fmt: skip


def _defaults(facts: Facts) -> Rows:
    for one in facts.catalogue.relations:
        for field in one.fields if one.kind == "r" else ():
            text = default_text(facts, one, field.number)
            if text is not None:
                yield one.oid * 1000 + field.number, one.oid, field.number, text


def _types(facts: Facts) -> Rows:
    for oid, one in BY_OID.items():
        yield (
            oid, one.name, CATALOG_OID, OWNER, one.size, one.size in (1, 2, 4, 8), "p" if one.category in ("P", "X") else "b",
            one.category, False, True, ",", 0, 6179 if one.element else 0, one.element, ARRAY_OF.get(oid, 0), 0, False, 0, -1, 0,
            100 if oid in (TEXT, 1043, 1042) else 0,
        )  # fmt: skip


def _indexes(facts: Facts) -> Rows:
    for one in facts.catalogue.relations:
        if one.kind != "i":
            continue
        table = facts.catalogue.by_oid(one.table)
        numbers: list[int] = []
        for key in one.keys:
            field = table.field(key) if table is not None else None
            numbers.append(field.number if field is not None else 0)
        primary = table is not None and any(
            each.index == one.oid and each.kind == "p" for each in table.constraints
        )
        exprs = ", ".join(key for key in one.keys if key[:1] == "(") or None
        yield (
            one.oid, one.table, len(one.keys), len(one.keys), one.unique, False, primary, False, True, False, True, False, True,
            True, False, numbers, [0] * len(numbers), [0] * len(numbers), [0] * len(numbers), exprs, one.text or None,
        )  # fmt: skip


_ACTIONS = {"": "a", "NO ACTION": "a", "RESTRICT": "r", "CASCADE": "c", "SET NULL": "n", "SET DEFAULT": "d"}


def _constraints(facts: Facts) -> Rows:
    for table, one in _of_tables(facts):
        numbers = [field.number for name in one.columns if (field := table.field(name)) is not None]
        other = facts.catalogue.by_oid(one.other) if one.other else None
        others = [
            field.number
            for name in one.others
            if other is not None and (field := other.field(name)) is not None
        ]
        target = _index_of(other, one) if other is not None else one.index
        yield (
            one.oid, one.name, facts.schema_oid(table.schema), one.kind, one.deferred, one.deferred, True, table.oid, 0, target, 0,
            one.other, _ACTIONS.get(one.on_update, "a") if other else " ", _ACTIONS.get(one.on_delete, "a") if other else " ",
            "s" if other else " ", True, 0, True, numbers, others or None,
        )  # fmt: skip


def _of_tables(facts: Facts) -> Iterator[tuple[Relation, Constraint]]:
    for one in facts.catalogue.relations:
        if one.kind == "r":
            for constraint in one.constraints:
                yield one, constraint


def _index_of(other: Relation, key: Constraint) -> int:
    return next(
        (one.index for one in other.constraints if one.kind in "pu" and set(one.columns) == set(key.others)),
        0,
    )


def _sequences(facts: Facts) -> Rows:
    for one in facts.catalogue.relations:
        if one.kind == "S" and one.oid in facts.sequences:
            _, _, start, step, least, most, cycle = facts.sequences[one.oid]
            yield one.oid, one.fields[0].oid, start, step, most, least, 1, bool(cycle)


def _databases(facts: Facts) -> Rows:
    yield DATABASE_OID, facts.database, OWNER, 6, "c", False, True, -1, "C", "C.UTF-8", None, None, None


def _roles(facts: Facts) -> Rows:
    yield OWNER, facts.user, False, True, False, False, True, False, -1, None, False


def _users(facts: Facts) -> Rows:
    yield facts.user, OWNER, False, False


def _methods(facts: Facts) -> Rows:
    yield 2, "heap", 0, "t"
    yield 403, "btree", 0, "i"


def _tables(facts: Facts) -> Rows:
    for one in facts.catalogue.relations:
        if one.kind == "r":
            yield (
                one.schema,
                one.name,
                facts.user,
                None,
                bool(facts.catalogue.indexes(one.oid)),
                False,
                False,
                False,
            )


def _views(facts: Facts) -> Rows:
    for one in facts.catalogue.relations:
        if one.kind == "v":
            yield one.schema, one.name, facts.user, one.text


def _index_texts(facts: Facts) -> Rows:
    for one in facts.catalogue.relations:
        table = facts.catalogue.by_oid(one.table)
        if one.kind == "i" and table is not None:
            yield one.schema, table.name, one.name, None, index_text(one, table)


def index_text(index: Relation, table: Relation) -> str:
    where = f" WHERE ({index.text})" if index.text else ""
    unique = "UNIQUE " if index.unique else ""
    keys = ", ".join(key[1:-1] if key[:1] == "(" and key.endswith("))") else key for key in index.keys)
    return f"CREATE {unique}INDEX {index.name} ON {table.schema}.{table.name} USING btree ({keys}){where}"


def constraint_text(facts: Catalogue, table: Relation, one: Constraint) -> str:
    columns = ", ".join(one.columns)
    match one.kind:
        case "p":
            return f"PRIMARY KEY ({columns})"
        case "u":
            return f"UNIQUE ({columns})"
        case "c":
            return f"CHECK (({one.text}))"
        case _:
            other = facts.by_oid(one.other) or table
            said = f"FOREIGN KEY ({columns}) REFERENCES {other.name}({', '.join(one.others)})"
            if one.on_update not in ("", "NO ACTION"):
                said += f" ON UPDATE {one.on_update}"
            if one.on_delete not in ("", "NO ACTION"):
                said += f" ON DELETE {one.on_delete}"
            return said + (" DEFERRABLE INITIALLY DEFERRED" if one.deferred else "")


def _collations(facts: Facts) -> Rows:
    yield 100, "default", CATALOG_OID, "d", True
    yield 950, "C", CATALOG_OID, "c", True


def _languages(facts: Facts) -> Rows:
    yield 14, "sql"


def _dependencies(facts: Facts) -> Rows:
    for one in facts.catalogue.relations:
        for field in one.fields if one.kind == "r" else ():
            if field.sequence:
                yield 1259, field.sequence, 0, 1259, one.oid, field.number, "i" if field.identity else "a"


def _schemata(facts: Facts) -> Rows:
    for name in ("pg_catalog", "information_schema", *facts.catalogue.schemas):
        yield facts.database, name, facts.user


def _info_tables(facts: Facts) -> Rows:
    for one in facts.catalogue.relations:
        if one.kind in "rv":
            kind = "BASE TABLE" if one.kind == "r" else "VIEW"
            yield facts.database, one.schema, one.name, kind, "YES" if one.kind == "r" else "NO"


def _info_views(facts: Facts) -> Rows:
    for one in facts.catalogue.relations:
        if one.kind == "v":
            yield facts.database, one.schema, one.name, one.text


_PRECISION = {21: (16, 2, 0), 23: (32, 2, 0), 20: (64, 2, 0), 700: (24, 2, None), 701: (53, 2, None)}


def _columns(facts: Facts) -> Rows:
    for one in facts.catalogue.relations:
        for at, field in enumerate(one.fields if one.kind in "rv" else ()):
            length = field.typmod - 4 if field.oid in (1042, 1043) and field.typmod > 4 else None
            precision, radix, scale = _PRECISION.get(field.oid, (None, None, None))
            if field.oid == 1700:
                radix = 10
                if field.typmod >= 4:
                    precision, scale = (field.typmod - 4) >> 16, (field.typmod - 4) & 0x7FF
            octets = (
                length * 4 if length is not None else 1_073_741_824 if field.oid in (TEXT, 1043) else None
            )
            moment = (
                (field.typmod if field.typmod >= 0 else 6)
                if field.oid in (1083, 1114, 1184, 1186)
                else 0
                if field.oid == 1082
                else None
            )
            name = "ARRAY" if is_array(field.oid) else spelled(field.oid)
            yield (
                facts.database, one.schema, one.name, field.name, at + 1,
                default_text(facts, one, field.number) if one.kind == "r" else None, "NO" if field.required else "YES", name,
                length, octets, precision, radix, scale, moment, BY_OID[field.oid].name, "YES" if field.identity else "NO",
                {"a": "ALWAYS", "d": "BY DEFAULT"}.get(field.identity), "NEVER", "YES" if one.kind == "r" else "NO",
            )  # fmt: skip


_WORDS = {"p": "PRIMARY KEY", "u": "UNIQUE", "f": "FOREIGN KEY", "c": "CHECK"}


def _table_constraints(facts: Facts) -> Rows:
    for table, one in _of_tables(facts):
        deferred = "YES" if one.deferred else "NO"
        yield (
            facts.database,
            table.schema,
            one.name,
            facts.database,
            table.schema,
            table.name,
            _WORDS[one.kind],
            deferred,
            deferred,
        )


def _key_columns(facts: Facts) -> Rows:
    for table, one in _of_tables(facts):
        if one.kind != "c":
            for at, name in enumerate(one.columns):
                place = at + 1 if one.kind == "f" else None
                yield (
                    facts.database,
                    table.schema,
                    one.name,
                    facts.database,
                    table.schema,
                    table.name,
                    name,
                    at + 1,
                    place,
                )


def _references(facts: Facts) -> Rows:
    for table, one in _of_tables(facts):
        other = facts.catalogue.by_oid(one.other)
        if one.kind == "f" and other is not None:
            key = next(
                (
                    each.name
                    for each in other.constraints
                    if each.kind in "pu" and set(each.columns) == set(one.others)
                ),
                None,
            )
            yield (
                facts.database, table.schema, one.name, facts.database, other.schema, key, "NONE", one.on_update or "NO ACTION",
                one.on_delete or "NO ACTION",
            )  # fmt: skip


def _used_columns(facts: Facts) -> Rows:
    for table, one in _of_tables(facts):
        other = facts.catalogue.by_oid(one.other) if one.kind == "f" else table
        if other is not None:
            for name in one.others if one.kind == "f" else one.columns:
                yield facts.database, other.schema, other.name, name, facts.database, table.schema, one.name


def _info_sequences(facts: Facts) -> Rows:
    for one in facts.catalogue.relations:
        if one.kind == "S" and one.oid in facts.sequences:
            _, _, start, step, least, most, cycle = facts.sequences[one.oid]
            owned = facts.catalogue.by_oid(one.table)
            if owned is None or not any(f.sequence == one.oid and f.identity for f in owned.fields):
                yield (
                    facts.database, one.schema, one.name, spelled(one.fields[0].oid), str(start), str(least), str(most), str(step),
                    "YES" if cycle else "NO",
                )  # fmt: skip


_ROWS: Mapping[str, Callable[[Facts], Rows]] = {
    "pg_catalog.pg_namespace": _namespaces, "pg_catalog.pg_class": _classes, "pg_catalog.pg_attribute": _attributes,
    "pg_catalog.pg_attrdef": _defaults, "pg_catalog.pg_type": _types, "pg_catalog.pg_index": _indexes,
    "pg_catalog.pg_constraint": _constraints, "pg_catalog.pg_sequence": _sequences, "pg_catalog.pg_database": _databases,
    "pg_catalog.pg_roles": _roles, "pg_catalog.pg_user": _users, "pg_catalog.pg_am": _methods,
    "pg_catalog.pg_tables": _tables, "pg_catalog.pg_views": _views, "pg_catalog.pg_indexes": _index_texts,
    "pg_catalog.pg_collation": _collations, "pg_catalog.pg_language": _languages, "pg_catalog.pg_depend": _dependencies,
    "information_schema.schemata": _schemata, "information_schema.tables": _info_tables,
    "information_schema.views": _info_views, "information_schema.columns": _columns,
    "information_schema.table_constraints": _table_constraints, "information_schema.key_column_usage": _key_columns,
    "information_schema.referential_constraints": _references,
    "information_schema.constraint_column_usage": _used_columns, "information_schema.sequences": _info_sequences,
}  # fmt: skip
