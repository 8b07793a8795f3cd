"""Views of the server that show the very session they are asked in. Data only."""

OWN = frozenset(
    {
        "pg_cursors",
        "pg_prepared_statements",
        "pg_settings",
        "pg_my_temp_schema",
        "pg_backend_memory_contexts",
        "pg_stat_xact_all_tables",
        "pg_stat_xact_sys_tables",
        "pg_stat_xact_user_functions",
        "pg_stat_xact_user_tables",
    }
)
