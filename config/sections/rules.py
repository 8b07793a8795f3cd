"""Who may come in how: ordered rules, the first that fits decides."""

from typing import Annotated, Literal

from config.network import Network
from config.sections.outside import Ldap, Pam
from config.setting import Section, setting

REPLICATION = "replication"
"""In a database's place: physical replication, as in pg_hba.conf."""

Auth = Literal["scram-sha-256", "md5", "password", "cert", "trust", "peer", "ldap", "pam"]


class Rule(Section, frozen=True):
    """One element of a listener's `rules`. What is not given fits everybody."""

    auth: Annotated[
        Literal["scram-sha-256", "md5", "password", "cert", "trust", "peer", "ldap", "pam", "reject"],
        setting(
            "How such a client proves who it is, as a listener's `auth`; `reject` turns it away.", "at once"
        ),
    ]
    hosts: Annotated[
        tuple[Network, ...],
        setting(
            "Where the client comes from: networks, or `local` for Unix sockets. Behind a trusted load balancer it is "
            "the address that the balancer names.",
            "at once",
        ),
    ] = ()
    databases: Annotated[
        tuple[str, ...],
        setting(
            "The databases asked for, by `name` (not an alias); `articdbm` is the console. `replication` is no "
            "database, but physical replication, which names none: a rule without this word does not fit it.",
            "at once",
        ),
    ] = ()
    users: Annotated[tuple[str, ...], setting("The names clients log in with.", "at once")] = ()
    tls: Annotated[
        Literal["any", "required", "none"],
        setting("Clients with TLS, those without, or both.", "at once"),
    ] = "any"
    ldap: Annotated[
        Ldap | None, setting("The directory that `ldap` asks, where it is not the listener's.", "at once")
    ] = None
    pam: Annotated[
        Pam | None, setting("The service that `pam` asks, where it is not the listener's.", "at once")
    ] = None
