"""Where clients come in."""

from typing import Annotated, Literal

from config.address import Address
from config.sections.tls import ListenerTls
from config.setting import Section, setting

Protocol = Literal["postgres"]
Auth = Literal["scram-sha-256", "md5", "password", "cert", "trust"]


class Listener(Section, frozen=True):
    """`[[listeners]]`: an address that clients connect to, and how they prove who they are."""

    protocol: Annotated[Protocol, setting("The wire protocol spoken here.", "new connections")]
    address: Annotated[
        Address,
        setting(
            "Where to listen: `host:port`, an IPv6 address in brackets. Nothing listens beyond the loopback "
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
            "loopback address only.",
            "new connections",
        ),
    ] = "scram-sha-256"
    tls: Annotated[
        ListenerTls | None, setting("TLS towards clients. Without it, none is offered.", "new connections")
    ] = None
