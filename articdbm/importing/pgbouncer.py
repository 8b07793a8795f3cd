"""PgBouncer's pgbouncer.ini, with its userlist and HBA file, told as our configuration.

What PgBouncer does by default and we would do otherwise is written out. Where something cannot be said here, what is
written lets in fewer rather than more, and a remark tells it.
"""

from pathlib import Path

from articdbm.importing import pgbouncer_clients as clients
from articdbm.importing import pgbouncer_servers as servers
from articdbm.importing import pgbouncer_settings as known
from articdbm.importing.pgbouncer_file import Ini
from articdbm.importing.references import References
from articdbm.importing.remark import Imported
from articdbm.importing.tree import Table, toml


def read(file: Path, secrets: Path | None = None) -> Imported:
    """The whole of it. With `secrets`, a folder, passwords become files there; without, environment variables."""
    ini = Ini(file, References(secrets))
    clusters, databases = servers.places(ini)
    # PAM knows users that the file does not.
    looked_up = ini.setting("auth_type") == "pam" or any(
        "auth_query" in one for one in (*clusters, *databases)
    )
    users = clients.users(ini, [*clusters, *databases], looked_up)
    listeners = clients.listeners(ini, databases, users)
    clients.kept_open(ini, clusters, databases, users)
    ini.say(None, *known.ATTEMPTS, "limits.login_attempts")
    limits: Table = {"max_clients": 100, **ini.taken(known.LIMITS), "login_attempts": known.LOGIN_ATTEMPTS}
    single = {"admin": clients.admin(ini, users), "limits": limits, "tcp": clients.tcp(ini)}
    ini.rest()
    tables = {"listeners": listeners, "clusters": clusters, "databases": databases, "users": users}
    text = toml(tables, single, f"From {file.name}, by `articdbm import`.")
    ordered = sorted(ini.remarks, key=lambda one: (one.file != str(file), one.file, one.line))
    return Imported(toml=text, remarks=tuple(ordered), secrets=ini.references.files)
