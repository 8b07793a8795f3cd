"""What each of PgBouncer's settings is here: taken over under another name, or why not. Plain tables."""

from collections.abc import Mapping
from typing import Literal

from articdbm.importing.remark import State

Kind = Literal["count", "time"]
Taken = Mapping[str, tuple[str, Kind, int, int]]
"""Our name, what it is, and from where to where it goes (a time in milliseconds)."""

_YEAR = 366 * 86_400_000
_POOL: Taken = {
    "min_pool_size": ("min_size", "count", 0, 100_000),
    "query_timeout": ("statement", "time", 0, _YEAR),
    "idle_transaction_timeout": ("idle_transaction", "time", 0, _YEAR),
    "client_idle_timeout": ("client_idle", "time", 0, _YEAR),
    # 0 means "for one use" there, and "for ever" here.
    "server_lifetime": ("server_lifetime", "time", 1, _YEAR),
}
POOL: Taken = {
    "default_pool_size": ("size", "count", 1, 100_000),
    "reserve_pool_size": ("reserve", "count", 0, 100_000),
    "reserve_pool_timeout": ("reserve_after", "time", 0, _YEAR),
    "query_wait_timeout": ("wait", "time", 0, _YEAR),
    "server_idle_timeout": ("server_idle", "time", 0, _YEAR),
    **_POOL,
}
LEVEL: Taken = {
    "pool_size": ("size", "count", 1, 100_000),
    "reserve_pool": ("reserve", "count", 0, 100_000),
    "reserve_pool_size": ("reserve", "count", 0, 100_000),
    **_POOL,
}
"""The same in a database's or a user's line."""
CLUSTER: Taken = {
    "server_connect_timeout": ("connect_timeout", "time", 1, _YEAR),
    "server_login_retry": ("login_retry", "time", 1, _YEAR),
}
LIMITS: Taken = {
    "max_client_conn": ("max_clients", "count", 1, 1_000_000),
    "client_login_timeout": ("login", "time", 1, _YEAR),
}
PREPARED: Taken = {"max_prepared_statements": ("prepared", "count", 1, 100_000)}

_SOCKET: tuple[State, str] = ("not yet", "there are no Unix sockets")
_TCP: tuple[State, str] = ("no equivalent", "sockets are set as a proxy needs them")
_LOG: tuple[State, str] = ("no equivalent", "the log goes to standard error; see log.level")
_SERVICE: tuple[State, str] = (
    "no equivalent",
    "that is the service manager's: the process stays in the foreground",
)
_SETTING: tuple[State, str] = (
    "no equivalent",
    "settings are the clients' own and follow them to every connection; ALTER DATABASE … SET gives a default",
)
_QUERY: tuple[State, str] = ("not yet", "passwords come from the configuration; give each user an entry")
_LIMIT: tuple[State, str] = (
    "not yet",
    "the bounds there are: pool.size, the cluster's max_connections, limits.max_clients",
)
_DNS: tuple[State, str] = ("no equivalent", "names are looked up by the system, anew for each connection")

OTHERS: Mapping[str, tuple[State, str]] = {
    **dict.fromkeys(("unix_socket_dir", "unix_socket_mode", "unix_socket_group"), _SOCKET),
    **dict.fromkeys(
        (
            "so_reuseport",
            "tcp_defer_accept",
            "tcp_socket_buffer",
            "tcp_keepalive",
            "tcp_keepcnt",
            "tcp_keepidle",
            "tcp_keepintvl",
            "tcp_user_timeout",
            "listen_backlog",
            "pkt_buf",
            "sbuf_loopcnt",
        ),
        _TCP,
    ),
    **dict.fromkeys(
        (
            "logfile",
            "syslog",
            "syslog_facility",
            "syslog_ident",
            "log_connections",
            "log_disconnections",
            "log_pooler_errors",
            "log_stats",
            "verbose",
            "stats_period",
        ),
        _LOG,
    ),
    **dict.fromkeys(("pidfile", "user", "service_name", "job_name", "conffile"), _SERVICE),
    **dict.fromkeys(("dns_max_ttl", "dns_zone_check_period", "dns_nxdomain_ttl", "resolv_conf"), _DNS),
    **dict.fromkeys(("auth_user", "auth_query", "auth_dbname"), _QUERY),
    **dict.fromkeys(
        ("max_user_connections", "max_db_client_connections", "max_user_client_connections"), _LIMIT
    ),
    **dict.fromkeys(
        (
            "client_tls_ciphers",
            "client_tls_protocols",
            "client_tls_dheparams",
            "client_tls_ecdhcurve",
            "client_tls13_ciphers",
            "server_tls_ciphers",
            "server_tls_protocols",
            "server_tls13_ciphers",
        ),
        ("no equivalent", "TLS 1.2 and 1.3 with what is safe today, a hybrid post-quantum exchange first"),
    ),
    "auth_ident_file": ("not yet", "a user has the name of its certificate or of its password"),
    "auth_ldap_options": ("to do", 'set ldap in the listener, and auth = "ldap" there or in a rule'),
    "stats_users": ("not yet", "the console is for admin.users, who may do everything"),
    "autodb_idle_timeout": ("not yet", "each database has an entry"),
    "transaction_timeout": ("not yet", "idle_transaction and statement bound the parts of a transaction"),
    "idle_connect_query": ("not yet", "new connections begin as the server makes them"),
    "application_name_add_host": ("not yet", "application_name is passed on as the client gave it"),
    "cancel_wait_timeout": ("not needed", "a cancel request waits for no connection"),
    "query_wait_notify": ("no equivalent", "who waits is told when the wait is over"),
    "suspend_timeout": ("not yet", "there is no upgrade without downtime"),
    "peer_id": ("not needed", "one process has every thread, so that cancel requests find their statement"),
    "ignore_startup_parameters": (
        "not needed",
        "every startup parameter is understood and follows its client",
    ),
    "track_extra_parameters": ("not needed", "every setting follows its client"),
    "server_reset_query": (
        "not needed",
        "a connection that has something of a client's is cleaned with DISCARD ALL",
    ),
    "server_reset_query_always": (
        "not needed",
        "what a client leaves behind is known, or pins its connection",
    ),
    "server_check_query": ("not needed", "a connection that the server has closed is noticed at once"),
    "server_check_delay": ("not needed", "a connection that the server has closed is noticed at once"),
    "server_fast_close": ("no equivalent", "connections are closed as they fall idle"),
    "server_round_robin": (
        "no equivalent",
        "the connection used last is used next, so that the others can close",
    ),
    "disable_pqexec": ("not yet", "several statements in one text are understood one by one"),
    "max_packet_size": (
        "not needed",
        "long messages pass through in constant memory; see limits.max_statement",
    ),
}
"""In [pgbouncer]."""

DATABASE_OTHERS: Mapping[str, tuple[State, str]] = {
    **dict.fromkeys(("client_encoding", "datestyle", "timezone", "application_name"), _SETTING),
    **dict.fromkeys(("auth_user", "auth_query", "auth_dbname"), _QUERY),
    **dict.fromkeys(("max_db_client_connections", "max_client_conn"), _LIMIT),
    "connect_query": ("not yet", "new connections begin as the server makes them"),
    "load_balance_hosts": ("no equivalent", "of several servers the primary is found and used"),
}
"""In a database's line."""

USER_OTHERS: Mapping[str, tuple[State, str]] = {
    **dict.fromkeys(("max_user_connections", "max_user_client_connections"), _LIMIT),
    "transaction_timeout": OTHERS["transaction_timeout"],
}
"""In a user's line."""
