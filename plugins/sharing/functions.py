"""The server's functions that do nothing but compute or look up: no writing, no waiting, nothing of the session told
or changed. And the words that stand before a bracket without being functions. Data only.

A function that is not listed is taken for one that might. Add one only when all of the above holds of it.
"""

_AGGREGATES = """
    any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp every
    json_agg json_object_agg jsonb_agg jsonb_object_agg max min mode percentile_cont percentile_disc range_agg
    range_intersect_agg regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy
    stddev stddev_pop stddev_samp string_agg sum var_pop var_samp variance xmlagg
    cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number
"""
_NUMBERS = """
    abs acos acosd acosh asin asind asinh atan atan2 atan2d atand atanh cbrt ceil ceiling cos cosd cosh cot cotd
    degrees div erf erfc exp factorial floor gcd lcm ln log log10 min_scale mod pi power radians random round scale
    sign sin sind sinh sqrt tan tand tanh trim_scale trunc width_bucket
"""
_STRINGS = """
    ascii bit_count bit_length btrim char_length character_length chr concat concat_ws convert convert_from convert_to
    decode encode format get_bit get_byte initcap left length lower lpad ltrim md5 normalize octet_length parse_ident
    quote_ident quote_literal quote_nullable regexp_count regexp_instr regexp_like regexp_match regexp_matches
    regexp_replace regexp_split_to_array regexp_split_to_table regexp_substr repeat replace reverse right rpad rtrim
    set_bit set_byte sha224 sha256 sha384 sha512 split_part starts_with string_to_array string_to_table strpos substr
    to_ascii to_hex translate unistr upper gen_random_uuid crc32 crc32c
"""
_TIMES = """
    age clock_timestamp date_bin date_part date_trunc isfinite justify_days justify_hours justify_interval make_date
    make_interval make_time make_timestamp make_timestamptz now statement_timestamp timeofday to_char to_date
    to_number to_timestamp transaction_timestamp date_add date_subtract
"""
_LISTS = """
    array_append array_cat array_dims array_fill array_length array_lower array_ndims array_position array_positions
    array_prepend array_remove array_replace array_to_string array_upper cardinality generate_series
    generate_subscripts trim_array unnest isempty lower_inc lower_inf multirange range_merge upper_inc upper_inf
    int4range int8range numrange tsrange tstzrange daterange num_nonnulls num_nulls
"""
_JSON = """
    array_to_json json_array_elements json_array_elements_text json_array_length json_build_array json_build_object
    json_each json_each_text json_extract_path json_extract_path_text json_object json_object_keys json_populate_record
    json_populate_recordset json_strip_nulls json_to_record json_to_recordset json_typeof jsonb_array_elements
    jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text
    jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_keys jsonb_path_exists
    jsonb_path_match jsonb_path_query jsonb_path_query_array jsonb_path_query_first jsonb_populate_record
    jsonb_populate_recordset jsonb_pretty jsonb_set jsonb_set_lax jsonb_strip_nulls jsonb_to_record jsonb_to_recordset
    jsonb_typeof row_to_json to_json to_jsonb
"""
_SEARCH = """
    get_current_ts_config numnode phraseto_tsquery plainto_tsquery querytree setweight strip to_tsquery to_tsvector
    ts_headline ts_rank ts_rank_cd tsvector_to_array array_to_tsvector websearch_to_tsquery
"""
_NETWORK_AND_SHAPES = """
    abbrev broadcast family host hostmask inet_merge inet_same_family masklen netmask network set_masklen
    macaddr8_set7bit area box center circle diameter height isclosed isopen line lseg npoints path pclose point
    polygon popen radius slope width
"""
_CATALOGUE = """
    col_description current_database current_schema current_schemas format_type has_any_column_privilege
    has_column_privilege has_database_privilege has_function_privilege has_schema_privilege has_sequence_privilege
    has_table_privilege has_type_privilege obj_description pg_client_encoding pg_column_size pg_database_size
    pg_encoding_to_char pg_function_is_visible pg_get_constraintdef pg_get_expr pg_get_function_arguments
    pg_get_function_identity_arguments pg_get_function_result pg_get_functiondef pg_get_indexdef pg_get_keywords
    pg_get_partkeydef pg_get_ruledef pg_get_serial_sequence pg_get_triggerdef pg_get_userbyid pg_get_viewdef
    pg_has_role pg_indexes_size pg_is_in_recovery pg_operator_is_visible pg_postmaster_start_time pg_relation_size
    pg_size_pretty pg_table_is_visible pg_table_size pg_total_relation_size pg_type_is_visible pg_typeof
    row_security_active shobj_description to_regclass to_regnamespace to_regproc to_regprocedure to_regrole to_regtype
    version pg_options_to_table pg_get_statisticsobjdef_columns array_in array_out
"""
_CASTS = """
    bool box cidr date float4 float8 inet int2 int4 int8 json jsonb macaddr money name numeric oid point regclass text
    timestamp timestamptz timetz uuid varchar xml bytea
"""
HARMLESS = frozenset(
    name
    for names in (
        *(_AGGREGATES, _NUMBERS, _STRINGS, _TIMES, _LISTS),
        *(_JSON, _SEARCH, _NETWORK_AND_SHAPES, _CATALOGUE, _CASTS),
    )
    for name in names.split()
)
"""Called by these names they are the server's own, as long as pg_catalog is looked into first."""

SYNTAX = frozenset(
    """
    all and any array as asymmetric between by case cast coalesce cross cube current_time current_timestamp distinct
    else end except exists extract filter from full greatest group grouping having ilike in inner intersect is isnull
    join lateral least left like limit localtime localtimestamp materialized natural not notnull nullif offset on only
    or order outer over overlay partition position recursive right rollup row rows select sets similar some substring
    symmetric tablesample then trim union using values when where window within
    bit char character dec decimal float interval national nchar numeric precision time timestamp varchar varying
    bernoulli system
    """.split()  # noqa: SIM905 - a list to be read, not punctuation
)
"""Words that stand before a bracket as part of the grammar, or as a type with its size."""
