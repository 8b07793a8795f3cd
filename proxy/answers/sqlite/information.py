"""information_schema: its views as the server declares them, and their rows made from what the store holds.

A view without a function here is there and empty, because there is nothing of the kind in the store.
"""

from collections.abc import Callable, Mapping

from protocols.postgres.datatypes import BY_OID, spelled
from proxy.answers.sqlite import describing, wording
from proxy.answers.sqlite.catalogue import Field
from proxy.answers.sqlite.facts import Facts, Row, Rows, declared, key_of, schema_oid
from proxy.answers.sqlite.kinds import BPCHAR, NUMERIC, TEXT, VARCHAR, is_array
from proxy.answers.sqlite.pg_catalog import PSEUDO, known, system_relations

TABLES = declared(
    "information_schema",
    """
information_schema_catalog_name: catalog_name name
schemata: catalog_name name, schema_name name, schema_owner name, default_character_set_catalog name, default_character_set_schema name, default_character_set_name name, sql_path varchar
tables: table_catalog name, table_schema name, table_name name, table_type varchar, self_referencing_column_name name, reference_generation varchar, user_defined_type_catalog name, user_defined_type_schema name, user_defined_type_name name, is_insertable_into varchar, is_typed varchar, commit_action varchar
views: table_catalog name, table_schema name, table_name name, view_definition varchar, check_option varchar, is_updatable varchar, is_insertable_into varchar, is_trigger_updatable varchar, is_trigger_deletable varchar, is_trigger_insertable_into varchar
columns: table_catalog name, table_schema name, table_name name, column_name name, ordinal_position int4, column_default varchar, is_nullable varchar, data_type varchar, character_maximum_length int4, character_octet_length int4, numeric_precision int4, numeric_precision_radix int4, numeric_scale int4, datetime_precision int4, interval_type varchar, interval_precision int4, character_set_catalog name, character_set_schema name, character_set_name name, collation_catalog name, collation_schema name, collation_name name, domain_catalog name, domain_schema name, domain_name name, udt_catalog name, udt_schema name, udt_name name, scope_catalog name, scope_schema name, scope_name name, maximum_cardinality int4, dtd_identifier name, is_self_referencing varchar, is_identity varchar, identity_generation varchar, identity_start varchar, identity_increment varchar, identity_maximum varchar, identity_minimum varchar, identity_cycle varchar, is_generated varchar, generation_expression varchar, is_updatable varchar
table_constraints: constraint_catalog name, constraint_schema name, constraint_name name, table_catalog name, table_schema name, table_name name, constraint_type varchar, is_deferrable varchar, initially_deferred varchar, enforced varchar, nulls_distinct varchar
key_column_usage: constraint_catalog name, constraint_schema name, constraint_name name, table_catalog name, table_schema name, table_name name, column_name name, ordinal_position int4, position_in_unique_constraint int4
referential_constraints: constraint_catalog name, constraint_schema name, constraint_name name, unique_constraint_catalog name, unique_constraint_schema name, unique_constraint_name name, match_option varchar, update_rule varchar, delete_rule varchar
constraint_column_usage: table_catalog name, table_schema name, table_name name, column_name name, constraint_catalog name, constraint_schema name, constraint_name name
constraint_table_usage: table_catalog name, table_schema name, table_name name, constraint_catalog name, constraint_schema name, constraint_name name
check_constraints: constraint_catalog name, constraint_schema name, constraint_name name, check_clause varchar
sequences: sequence_catalog name, sequence_schema name, sequence_name name, data_type varchar, numeric_precision int4, numeric_precision_radix int4, numeric_scale int4, start_value varchar, minimum_value varchar, maximum_value varchar, increment varchar, cycle_option varchar
routines: specific_catalog name, specific_schema name, specific_name name, routine_catalog name, routine_schema name, routine_name name, routine_type varchar, module_catalog name, module_schema name, module_name name, udt_catalog name, udt_schema name, udt_name name, data_type varchar, character_maximum_length int4, character_octet_length int4, character_set_catalog name, character_set_schema name, character_set_name name, collation_catalog name, collation_schema name, collation_name name, numeric_precision int4, numeric_precision_radix int4, numeric_scale int4, datetime_precision int4, interval_type varchar, interval_precision int4, type_udt_catalog name, type_udt_schema name, type_udt_name name, scope_catalog name, scope_schema name, scope_name name, maximum_cardinality int4, dtd_identifier name, routine_body varchar, routine_definition varchar, external_name varchar, external_language varchar, parameter_style varchar, is_deterministic varchar, sql_data_access varchar, is_null_call varchar, sql_path varchar, schema_level_routine varchar, max_dynamic_result_sets int4, is_user_defined_cast varchar, is_implicitly_invocable varchar, security_type varchar, to_sql_specific_catalog name, to_sql_specific_schema name, to_sql_specific_name name, as_locator varchar, created timestamptz, last_altered timestamptz, new_savepoint_level varchar, is_udt_dependent varchar, result_cast_from_data_type varchar, result_cast_as_locator varchar, result_cast_char_max_length int4, result_cast_char_octet_length int4, result_cast_char_set_catalog name, result_cast_char_set_schema name, result_cast_char_set_name name, result_cast_collation_catalog name, result_cast_collation_schema name, result_cast_collation_name name, result_cast_numeric_precision int4, result_cast_numeric_precision_radix int4, result_cast_numeric_scale int4, result_cast_datetime_precision int4, result_cast_interval_type varchar, result_cast_interval_precision int4, result_cast_type_udt_catalog name, result_cast_type_udt_schema name, result_cast_type_udt_name name, result_cast_scope_catalog name, result_cast_scope_schema name, result_cast_scope_name name, result_cast_maximum_cardinality int4, result_cast_dtd_identifier name
triggers: trigger_catalog name, trigger_schema name, trigger_name name, event_manipulation varchar, event_object_catalog name, event_object_schema name, event_object_table name, action_order int4, action_condition varchar, action_statement varchar, action_orientation varchar, action_timing varchar, action_reference_old_table name, action_reference_new_table name, action_reference_old_row name, action_reference_new_row name, created timestamptz
domains: domain_catalog name, domain_schema name, domain_name name, data_type varchar, character_maximum_length int4, character_octet_length int4, character_set_catalog name, character_set_schema name, character_set_name name, collation_catalog name, collation_schema name, collation_name name, numeric_precision int4, numeric_precision_radix int4, numeric_scale int4, datetime_precision int4, interval_type varchar, interval_precision int4, domain_default varchar, udt_catalog name, udt_schema name, udt_name name, scope_catalog name, scope_schema name, scope_name name, maximum_cardinality int4, dtd_identifier name
domain_constraints: constraint_catalog name, constraint_schema name, constraint_name name, domain_catalog name, domain_schema name, domain_name name, is_deferrable varchar, initially_deferred varchar
enabled_roles: role_name name
applicable_roles: grantee name, role_name name, is_grantable varchar
table_privileges: grantor name, grantee name, table_catalog name, table_schema name, table_name name, privilege_type varchar, is_grantable varchar, with_hierarchy varchar
role_table_grants: grantor name, grantee name, table_catalog name, table_schema name, table_name name, privilege_type varchar, is_grantable varchar, with_hierarchy varchar
column_privileges: grantor name, grantee name, table_catalog name, table_schema name, table_name name, column_name name, privilege_type varchar, is_grantable varchar
foreign_tables: foreign_table_catalog name, foreign_table_schema name, foreign_table_name name, foreign_server_catalog name, foreign_server_name name
user_defined_types: user_defined_type_catalog name, user_defined_type_schema name, user_defined_type_name name, user_defined_type_category varchar, is_instantiable varchar, is_final varchar, ordering_form varchar, ordering_category varchar, ordering_routine_catalog name, ordering_routine_schema name, ordering_routine_name name, reference_type varchar, data_type varchar, character_maximum_length int4, character_octet_length int4, character_set_catalog name, character_set_schema name, character_set_name name, collation_catalog name, collation_schema name, collation_name name, numeric_precision int4, numeric_precision_radix int4, numeric_scale int4, datetime_precision int4, interval_type varchar, interval_precision int4, source_dtd_identifier name, ref_dtd_identifier name
""",
)
_YES = ("NO", "YES")
_PRECISION = {21: (16, 2, 0), 23: (32, 2, 0), 20: (64, 2, 0), 700: (24, 2, None), 701: (53, 2, None)}


def _schemata(facts: Facts) -> Rows:
    for name in ("pg_catalog", "information_schema", *facts.catalogue.schemas):
        yield facts.database, name, facts.user


def _name(facts: Facts) -> Rows:
    yield (facts.database,)


def _tables(facts: Facts) -> Rows:
    for one in facts.of_kind("rv"):
        table = one.kind == "r"
        yield _table(facts, one.schema, one.name, "BASE TABLE" if table else "VIEW", table)
    for _, schema, name, kind, _ in system_relations(facts):
        yield _table(facts, schema, name, "BASE TABLE" if kind == "r" else "VIEW", kind == "r")


def _table(facts: Facts, schema: str, name: str, kind: str, insertable: bool) -> Row:
    return facts.database, schema, name, kind, None, None, None, None, None, _YES[insertable], "NO"


def _views(facts: Facts) -> Rows:
    for one in facts.of_kind("v"):
        yield facts.database, one.schema, one.name, one.text + ";", "NONE", "NO", "NO", "NO", "NO", "NO"


def _columns(facts: Facts) -> Rows:
    for one in facts.of_kind("rv"):
        for field in one.fields:
            default = describing.default_text(field, facts.catalogue, facts.path) if one.kind == "r" else None
            yield _column(facts, one.schema, one.name, field, default, updatable=one.kind == "r")
    for name, columns in facts.tables.items():
        schema, _, table = name.partition(".")
        for at, column in enumerate(columns):
            field = Field(column.name, column.kind.oid, column.kind.typmod, number=at + 1)
            yield _column(facts, schema, table, field, None, updatable=schema != "information_schema")


def _column(
    facts: Facts, schema: str, table: str, field: Field, default: str | None, *, updatable: bool
) -> Row:
    length = field.typmod - 4 if field.oid in (BPCHAR, VARCHAR) and field.typmod >= 4 else None
    octets = (
        length * 4 if length is not None else 1_073_741_824 if field.oid in (TEXT, VARCHAR, BPCHAR) else None
    )
    precision, radix, scale = _PRECISION.get(field.oid, (None, None, None))
    if field.oid == NUMERIC:
        radix = 10
        if field.typmod >= 4:
            precision, scale = (field.typmod - 4) >> 16, (field.typmod - 4) & 0x7FF
    moment = None
    if field.oid in (1083, 1114, 1184, 1186):
        moment = field.typmod if field.typmod >= 0 else 6
    elif field.oid == 1082:
        moment = 0
    collation = (facts.database, "pg_catalog", "C") if field.oid == 19 else (None, None, None)
    identity: tuple[str | None, ...] = ("NO", None, None, None, None, None, "NO")
    sequence = facts.sequence_of(field) if field.identity else None
    if sequence is not None:
        _, _, start, step, least, most, cycle = map(str, sequence)
        word = "ALWAYS" if field.identity == "a" else "BY DEFAULT"
        identity = ("YES", word, start, step, most, least, _YES[cycle == "1"])
    name = "ARRAY" if is_array(field.oid) else spelled(field.oid)
    number = field.number or 1
    return (
        facts.database, schema, table, field.name, number, default, _YES[not field.required], name, length, octets, precision,
        radix, scale, moment, None, None, None, None, None, *collation, None, None, None, facts.database, "pg_catalog",
        BY_OID[field.oid].name, None, None, None, None, str(number), "NO", *identity, "NEVER", None, _YES[updatable],
    )  # fmt: skip


_WORDS = {"p": "PRIMARY KEY", "u": "UNIQUE", "f": "FOREIGN KEY", "c": "CHECK"}


def _required(facts: Facts) -> Rows:
    """NOT NULL counts as a check: schema, name, table, condition."""
    for one in facts.of_kind("r"):
        for field in one.fields:
            if field.required:
                name = f"{schema_oid(facts.catalogue, one.schema)}_{one.oid}_{field.number}_not_null"
                yield one.schema, name, one.name, f"{field.name} IS NOT NULL"


def _table_constraints(facts: Facts) -> Rows:
    for table, one in facts.constraints():
        yield (
            facts.database, table.schema, one.name, facts.database, table.schema, table.name, _WORDS[one.kind],
            _YES[one.deferred or one.deferrable], _YES[one.deferred], "YES", "YES" if one.kind == "u" else None,
        )  # fmt: skip
    for schema, name, table_name, _ in _required(facts):
        yield (
            facts.database,
            schema,
            name,
            facts.database,
            schema,
            table_name,
            "CHECK",
            "NO",
            "NO",
            "YES",
            None,
        )


def _checks(facts: Facts) -> Rows:
    for table, one in facts.constraints():
        if one.kind == "c":
            yield facts.database, table.schema, one.name, f"({wording.written(table, one.text)})"
    for schema, name, _, condition in _required(facts):
        yield facts.database, schema, name, condition


def _key_columns(facts: Facts) -> Rows:
    for table, one in facts.constraints():
        if one.kind == "c":
            continue
        other = facts.catalogue.by_oid(one.other) if one.kind == "f" else None
        key = key_of(other, one) if other is not None else None
        for at, name in enumerate(one.columns):
            place = key.columns.index(one.others[at]) + 1 if key is not None else None
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
    for table, one in facts.constraints():
        other = facts.catalogue.by_oid(one.other)
        if one.kind == "f" and other is not None:
            key = key_of(other, one)
            place = (facts.database, other.schema, key.name) if key is not None else (None, None, None)
            yield (
                facts.database, table.schema, one.name, *place, "NONE", one.on_update or "NO ACTION",
                one.on_delete or "NO ACTION",
            )  # fmt: skip


def _used_columns(facts: Facts) -> Rows:
    for table, one in facts.constraints():
        other = facts.catalogue.by_oid(one.other) if one.kind == "f" else table
        if other is not None:
            for name in one.others if one.kind == "f" else one.columns:
                yield facts.database, other.schema, other.name, name, facts.database, table.schema, one.name


def _used_tables(facts: Facts) -> Rows:
    for table, one in facts.constraints():
        other = facts.catalogue.by_oid(one.other) if one.kind == "f" else table
        if other is not None and one.kind != "c":
            yield facts.database, other.schema, other.name, facts.database, table.schema, one.name


def _sequences(facts: Facts) -> Rows:
    for one in facts.of_kind("S"):
        owner = facts.catalogue.by_oid(one.table)
        if one.oid not in facts.sequences or (
            owner is not None and any(f.sequence == one.oid and f.identity for f in owner.fields)
        ):
            continue
        _, _, start, step, least, most, cycle = facts.sequences[one.oid]
        oid = one.fields[0].oid
        yield (
            facts.database, one.schema, one.name, spelled(oid), _PRECISION[oid][0], 2, 0, str(start), str(least), str(most),
            str(step), _YES[bool(cycle)],
        )  # fmt: skip


def _routines(facts: Facts) -> Rows:
    for one in known():
        if one.kind in "fs":
            pseudo = one.result in PSEUDO
            oid = None if pseudo else _oid(one.result)
            name = one.result if pseudo or oid is None else "ARRAY" if is_array(oid) else spelled(oid)
            yield (
                facts.database, "pg_catalog", f"{one.name}_{one.oid}", facts.database, "pg_catalog", one.name, "FUNCTION",
                None, None, None, facts.database, "pg_catalog", one.result, name,
            )  # fmt: skip


def _oid(name: str) -> int:
    return next(oid for oid, one in BY_OID.items() if one.name == name)


def _enabled(facts: Facts) -> Rows:
    yield (facts.user,)


_RIGHTS = ("INSERT", "SELECT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")


def _rights(facts: Facts) -> Rows:
    for one in facts.of_kind("rv"):
        for right in _RIGHTS:
            yield (
                facts.user, facts.user, facts.database, one.schema, one.name, right, "YES", _YES[right == "SELECT"],
            )  # fmt: skip


def _column_rights(facts: Facts) -> Rows:
    for one in facts.of_kind("rv"):
        for field in one.fields:
            for right in ("INSERT", "SELECT", "UPDATE", "REFERENCES"):
                yield facts.user, facts.user, facts.database, one.schema, one.name, field.name, right, "YES"


ROWS: Mapping[str, Callable[[Facts], Rows]] = {
    "information_schema." + name: rows
    for name, rows in (
        ("information_schema_catalog_name", _name), ("schemata", _schemata), ("tables", _tables), ("views", _views),
        ("columns", _columns), ("table_constraints", _table_constraints), ("key_column_usage", _key_columns),
        ("referential_constraints", _references), ("constraint_column_usage", _used_columns),
        ("constraint_table_usage", _used_tables), ("check_constraints", _checks), ("sequences", _sequences),
        ("routines", _routines), ("enabled_roles", _enabled), ("table_privileges", _rights),
        ("role_table_grants", _rights), ("column_privileges", _column_rights),
    )
}  # fmt: skip
