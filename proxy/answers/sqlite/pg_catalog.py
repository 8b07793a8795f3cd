"""pg_catalog: its tables as the server declares them, and their rows made from what the store holds.

A table without a function here is there and empty, because there is nothing of the kind in the store; one whose rows
the store could not tell is not declared, and refused by its name. Past 400 lines it is data.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

from protocols.postgres.datatypes import ARRAY_OF, BY_NAME, BY_OID
from proxy.answers.sqlite import describing, functions
from proxy.answers.sqlite.catalogue import Field, Relation
from proxy.answers.sqlite.facts import (
    CATALOG_OID,
    DATABASE_OID,
    OWNER,
    Facts,
    Row,
    Rows,
    declared,
    key_of,
    schema_oid,
)  # fmt: skip
from proxy.answers.sqlite.kinds import BPCHAR, NAME, TEXT, VARCHAR, is_array

TABLES = declared(
    "pg_catalog",
    """
pg_namespace: oid oid, nspname name, nspowner oid, nspacl _text
pg_class: oid oid, relname name, relnamespace oid, reltype oid, reloftype oid, relowner oid, relam oid, relfilenode oid, reltablespace oid, relpages int4, reltuples float4, relallvisible int4, reltoastrelid oid, relhasindex bool, relisshared bool, relpersistence char, relkind char, relnatts int2, relchecks int2, relhasrules bool, relhastriggers bool, relhassubclass bool, relrowsecurity bool, relforcerowsecurity bool, relispopulated bool, relreplident char, relispartition bool, relrewrite oid, relfrozenxid int8, relminmxid int8, relacl _text, reloptions _text, relpartbound text
pg_attribute: attrelid oid, attname name, atttypid oid, attstattarget int4, attlen int2, attnum int2, attndims int4, attcacheoff int4, atttypmod int4, attbyval bool, attalign char, attstorage char, attcompression char, attnotnull bool, atthasdef bool, atthasmissing bool, attidentity char, attgenerated char, attisdropped bool, attislocal bool, attinhcount int4, attcollation oid, attacl _text, attoptions _text, attfdwoptions _text, attmissingval _text
pg_attrdef: oid oid, adrelid oid, adnum int2, adbin text
pg_type: oid oid, typname name, typnamespace oid, typowner oid, typlen int2, typbyval bool, typtype char, typcategory char, typispreferred bool, typisdefined bool, typdelim char, typrelid oid, typsubscript regproc, typelem oid, typarray oid, typinput regproc, typoutput regproc, typreceive regproc, typsend regproc, typmodin regproc, typmodout regproc, typanalyze regproc, typalign char, typstorage char, typnotnull bool, typbasetype oid, typtypmod int4, typndims int4, typcollation oid, typdefaultbin text, typdefault text, typacl _text
pg_index: indexrelid oid, indrelid oid, indnatts int2, indnkeyatts int2, indisunique bool, indnullsnotdistinct bool, indisprimary bool, indisexclusion bool, indimmediate bool, indisclustered bool, indisvalid bool, indcheckxmin bool, indisready bool, indislive bool, indisreplident bool, indkey int2vector, indcollation oidvector, indclass oidvector, indoption int2vector, indexprs text, indpred text
pg_constraint: oid oid, conname name, connamespace oid, contype char, condeferrable bool, condeferred bool, convalidated bool, conrelid oid, contypid oid, conindid oid, conparentid oid, confrelid oid, confupdtype char, confdeltype char, confmatchtype char, conislocal bool, coninhcount int4, connoinherit bool, conkey _int2, confkey _int2, conpfeqop _oid, conppeqop _oid, conffeqop _oid, confdelsetcols _int2, conexclop _oid, conbin text
pg_sequence: seqrelid oid, seqtypid oid, seqstart int8, seqincrement int8, seqmax int8, seqmin int8, seqcache int8, seqcycle bool
pg_database: oid oid, datname name, datdba oid, encoding int4, datlocprovider char, datistemplate bool, datallowconn bool, datconnlimit int4, datfrozenxid int8, datminmxid int8, dattablespace oid, datcollate text, datctype text, daticulocale text, datcollversion text, datacl _text
pg_roles: rolname name, rolsuper bool, rolinherit bool, rolcreaterole bool, rolcreatedb bool, rolcanlogin bool, rolreplication bool, rolconnlimit int4, rolpassword text, rolvaliduntil timestamptz, rolbypassrls bool, rolconfig _text, oid oid
pg_auth_members: roleid oid, member oid, grantor oid, admin_option bool
pg_user: usename name, usesysid oid, usecreatedb bool, usesuper bool, userepl bool, usebypassrls bool, passwd text, valuntil timestamptz, useconfig _text
pg_am: oid oid, amname name, amhandler regproc, amtype char
pg_tables: schemaname name, tablename name, tableowner name, tablespace name, hasindexes bool, hasrules bool, hastriggers bool, rowsecurity bool
pg_views: schemaname name, viewname name, viewowner name, definition text
pg_indexes: schemaname name, tablename name, indexname name, tablespace name, indexdef text
pg_settings: name text, setting text, unit text, category text, short_desc text, extra_desc text, context text, vartype text, source text, min_val text, max_val text, enumvals _text, boot_val text, reset_val text, sourcefile text, sourceline int4, pending_restart bool
pg_description: objoid oid, classoid oid, objsubid int4, description text
pg_shdescription: objoid oid, classoid oid, description text
pg_inherits: inhrelid oid, inhparent oid, inhseqno int4, inhdetachpending bool
pg_trigger: oid oid, tgrelid oid, tgparentid oid, tgname name, tgfoid oid, tgtype int2, tgenabled char, tgisinternal bool, tgconstrrelid oid, tgconstrindid oid, tgconstraint oid, tgdeferrable bool, tginitdeferred bool, tgnargs int2, tgattr int2vector, tgargs bytea, tgqual text, tgoldtable name, tgnewtable name
pg_policy: oid oid, polname name, polrelid oid, polcmd char, polpermissive bool, polroles _oid, polqual text, polwithcheck text
pg_enum: oid oid, enumtypid oid, enumsortorder float4, enumlabel name
pg_range: rngtypid oid, rngsubtype oid, rngmultitypid oid, rngcollation oid, rngsubopc oid, rngcanonical regproc, rngsubdiff regproc
pg_proc: oid oid, proname name, pronamespace oid, proowner oid, prolang oid, procost float4, prorows float4, provariadic oid, prosupport regproc, prokind char, prosecdef bool, proleakproof bool, proisstrict bool, proretset bool, provolatile char, proparallel char, pronargs int2, pronargdefaults int2, prorettype oid, proargtypes oidvector, proallargtypes _oid, proargmodes _char, proargnames _text, proargdefaults text, protrftypes _oid, prosrc text, probin text, prosqlbody text, proconfig _text, proacl _text
pg_collation: oid oid, collname name, collnamespace oid, collowner oid, collprovider char, collisdeterministic bool, collencoding int4, collcollate text, collctype text, colliculocale text, collversion text
pg_depend: classid oid, objid oid, objsubid int4, refclassid oid, refobjid oid, refobjsubid int4, deptype char
pg_extension: oid oid, extname name, extowner oid, extnamespace oid, extrelocatable bool, extversion text, extconfig _oid, extcondition _text
pg_language: oid oid, lanname name, lanowner oid, lanispl bool, lanpltrusted bool, lanplcallfoid oid, laninline oid, lanvalidator oid, lanacl _text
pg_opclass: oid oid, opcmethod oid, opcname name, opcnamespace oid, opcowner oid, opcfamily oid, opcintype oid, opcdefault bool, opckeytype oid
pg_partitioned_table: partrelid oid, partstrat char, partnatts int2, partdefid oid, partattrs int2vector, partclass oidvector, partcollation oidvector, partexprs text
pg_foreign_table: ftrelid oid, ftserver oid, ftoptions _text
pg_tablespace: oid oid, spcname name, spcowner oid, spcacl _text, spcoptions _text
pg_statistic_ext: oid oid, stxrelid oid, stxname name, stxnamespace oid, stxowner oid, stxstattarget int4, stxkeys int2vector, stxkind _char, stxexprs text
pg_publication: oid oid, pubname name, pubowner oid, puballtables bool, pubinsert bool, pubupdate bool, pubdelete bool, pubtruncate bool, pubviaroot bool
pg_publication_rel: oid oid, prpubid oid, prrelid oid, prqual text, prattrs int2vector
pg_publication_namespace: oid oid, pnpubid oid, pnnspid oid
pg_rewrite: oid oid, rulename name, ev_class oid, ev_type char, ev_enabled char, is_instead bool, ev_qual text, ev_action text
pg_event_trigger: oid oid, evtname name, evtevent name, evtowner oid, evtfoid oid, evtenabled char, evttags _text
pg_subscription: oid oid, subdbid oid, subskiplsn text, subname name, subowner oid, subenabled bool, subbinary bool, substream bool, subtwophasestate char, subdisableonerr bool, subconninfo text, subslotname name, subsynccommit text, subpublications _text
pg_db_role_setting: setdatabase oid, setrole oid, setconfig _text
pg_user_mapping: oid oid, umuser oid, umserver oid, umoptions _text
pg_user_mappings: umid oid, srvid oid, srvname name, umuser oid, usename name, umoptions _text
pg_foreign_data_wrapper: oid oid, fdwname name, fdwowner oid, fdwhandler oid, fdwvalidator oid, fdwacl _text, fdwoptions _text
pg_foreign_server: oid oid, srvname name, srvowner oid, srvfdw oid, srvtype text, srvversion text, srvacl _text, srvoptions _text
pg_largeobject_metadata: oid oid, lomowner oid, lomacl _text
pg_default_acl: oid oid, defaclrole oid, defaclnamespace oid, defaclobjtype char, defaclacl _text
pg_matviews: schemaname name, matviewname name, matviewowner name, tablespace name, hasindexes bool, ispopulated bool, definition text
pg_rules: schemaname name, tablename name, rulename name, definition text
pg_sequences: schemaname name, sequencename name, sequenceowner name, data_type regtype, start_value int8, min_value int8, max_value int8, increment_by int8, cycle bool, cache_size int8, last_value int8
pg_policies: schemaname name, tablename name, policyname name, permissive text, roles _name, cmd text, qual text, with_check text
pg_seclabel: objoid oid, classoid oid, objsubid int4, provider text, label text
pg_publication_tables: pubname name, schemaname name, tablename name, attnames _name, rowfilter text
""",
)
VIEWS = frozenset(
    {"pg_roles", "pg_user", "pg_tables", "pg_views", "pg_indexes", "pg_settings", "pg_matviews", "pg_rules",
     "pg_sequences", "pg_policies", "pg_publication_tables", "pg_user_mappings"}
)  # fmt: skip
"""Of them, what are views there."""
OIDS = {
    "pg_default_acl": 826, "pg_tablespace": 1213, "pg_type": 1247, "pg_attribute": 1249, "pg_proc": 1255, "pg_class": 1259,
    "pg_auth_members": 1261, "pg_database": 1262, "pg_foreign_server": 1417, "pg_user_mapping": 1418, "pg_sequence": 2224,
    "pg_foreign_data_wrapper": 2328, "pg_shdescription": 2396, "pg_am": 2601, "pg_attrdef": 2604, "pg_constraint": 2606,
    "pg_depend": 2608, "pg_description": 2609, "pg_index": 2610, "pg_inherits": 2611, "pg_language": 2612,
    "pg_namespace": 2615, "pg_opclass": 2616, "pg_rewrite": 2618, "pg_trigger": 2620, "pg_db_role_setting": 2964,
    "pg_largeobject_metadata": 2995, "pg_extension": 3079, "pg_foreign_table": 3118, "pg_policy": 3256,
    "pg_partitioned_table": 3350, "pg_statistic_ext": 3381, "pg_collation": 3456, "pg_event_trigger": 3466,
    "pg_enum": 3501, "pg_range": 3541, "pg_seclabel": 3596, "pg_subscription": 6100, "pg_publication": 6104,
    "pg_publication_rel": 6106, "pg_publication_namespace": 6237,
}  # fmt: skip
"""The numbers that the server gives them, which tools write out."""
_CLASS = OIDS["pg_class"]
_BTREE = 403


def _namespaces(facts: Facts) -> Rows:
    for name in ("pg_catalog", "information_schema", *facts.catalogue.schemas):
        yield schema_oid(facts.catalogue, name), name, OWNER, None


def system_relations(facts: Facts) -> Iterator[tuple[int, str, str, str, int]]:
    """Number, schema, name, kind and number of columns of the system's own tables."""
    for name in facts.tables:
        schema, _, table = name.partition(".")
        kind = "v" if schema == "information_schema" or table in VIEWS else "r"
        yield system_oid(facts.tables, name), schema, table, kind, len(facts.tables[name])


def system_oid(tables: Mapping[str, object], name: str) -> int:
    known = OIDS.get(name.removeprefix("pg_catalog."))
    return known if known is not None else 12_000 + list(tables).index(name)


def _classes(facts: Facts) -> Rows:
    for one in facts.catalogue.relations:
        checks = sum(each.kind == "c" for each in one.constraints)
        triggers = any(each.kind == "f" for each in one.constraints) or bool(
            facts.catalogue.referring(one.oid)
        )
        width = len(one.keys) if one.kind == "i" else 3 if one.kind == "S" else len(one.fields)
        yield (
            one.oid, one.name, schema_oid(facts.catalogue, one.schema), 0, 0, OWNER,
            _BTREE if one.kind == "i" else 2 if one.kind == "r" else 0, 0 if one.kind == "v" else one.oid, 0, 0, -1.0, 0, 0,
            bool(facts.catalogue.indexes(one.oid)), False, "p", one.kind, width, checks, one.kind == "v", triggers, False,
            False, False, True, "d" if one.kind == "r" else "n", False, 0, 0, 0,
        )  # fmt: skip
    for oid, schema, name, kind, width in system_relations(facts):
        yield (
            oid, name, schema_oid(facts.catalogue, schema), 0, 0, OWNER, 2 if kind == "r" else 0, 0, 0, 0, -1.0, 0, 0, False,
            False, "p", kind, width, 0, kind == "v", False, False, False, False, True, "n", False, 0, 0, 0,
        )  # fmt: skip


_OF_A_SEQUENCE = (("last_value", 20), ("log_cnt", 20), ("is_called", 16))


def _attributes(facts: Facts) -> Rows:
    for one in facts.catalogue.relations:
        if one.kind == "i":
            yield from _of_index(facts, one)
        elif one.kind == "S":
            for at, (name, oid) in enumerate(_OF_A_SEQUENCE):
                yield _attribute(one.oid, name, oid, -1, at + 1, required=True)
        else:
            for each in one.fields:
                yield _attribute(
                    one.oid, each.name, each.oid, each.typmod, each.number or 1, required=each.required,
                    default=one.kind == "r" and describing.has_default(each), identity=each.identity,
                )  # fmt: skip
    for name, columns in facts.tables.items():
        relation = system_oid(facts.tables, name)
        for at, column in enumerate(columns):
            yield _attribute(relation, column.name, column.kind.oid, column.kind.typmod, at + 1)


def _of_index(facts: Facts, index: Relation) -> Rows:
    table = facts.catalogue.by_oid(index.table)
    seen: set[str] = set()
    for at, key in enumerate(index.keys):
        field = table.field(key) if table is not None else None
        oid, typmod = (field.oid, field.typmod) if field is not None else (TEXT, -1)
        name = key
        if field is None:
            # The server calls it after its function, if it is one.
            head = key[1:].partition("(")[0].lower()
            name = head if head.isidentifier() and key.endswith("))") else "expr"
        number = 0
        while name in seen:
            number += 1
            name = f"{name.rstrip('0123456789')}{number}"
        seen.add(name)
        yield _attribute(index.oid, name, oid, typmod, at + 1)


def _attribute(
    relation: int, name: str, oid: int, typmod: int, number: int, *, required: bool = False, default: bool = False,
    identity: str = "",
) -> Row:  # fmt: skip
    size = BY_OID[oid].size
    return (
        relation, name, oid, -1, size, number, int(is_array(oid)), -1, typmod, size in (1, 2, 4, 8), _aligned(oid),
        _kept(oid), "", required, default, False, identity, "", False, True, 0, _collation(oid),
    )  # fmt: skip


def _aligned(oid: int) -> str:
    kind = BY_OID[oid]
    inner = BY_OID[kind.element].size if kind.element else kind.size
    if oid == 1186 or inner == 8 or kind.element == 1186:
        return "d"
    return "c" if kind.size in (1, 16, 64, -2) and oid != 1186 else "s" if kind.size == 2 else "i"


def _kept(oid: int) -> str:
    return "m" if oid == 1700 else "x" if BY_OID[oid].size == -1 and oid not in (22, 30) else "p"


def _collation(oid: int) -> int:
    inner = BY_OID[oid].element or oid
    return 100 if inner in (TEXT, VARCHAR, BPCHAR) else 950 if inner == NAME else 0


def _defaults(facts: Facts) -> Rows:
    for one in facts.of_kind("r"):
        for field in one.fields:
            if describing.has_default(field):
                yield (
                    one.oid * 1000 + field.number,
                    one.oid,
                    field.number,
                    describing.node("default", field.number),
                )


_ARRAY_IN, _ARRAY_OUT, _ARRAY_PART = 750, 751, 6179
_PREFERRED = frozenset({16, 25, 26, 701, 1184, 1186})


def _types(facts: Facts) -> Rows:
    for oid, one in BY_OID.items():
        array = one.element and oid not in (22, 30)
        yield (
            oid, one.name, CATALOG_OID, OWNER, one.size, one.size in (1, 2, 4, 8), "p" if one.category in ("P", "X") else "b",
            one.category, oid in _PREFERRED, True, ",", 0, _ARRAY_PART if one.element else 0, 18 if oid == NAME else one.element,
            ARRAY_OF.get(oid, 0), _ARRAY_IN if array else 0, _ARRAY_OUT if array else 0, 0, 0, 0, 0, 0, _aligned(oid),
            _kept(oid), False, 0, -1, 0, _collation(oid), None, None, None,
        )  # fmt: skip


_CLASSES = {
    "bool": 10003, "bpchar": 10004, "bytea": 10006, "char": 10007, "date": 3122, "float4": 10012, "float8": 3123, "int2": 1979,
    "int4": 1978, "int8": 3124, "interval": 10022, "name": 10028, "numeric": 3125, "oid": 1981, "text": 3126, "time": 10038,
    "timestamptz": 3127, "timestamp": 3128, "uuid": 10065, "jsonb": 10088,
}  # fmt: skip
_PATTERNS = {
    "text_pattern_ops": (4217, 25),
    "varchar_pattern_ops": (4218, 25),
    "bpchar_pattern_ops": (4219, 1042),
}


def _operator_classes(facts: Facts) -> Rows:
    for name, oid in _CLASSES.items():
        yield oid, _BTREE, f"{name}_ops", CATALOG_OID, OWNER, 0, BY_NAME[name].oid, True, 0
    yield 10000, _BTREE, "array_ops", CATALOG_OID, OWNER, 0, 2277, True, 0
    yield 10049, _BTREE, "varchar_ops", CATALOG_OID, OWNER, 0, TEXT, False, 0
    for name, (oid, of) in _PATTERNS.items():
        yield oid, _BTREE, name, CATALOG_OID, OWNER, 0, of, False, 0


def _class_of(oid: int, said: str) -> int:
    if said:
        return _PATTERNS[said][0]
    return 10000 if is_array(oid) else _CLASSES["text" if oid == VARCHAR else BY_OID[oid].name]


def _indexes(facts: Facts) -> Rows:
    for one in facts.of_kind("i"):
        table = facts.catalogue.by_oid(one.table)
        fields: list[Field | None] = [table.field(key) if table is not None else None for key in one.keys]
        oids = [field.oid if field is not None else TEXT for field in fields]
        constraint = (
            next((each for each in table.constraints if each.index == one.oid), None)
            if table is not None
            else None
        )
        width = len(one.keys)
        expressions = any(key[:1] == "(" for key in one.keys)
        yield (
            one.oid, one.table, width, width, one.unique, False, constraint is not None and constraint.kind == "p", False, True,
            False, True, False, True, True, False, [field.number if field is not None else 0 for field in fields],
            [_collation(oid) for oid in oids],
            [_class_of(oid, one.classes[at] if one.classes else "") for at, oid in enumerate(oids)],
            list(one.orders) or [0] * width, describing.node("keys", one.oid) if expressions else None,
            describing.node("condition", one.oid) if one.text else None,
        )  # fmt: skip


_ACTIONS = {"": "a", "NO ACTION": "a", "RESTRICT": "r", "CASCADE": "c", "SET NULL": "n", "SET DEFAULT": "d"}


def _constraints(facts: Facts) -> Rows:
    for table, one in facts.constraints():
        numbers = [field.number for name in one.columns if (field := table.field(name)) is not None]
        other = facts.catalogue.by_oid(one.other) if one.other else None
        others = [
            field.number
            for name in one.others
            if other is not None and (field := other.field(name)) is not None
        ]
        key = key_of(other, one) if other is not None else None
        target = one.index if other is None else key.index if key is not None else 0
        yield (
            one.oid, one.name, schema_oid(facts.catalogue, table.schema), one.kind, one.deferred or one.deferrable,
            one.deferred, True, table.oid, 0, target, 0, one.other, _ACTIONS.get(one.on_update, "a") if other else " ",
            _ACTIONS.get(one.on_delete, "a") if other else " ", "s" if other else " ", True, 0, one.kind != "c",
            numbers, others or None, None, None, None, None, None,
            describing.node("check", one.oid) if one.kind == "c" else None,
        )  # fmt: skip


def _sequences(facts: Facts) -> Rows:
    for one in facts.of_kind("S"):
        if one.oid in facts.sequences:
            _, _, start, step, least, most, cycle = facts.sequences[one.oid]
            yield one.oid, one.fields[0].oid, start, step, most, least, 1, bool(cycle)


def _sequences_shown(facts: Facts) -> Rows:
    for one in facts.of_kind("S"):
        if one.oid in facts.sequences:
            _, last, start, step, least, most, cycle = facts.sequences[one.oid]
            yield (
                one.schema,
                one.name,
                facts.user,
                one.fields[0].oid,
                start,
                least,
                most,
                step,
                bool(cycle),
                1,
                last,
            )


def _databases(facts: Facts) -> Rows:
    yield (
        DATABASE_OID,
        facts.database,
        OWNER,
        6,
        "c",
        False,
        True,
        -1,
        0,
        0,
        _DEFAULT_SPACE,
        "C",
        "C.UTF-8",
        None,
        None,
        None,
    )


_DEFAULT_SPACE = 1663


def _tablespaces(facts: Facts) -> Rows:
    yield _DEFAULT_SPACE, "pg_default", OWNER, None, None


def _roles(facts: Facts) -> Rows:
    yield facts.user, False, True, False, False, True, False, -1, "********", None, False, None, OWNER


def _users(facts: Facts) -> Rows:
    yield facts.user, OWNER, False, False, False, False, "********", None, None


def _methods(facts: Facts) -> Rows:
    yield 2, "heap", 0, "t"
    yield _BTREE, "btree", 0, "i"


def _tables(facts: Facts) -> Rows:
    for one in facts.of_kind("r"):
        indexed = bool(facts.catalogue.indexes(one.oid))
        triggers = any(each.kind == "f" for each in one.constraints) or bool(
            facts.catalogue.referring(one.oid)
        )
        yield one.schema, one.name, facts.user, None, indexed, False, triggers, False
    for _, schema, name, kind, _ in system_relations(facts):
        if kind == "r":
            yield schema, name, facts.user, None, False, False, False, False


def _views(facts: Facts) -> Rows:
    for one in facts.of_kind("v"):
        yield one.schema, one.name, facts.user, one.text + ";"


def _index_texts(facts: Facts) -> Rows:
    for one in facts.of_kind("i"):
        table = facts.catalogue.by_oid(one.table)
        if table is not None:
            text = describing.index_text(one, table, facts.catalogue, facts.path)
            yield one.schema, table.name, one.name, None, text


def _settings(facts: Facts) -> Rows:
    yield from sorted(facts.settings.items())


def _collations(facts: Facts) -> Rows:
    yield 100, "default", CATALOG_OID, OWNER, "d", True, -1
    yield 950, "C", CATALOG_OID, OWNER, "c", True, -1, "C", "C"


def _languages(facts: Facts) -> Rows:
    yield 12, "internal", OWNER, False, False, 0, 0, 0, None


def _dependencies(facts: Facts) -> Rows:
    for one in facts.of_kind("r"):
        for field in one.fields:
            if field.sequence:
                yield _CLASS, field.sequence, 0, _CLASS, one.oid, field.number, "i" if field.identity else "a"


# --- functions ------------------------------------------------------------------------------------

_MORE = """
count() int8 a;count(any) int8 a;avg(int2) numeric a;avg(int4) numeric a;avg(int8) numeric a;avg(numeric) numeric a
avg(float4) float8 a;avg(float8) float8 a;sum(int2) int8 a;sum(int4) int8 a;sum(int8) numeric a;sum(numeric) numeric a
sum(float4) float4 a;sum(float8) float8 a;bool_and(bool) bool a;bool_or(bool) bool a;every(bool) bool a
string_agg(text,text) text a;array_agg(anynonarray) anyarray a;json_agg(anyelement) json a;jsonb_agg(anyelement) jsonb a
json_object_agg(any,any) json a;jsonb_object_agg(any,any) jsonb a;row_number() int8 w;rank() int8 w;dense_rank() int8 w
percent_rank() float8 w;cume_dist() float8 w;ntile(int4) int4 w;first_value(anyelement) anyelement w
last_value(anyelement) anyelement w;nth_value(anyelement,int4) anyelement w;lag(anyelement) anyelement w
lag(anyelement,int4) anyelement w;lead(anyelement) anyelement w;lead(anyelement,int4) anyelement w
generate_series(int4,int4) int4 s;generate_series(int4,int4,int4) int4 s;generate_series(int8,int8) int8 s
generate_series(int8,int8,int8) int8 s;generate_series(numeric,numeric) numeric s
generate_series(numeric,numeric,numeric) numeric s;generate_series(timestamp,timestamp,interval) timestamp s
generate_series(timestamptz,timestamptz,interval) timestamptz s;generate_subscripts(anyarray,int4) int4 s
unnest(anyarray) anyelement s;json_array_elements(json) json s;jsonb_array_elements(jsonb) jsonb s
json_array_elements_text(json) text s;jsonb_array_elements_text(jsonb) text s;json_object_keys(json) text s
jsonb_object_keys(jsonb) text s;json_each(json) record s;jsonb_each(jsonb) record s;json_each_text(json) record s
jsonb_each_text(jsonb) record s;regexp_split_to_table(text,text) text s;string_to_table(text,text) text s
"""
_ORDERED = [
    "int2",
    "int4",
    "int8",
    "numeric",
    "float4",
    "float8",
    "text",
    "bpchar",
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "interval",
    "oid",
]
_SPREADS = ["stddev", "stddev_samp", "stddev_pop", "variance", "var_samp", "var_pop"]
PSEUDO = {"any": 2276, "anyarray": 2277, "anyelement": 2283, "anynonarray": 2776}
_GRAMMAR = frozenset({"coalesce", "nullif", "greatest", "least", "row"})
_FIRST_FUNCTION = 10_200


class Known(NamedTuple):
    """A function."""

    oid: int
    name: str
    arguments: tuple[str, ...]
    result: str
    kind: str
    """`f`; `a`: aggregate, `w`: window, `s`: gives a set."""


@cache
def known() -> tuple[Known, ...]:
    """Every function there is."""
    lines = [
        (one.name, one.arguments, one.result, "f") for many in functions.signatures().values() for one in many
    ]
    for line in _MORE.strip().replace("\n", ";").split(";"):
        head, _, rest = line.partition("(")
        arguments, _, tail = rest.partition(") ")
        result, kind = tail.split(" ")
        lines.append((head, tuple(arguments.split(",")) if arguments else (), result, kind))
    lines += [(name, (kind,), kind, "a") for name in ("max", "min") for kind in _ORDERED]
    lines += [(name, (kind,), "float8", "a") for name in _SPREADS for kind in ("float4", "float8")]
    kept = [one for one in lines if one[0] not in _GRAMMAR]
    return tuple(Known(_FIRST_FUNCTION + at, *one) for at, one in enumerate(kept))


def type_of(name: str) -> int:
    name = name.removesuffix("...")
    return PSEUDO.get(name) or BY_NAME[name].oid


def _functions(facts: Facts) -> Rows:
    for one in known():
        kind = "f" if one.kind == "s" else one.kind
        volatile = "v" if one.name in _VOLATILE else "i"
        variadic = PSEUDO["any"] if one.arguments[-1:] == ("any...",) else 0
        yield (
            one.oid, one.name, CATALOG_OID, OWNER, 12, 1.0, 1000.0 if one.kind == "s" else 0.0, variadic, 0, kind, False, False,
            True, one.kind == "s", volatile, "s", len(one.arguments), 0, type_of(one.result),
            [type_of(each) for each in one.arguments], None, None, None, None, None, one.name,
        )  # fmt: skip


_VOLATILE = frozenset(
    {
        "random",
        "nextval",
        "setval",
        "currval",
        "lastval",
        "clock_timestamp",
        "pg_sleep",
        "set_config",
        "gen_random_uuid",
    }
)
PROCEDURES = {0: "-", _ARRAY_IN: "array_in", _ARRAY_OUT: "array_out", _ARRAY_PART: "array_subscript_handler"}
"""What a regproc may be called besides."""

ROWS: Mapping[str, Callable[[Facts], Rows]] = {
    "pg_catalog." + name: rows
    for name, rows in (
        ("pg_namespace", _namespaces), ("pg_class", _classes), ("pg_attribute", _attributes), ("pg_attrdef", _defaults),
        ("pg_type", _types), ("pg_index", _indexes), ("pg_constraint", _constraints), ("pg_sequence", _sequences),
        ("pg_sequences", _sequences_shown), ("pg_database", _databases), ("pg_roles", _roles), ("pg_user", _users),
        ("pg_am", _methods), ("pg_tables", _tables), ("pg_views", _views), ("pg_indexes", _index_texts),
        ("pg_collation", _collations), ("pg_language", _languages), ("pg_depend", _dependencies),
        ("pg_opclass", _operator_classes), ("pg_settings", _settings), ("pg_tablespace", _tablespaces),
        ("pg_proc", _functions),
    )
}  # fmt: skip
