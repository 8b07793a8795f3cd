"""What each of PgBouncer's settings is here: taken over under another name, or why not. Plain tables."""

from collections.abc import Mapping
from typing import Literal

from articdbm.importing.verdicts import CHECKS, LOG, SERVICE, SOCKETS, YEAR, Verdict

Kind = Literal["count", "time", "milliseconds"]
Taken = Mapping[str, tuple[str, Kind, int, int]]
"""Our name, what it is (a time is written in seconds), and from where to where it goes (a time in milliseconds)."""

_POOL: Taken = {
    "min_pool_size": ("min_size", "count", 0, 100_000),
    "query_timeout": ("statement", "time", 0, YEAR),
    "idle_transaction_timeout": ("idle_transaction", "time", 0, YEAR),
    "client_idle_timeout": ("client_idle", "time", 0, YEAR),
    # 0 means "for one use" there, and "for ever" here.
    "server_lifetime": ("server_lifetime", "time", 1, YEAR),
}
POOL: Taken = {
    "default_pool_size": ("size", "count", 1, 100_000),
    "reserve_pool_size": ("reserve", "count", 0, 100_000),
    "reserve_pool_timeout": ("reserve_after", "time", 0, YEAR),
    "query_wait_timeout": ("wait", "time", 0, YEAR),
    "server_idle_timeout": ("server_idle", "time", 0, YEAR),
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
    "server_connect_timeout": ("connect_timeout", "time", 1, YEAR),
    "server_login_retry": ("login_retry", "time", 1, YEAR),
    "dns_max_ttl": ("resolve", "time", 1, YEAR),
}
LIMITS: Taken = {
    "max_client_conn": ("max_clients", "count", 1, 1_000_000),
    "client_login_timeout": ("login", "time", 1, YEAR),
}
PREPARED: Taken = {"max_prepared_statements": ("prepared", "count", 1, 100_000)}
KEEPALIVE: Taken = {
    "tcp_keepidle": ("keepalive_idle", "time", 1_000, 32_767_000),
    "tcp_keepintvl": ("keepalive_interval", "time", 1_000, 32_767_000),
    "tcp_keepcnt": ("keepalive_count", "count", 1, 127),
}
"""Of these 0 is the system's own there."""
SILENCE: Taken = {"tcp_user_timeout": ("user_timeout", "milliseconds", 0, 2_147_483_647)}
OF_DATABASE: Taken = {"max_db_client_connections": ("max_clients", "count", 0, 1_000_000)}
OF_USER: Taken = {"max_user_client_connections": ("max_clients", "count", 0, 1_000_000)}
PARAMETERS = ("client_encoding", "datestyle", "timezone", "application_name")
"""In a database's line: what its server connections begin with."""

LOGIN_ATTEMPTS = 30
ATTEMPTS: Verdict = (
    "differs",
    (
        "it does not count them: here an address has to wait after 30 wrong passwords in a minute; raise it where many "
        "users share one address, 0 is without limit"
    ),
)
KEYS: Verdict = (
    "differs",
    (
        "who has a SCRAM verifier reaches servers with the keys that the client proved itself with, where the server "
        "has the same verifier; where it has another, or asks for MD5 or a password in clear, set server_password"
    ),
)
MD5 = "an MD5 hash proves nothing here: the password itself, or its SCRAM verifier, is needed"
"""Said of userlists, whosesoever they are."""

_OWN: Verdict = (
    "no equivalent",
    (
        "nothing bounds the server connections of one user over all databases: pool.size does on each database, the "
        "cluster's max_connections does for all users; max_clients of a user counts clients"
    ),
)
_DNS: Verdict = (
    "no equivalent",
    "names are looked up by the system, as often as the cluster's resolve says",
)

OTHERS: Mapping[str, Verdict] = {
    **dict.fromkeys(
        (
            "so_reuseport",
            "tcp_defer_accept",
            "tcp_socket_buffer",
            "listen_backlog",
            "pkt_buf",
            "sbuf_loopcnt",
        ),
        SOCKETS,
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
        LOG,
    ),
    **dict.fromkeys(("pidfile", "user", "service_name", "job_name", "conffile"), SERVICE),
    **dict.fromkeys(("dns_zone_check_period", "dns_nxdomain_ttl", "resolv_conf"), _DNS),
    "max_user_connections": _OWN,
    "unix_socket_group": ("no equivalent", "a socket has the group of the process, or of a setgid directory"),
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
    "autodb_idle_timeout": (
        "no equivalent",
        "a pool stays known (limits.max_pools); its connections close after server_idle",
    ),
    "transaction_timeout": ("not yet", "idle_transaction and statement bound the parts of a transaction"),
    "idle_connect_query": ("not yet", "new connections begin as the server makes them"),
    "application_name_add_host": ("not yet", "application_name is passed on as the client gave it"),
    "cancel_wait_timeout": ("not needed", "a cancel request waits for no connection"),
    "query_wait_notify": ("no equivalent", "who waits is told when the wait is over"),
    "suspend_timeout": (
        "no equivalent",
        "SUSPEND waits until nothing is under way; `articdbm upgrade` takes over without it",
    ),
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
    **dict.fromkeys(("server_check_query", "server_check_delay"), CHECKS),
    "server_fast_close": ("no equivalent", "connections are closed as they fall idle"),
    "server_round_robin": (
        "no equivalent",
        "the connection used last is used next, so that the others can close",
    ),
    "disable_pqexec": ("no equivalent", "several statements in one text are understood one by one"),
    "max_packet_size": (
        "not needed",
        "long messages pass through in constant memory; see limits.max_statement",
    ),
}
"""In [pgbouncer]."""

DATABASE_OTHERS: Mapping[str, Verdict] = {
    "load_balance_hosts": ("no equivalent", "of several servers the primary is found and used"),
}
"""In a database's line."""

USER_OTHERS: Mapping[str, Verdict] = {
    "max_user_connections": _OWN,
    "transaction_timeout": OTHERS["transaction_timeout"],
}
"""In a user's line."""
