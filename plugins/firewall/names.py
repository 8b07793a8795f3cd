"""The server's functions and relations that the tricks look for, PostgreSQL 15 to 17, and those of extensions that come
with it. Data only.

A name is taken for the server's own when no schema stands before it or `pg_catalog` does; one of an extension is taken
in any schema.
"""

DELAY = frozenset({"pg_sleep", "pg_sleep_for", "pg_sleep_until"})
FILES = frozenset(
    """
    pg_read_file pg_read_binary_file pg_read_file_old pg_stat_file pg_ls_dir pg_ls_logdir pg_ls_waldir
    pg_ls_archive_statusdir pg_ls_tmpdir pg_ls_logicalsnapdir pg_ls_logicalmapdir pg_ls_replslotdir
    pg_current_logfile pg_hba_file_rules pg_ident_file_mappings pg_show_all_file_settings lo_import lo_export
    pg_file_read pg_file_write pg_file_append pg_file_sync pg_file_rename pg_file_unlink pg_file_length pg_logdir_ls
    """.split()  # noqa: SIM905 - a list to be read, not punctuation
)
"""Those that begin with `pg_file_`, and `pg_logdir_ls`, are adminpack's."""
NETWORK = frozenset(
    """
    dblink dblink_connect dblink_connect_u dblink_exec dblink_open dblink_fetch dblink_send_query dblink_get_result
    dblink_close dblink_disconnect dblink_cancel_query dblink_get_notify dblink_is_busy dblink_error_message
    dblink_get_connections dblink_fdw_validator postgres_fdw_handler postgres_fdw_validator
    postgres_fdw_get_connections postgres_fdw_disconnect postgres_fdw_disconnect_all
    """.split()  # noqa: SIM905
)
CATALOGUE = frozenset(
    """
    pg_get_catalog_foreign_keys pg_get_constraintdef pg_get_expr pg_get_function_arg_default pg_get_function_arguments
    pg_get_function_identity_arguments pg_get_function_result pg_get_function_sqlbody pg_get_functiondef
    pg_get_indexdef pg_get_keywords pg_get_object_address pg_get_partition_constraintdef pg_get_partkeydef
    pg_get_publication_tables pg_get_replica_identity_index pg_get_ruledef pg_get_serial_sequence
    pg_get_statisticsobjdef pg_get_statisticsobjdef_columns pg_get_statisticsobjdef_expressions pg_get_triggerdef
    pg_get_userbyid pg_get_viewdef pg_describe_object pg_identify_object pg_identify_object_as_address
    pg_table_is_visible pg_function_is_visible pg_type_is_visible col_description obj_description shobj_description
    format_type to_regclass to_regnamespace to_regproc to_regprocedure to_regrole to_regtype pg_has_role
    has_any_column_privilege has_column_privilege has_database_privilege has_foreign_data_wrapper_privilege
    has_function_privilege has_language_privilege has_parameter_privilege has_schema_privilege has_sequence_privilege
    has_server_privilege has_table_privilege has_tablespace_privilege has_type_privilege
    """.split()  # noqa: SIM905
)
SERVER = frozenset(
    """
    version current_setting current_database current_schema current_schemas current_query pg_config
    pg_show_all_settings inet_server_addr inet_server_port inet_client_addr inet_client_port pg_postmaster_start_time
    pg_conf_load_time pg_backend_pid pg_is_in_recovery pg_control_system pg_control_init pg_control_checkpoint
    pg_control_recovery pg_stat_get_activity pg_stat_get_backend_activity pg_stat_get_wal_senders
    pg_get_replication_slots pg_database_size pg_tablespace_size pg_tablespace_location pg_tablespace_databases
    pg_current_wal_lsn pg_current_wal_insert_lsn pg_available_extensions pg_listening_channels
    """.split()  # noqa: SIM905
)
SERVER_WORDS = frozenset(
    {
        "current_user",
        "session_user",
        "system_user",
        "current_role",
        "current_catalog",
        "current_schema",
        "user",
    }
)
"""Called without brackets."""
DYNAMIC = frozenset(
    """
    query_to_xml query_to_xmlschema query_to_xml_and_xmlschema cursor_to_xml cursor_to_xmlschema table_to_xml
    table_to_xmlschema table_to_xml_and_xmlschema schema_to_xml schema_to_xmlschema schema_to_xml_and_xmlschema
    database_to_xml database_to_xmlschema database_to_xml_and_xmlschema ts_stat ts_rewrite
    """.split()  # noqa: SIM905
)
DYNAMIC_MADE = frozenset(
    {"crosstab", "crosstab2", "crosstab3", "crosstab4", "connectby", "xpath_table", "dblink", "dblink_exec",
     "dblink_open", "dblink_send_query"}
)  # fmt: skip
"""Extensions': they run a query that they are given as text."""
UNTRUSTED = frozenset(
    {"c", "internal", "plpythonu", "plpython2u", "plpython3u", "plperlu", "pltclu", "plsh", "pljavau"}
)
"""Languages in which a function can do to the machine what the server can."""
OUTSIDE = frozenset({"dblink", "postgres_fdw", "file_fdw", "adminpack"})
"""Extensions that reach beyond the database."""
CONFINING = frozenset({"role", "session_authorization", "session_replication_role", "row_security"})
"""Settings that decide what a session may do, or what happens when it does."""
IMMUTABLE = frozenset(
    """
    lower upper length char_length character_length octet_length ascii chr substr substring left right concat reverse
    repeat replace translate trim btrim ltrim rtrim strpos position str_position abs md5 sign mod power sqrt floor ceil
    ceiling round coalesce nullif greatest least encode decode to_hex initcap lpad rpad split_part starts_with row
    """.split()  # noqa: SIM905
)
"""Functions whose result for constants is a constant."""
