"""Where clients come in."""

from typing import Annotated, Literal

from msgspec import structs

from config.address import Address
from config.network import Network
from config.sections.outside import Ldap, Pam
from config.sections.rules import REPLICATION, Auth, Rule
from config.sections.tls import ListenerTls
from config.setting import Section, setting

Protocol = Literal["postgres"]
StoreProtocol = Literal["postgres", "sqlite"]
"""What a cluster may be: servers that speak a wire, or a file."""
Mode = Literal["0600", "0660", "0666", "0700", "0770", "0777"]


class Listener(Section, frozen=True):
    """`[[listeners]]`: an address that clients connect to, and how they prove who they are."""

    protocol: Annotated[Protocol, setting("The wire protocol spoken here.", "new connections")]
    address: Annotated[
        Address,
        setting(
            "Where to listen: `host:port`, an IPv6 address in brackets, or `/directory:port` for the Unix socket "
            "`.s.PGSQL.port` in it. Nothing listens beyond the loopback "
            "addresses unless an address given here says so. Port 0 takes any free one. A new address is listened "
            "at, and one that is gone is left, without touching connected clients.",
            "at once",
        ),
    ]
    auth: Annotated[
        Auth,
        setting(
            'How a client proves who it is. `password` is clear text and needs `tls.mode = "require"`; `cert` takes '
            "the name in a certificate signed by `tls.client_ca`; `trust` asks for nothing and is possible on a "
            "loopback address only; `peer` takes the system user of the process behind a Unix socket; `ldap` and `pam` "
            "let a directory, or the machine's PAM, judge a password that comes in clear: with TLS, or on loopback. "
            "With `rules`, they decide.",
            "new connections",
        ),
    ] = "scram-sha-256"
    tls: Annotated[
        ListenerTls | None, setting("TLS towards clients. Without it, none is offered.", "new connections")
    ] = None
    rules: Annotated[
        tuple[Rule, ...],
        setting(
            "Who may come in how, in order: the first that fits decides, and whom none fits is turned away. Without "
            "any, `auth` is for everybody.",
            "at once",
        ),
    ] = ()
    ldap: Annotated[Ldap | None, setting("The directory that `ldap` asks.", "at once")] = None
    pam: Annotated[Pam | None, setting("The service that `pam` asks.", "at once")] = None
    proxy_from: Annotated[
        tuple[Network, ...],
        setting(
            "Load balancers whose word is taken for where clients come from: every connection from these networks "
            "begins with a PROXY protocol header (version 1 or 2), or is refused. From elsewhere none is accepted.",
            "new connections",
        ),
    ] = ()
    unix_mode: Annotated[
        Mode, setting("Who may connect to a Unix socket, as file permissions.", "restart")
    ] = "0660"

    @property
    def ways(self) -> tuple[Rule, ...]:
        """The rules, each with what it asks; without any those that `auth` is: for every database, and for none."""
        plain = (Rule(auth=self.auth), Rule(auth=self.auth, databases=(REPLICATION,)))
        return tuple(
            structs.replace(rule, ldap=rule.ldap or self.ldap, pam=rule.pam or self.pam or Pam())
            for rule in self.rules or plain
        )
