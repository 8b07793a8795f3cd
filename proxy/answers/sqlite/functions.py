"""The functions the translator lets through: PostgreSQL's name, what it takes and gives, and how SQLite says it.

One line a signature: `name(arguments) result : SQL`, where {0}, {1} … are the arguments and {*} all of them. Without SQL
it is the function `pg_name` of `registered.py`. `t` is any text, `n` any number; a trailing `?` may be left out, `...`
may come again. The first line that fits is taken; a function that is not here is refused.
"""

import re
from functools import cache

import msgspec

from protocols.postgres.datatypes import BY_NAME

_TABLE = """
lower(text) text
upper(text) text
length(text) int4 : length({0})
length(bytea) int4 : length({0})
char_length(text) int4 : length({0})
character_length(text) int4 : length({0})
octet_length(text) int4 : length(CAST({0} AS BLOB))
octet_length(bytea) int4 : length({0})
bit_length(text) int4 : length(CAST({0} AS BLOB)) * 8
btrim(text) text : trim({0}, ' ')
btrim(text,text) text : trim({0}, {1})
ltrim(text) text : ltrim({0}, ' ')
ltrim(text,text) text : ltrim({0}, {1})
rtrim(text) text : rtrim({0}, ' ')
rtrim(text,text) text : rtrim({0}, {1})
substr(text,int4) text : pg_substring({*})
substr(text,int4,int4) text : pg_substring({*})
left(text,int4) text
right(text,int4) text
lpad(text,int4) text : pg_pad({0}, {1}, ' ', 1)
lpad(text,int4,text) text : pg_pad({0}, {1}, {2}, 1)
rpad(text,int4) text : pg_pad({0}, {1}, ' ', 0)
rpad(text,int4,text) text : pg_pad({0}, {1}, {2}, 0)
repeat(text,int4) text
replace(text,text,text) text
reverse(text) text
split_part(text,text,int4) text
strpos(text,text) int4 : instr({0}, {1})
starts_with(text,text) bool
translate(text,text,text) text
initcap(text) text
ascii(text) int4
chr(int4) text
md5(text) text
md5(bytea) text
to_hex(int4) text : pg_to_hex({0}, 32)
to_hex(int8) text : pg_to_hex({0}, 64)
quote_ident(text) text
quote_literal(text) text
encode(bytea,text) text
decode(text,text) bytea
regexp_replace(text,text,text) text
regexp_replace(text,text,text,text) text
regexp_match(text,text) _text
regexp_match(text,text,text) _text
string_to_array(text,text) _text
array_to_string(anyarray,text) text
abs(int2) int2 : abs({0})
abs(int4) int4 : abs({0})
abs(int8) int8 : abs({0})
abs(numeric) numeric : pg_abs_numeric({0})
abs(float8) float8 : abs({0})
round(numeric) numeric
round(numeric,int4) numeric
round(float8) float8 : pg_round_float({0})
trunc(numeric) numeric
trunc(numeric,int4) numeric
trunc(float8) float8 : pg_trunc_float({0})
ceil(numeric) numeric
ceil(float8) float8 : pg_ceil_float({0})
ceiling(numeric) numeric : pg_ceil({0})
ceiling(float8) float8 : pg_ceil_float({0})
floor(numeric) numeric
floor(float8) float8 : pg_floor_float({0})
sign(numeric) numeric
sign(float8) float8 : pg_sign_float({0})
mod(int4,int4) int4
mod(int8,int8) int8
mod(numeric,numeric) numeric : pg_mod_numeric({0}, {1})
div(numeric,numeric) numeric
power(float8,float8) float8
pow(float8,float8) float8 : pg_power({*})
sqrt(float8) float8
exp(float8) float8
ln(float8) float8
log(float8) float8
log10(float8) float8 : pg_log({0})
pi() float8 : 3.141592653589793
degrees(float8) float8 : degrees({0})
radians(float8) float8 : radians({0})
sin(float8) float8 : sin({0})
cos(float8) float8 : cos({0})
tan(float8) float8 : tan({0})
atan(float8) float8 : atan({0})
atan2(float8,float8) float8 : atan2({0}, {1})
random() float8
gcd(int4,int4) int4
gcd(int8,int8) int8
now() timestamptz
transaction_timestamp() timestamptz : pg_now()
statement_timestamp() timestamptz : pg_clock_timestamp()
clock_timestamp() timestamptz
date_trunc(text,timestamp) timestamp : pg_date_trunc({0}, {1})
date_trunc(text,timestamptz) timestamptz : pg_date_trunc_tz({0}, {1})
date_part(text,date) float8 : pg_part({0}, {1}, 'd')
date_part(text,timestamp) float8 : pg_part({0}, {1}, 't')
date_part(text,timestamptz) float8 : pg_part({0}, {1}, 'z')
date_part(text,interval) float8 : pg_part({0}, {1}, 'i')
age(timestamp,timestamp) interval
age(timestamptz,timestamptz) interval : pg_age_tz({0}, {1})
make_date(int4,int4,int4) date
make_interval() interval : '0 0 0'
to_char(timestamp,text) text : pg_to_char({0}, {1}, 0)
to_char(timestamptz,text) text : pg_to_char({0}, {1}, 1)
to_timestamp(float8) timestamptz
justify_days(interval) interval
justify_hours(interval) interval
isfinite(timestamp) bool : abs({0}) < 9223372036854775807
gen_random_uuid() uuid
json_typeof(json) text
jsonb_typeof(jsonb) text : pg_json_typeof({0})
json_array_length(json) int4
jsonb_array_length(jsonb) int4 : pg_json_array_length({0})
jsonb_set(jsonb,_text,jsonb) jsonb
jsonb_set(jsonb,_text,jsonb,bool) jsonb
jsonb_pretty(jsonb) text
array_length(anyarray,int4) int4
array_upper(anyarray,int4) int4 : pg_array_length({0}, {1})
array_lower(anyarray,int4) int4
cardinality(anyarray) int4
array_position(anyarray,anyelement) int4
array_append(anyarray,anyelement) anyarray
array_prepend(anyelement,anyarray) anyarray
array_remove(anyarray,anyelement) anyarray
array_cat(anyarray,anyarray) anyarray
nextval(regclass) int8
currval(regclass) int8
setval(regclass,int8) int8
setval(regclass,int8,bool) int8
lastval() int8
pg_sleep(float8) void
version() text
current_database() name
current_schema() name
current_schemas(bool) _name
pg_backend_pid() int4
current_setting(text) text
current_setting(text,bool) text
set_config(text,text,bool) text
pg_get_userbyid(oid) name : pg_current_user()
pg_get_expr(text,oid) text
pg_get_expr(text,oid,bool) text
pg_get_statisticsobjdef_columns(oid) text : NULL
pg_get_function_result(oid) text
pg_get_function_arguments(oid) text
pg_get_function_identity_arguments(oid) text : pg_get_function_arguments({0})
pg_get_ruledef(oid) text : NULL
pg_get_ruledef(oid,bool) text : NULL
pg_get_partkeydef(oid) text : NULL
pg_tablespace_location(oid) text : ''
pg_statistics_obj_is_visible(oid) bool : 1
getdatabaseencoding() name : 'UTF8'
pg_char_to_encoding(name) int4 : CASE WHEN upper({0}) IN ('UTF8', 'UTF-8', 'UNICODE') THEN 6 ELSE -1 END
pg_opclass_is_visible(oid) bool : 1
pg_relation_filenode(regclass) oid : {0}
array_ndims(anyarray) int4 : CASE WHEN pg_cardinality({0}) > 0 THEN 1 END
pg_partition_ancestors(regclass) regclass : NULL
pg_get_triggerdef(oid,bool) text : NULL
pg_get_triggerdef(oid) text : NULL
pg_trigger_depth() int4 : 0
pg_collation_is_visible(oid) bool : 1
pg_get_constraintdef(oid) text
pg_get_constraintdef(oid,bool) text
pg_get_indexdef(oid) text
pg_get_indexdef(oid,int4,bool) text
pg_get_viewdef(oid) text
pg_get_viewdef(oid,bool) text : pg_get_viewdef({0})
pg_get_serial_sequence(text,text) text
pg_table_is_visible(oid) bool
pg_type_is_visible(oid) bool : 1
pg_function_is_visible(oid) bool : 1
pg_is_in_recovery() bool : 0
pg_encoding_to_char(int4) name : 'UTF8'
pg_relation_is_publishable(regclass) bool : 0
pg_relation_size(regclass) int8
pg_total_relation_size(regclass) int8
pg_indexes_size(regclass) int8
pg_size_pretty(int8) text
pg_table_size(regclass) int8 : pg_relation_size({0})
pg_database_size(name) int8
pg_database_size(oid) int8
pg_my_temp_schema() oid : 0
format_type(oid,int4) text
obj_description(oid,name) text : NULL
obj_description(oid) text : NULL
col_description(oid,int4) text : NULL
shobj_description(oid,name) text : NULL
has_table_privilege(text,text) bool : pg_regclass({0}) IS NOT NULL
has_table_privilege(oid,text) bool : 1
has_schema_privilege(text,text) bool : pg_regnamespace({0}) IS NOT NULL
has_schema_privilege(oid,text) bool : 1
has_table_privilege(name,text,text) bool : 1
has_table_privilege(name,oid,text) bool : 1
has_any_column_privilege(oid,text) bool : 1
has_column_privilege(oid,text,text) bool : 1
has_column_privilege(oid,int2,text) bool : 1
has_sequence_privilege(text,text) bool : 1
has_sequence_privilege(oid,text) bool : 1
has_function_privilege(oid,text) bool : 1
has_database_privilege(name,text) bool : 1
has_database_privilege(oid,text) bool : 1
has_database_privilege(name,name,text) bool : 1
pg_has_role(name,text) bool : 1
pg_has_role(oid,text) bool : 1
pg_get_function_sqlbody(oid) text : NULL
to_regclass(text) regclass
to_regtype(text) regtype
txid_current() int8
pg_typeof(any) regtype : !
format(text,any...) text : !
concat(any...) text : !
concat_ws(text,any...) text : !
coalesce(any...) any : !
nullif(any,any) any : !
greatest(any...) any : !
least(any...) any : !
json_build_object(any...) json : !
jsonb_build_object(any...) jsonb : !
json_build_array(any...) json : !
jsonb_build_array(any...) jsonb : !
to_json(any) json : !
to_jsonb(any) jsonb : !
num_nulls(any...) int4 : !
num_nonnulls(any...) int4 : !
row(any...) any : !
"""
AGGREGATES = frozenset(
    [
        "count",
        "sum",
        "avg",
        "min",
        "max",
        "string_agg",
        "array_agg",
        "bool_and",
        "bool_or",
        "every",
        "json_agg",
        "jsonb_agg",
        "json_object_agg",
        "jsonb_object_agg",
        "stddev",
        "stddev_samp",
        "stddev_pop",
        "variance",
        "var_samp",
        "var_pop",
    ]
)
WINDOWS = frozenset(
    [
        "row_number",
        "rank",
        "dense_rank",
        "percent_rank",
        "cume_dist",
        "ntile",
        "lag",
        "lead",
        "first_value",
        "last_value",
        "nth_value",
    ]
)
SETS = frozenset(
    [
        "generate_series",
        "generate_subscripts",
        "unnest",
        "json_array_elements",
        "jsonb_array_elements",
        "json_array_elements_text",
        "jsonb_array_elements_text",
        "jsonb_object_keys",
        "json_object_keys",
        "regexp_split_to_table",
        "string_to_table",
        "json_each",
        "jsonb_each",
        "json_each_text",
        "jsonb_each_text",
    ]
)
WRITES = frozenset({"nextval", "setval"})
"""They change the database."""


class Signature(msgspec.Struct, frozen=True):
    """One line of the table. `sql` is `!` where the translator knows more."""

    name: str
    arguments: tuple[str, ...]
    result: str
    sql: str


_LINE = re.compile(r"(\w+)\(([^)]*)\) (\w+)(?: : (.*))?")


@cache
def signatures() -> dict[str, tuple[Signature, ...]]:
    found: dict[str, list[Signature]] = {}
    for line in _TABLE.strip().splitlines():
        read = _LINE.fullmatch(line)
        if read is None:
            raise ValueError(line)
        name, arguments, result, sql = read.groups()
        given = tuple(one for one in arguments.split(",") if one)
        found.setdefault(name, []).append(Signature(name, given, result, sql or f"pg_{name}({{*}})"))
    return {name: tuple(all_of_them) for name, all_of_them in found.items()}


def oid_of(name: str) -> int:
    """Of a type's name in the table."""
    return BY_NAME[name].oid


@cache
def names() -> frozenset[str]:
    """Every function that is known."""
    return frozenset(signatures()) | AGGREGATES | WINDOWS | SETS
