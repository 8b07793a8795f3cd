"""Listeners and servers: addresses, and what each way in demands."""

from collections.abc import Iterator

from config.address import Address
from config.errors import Finding
from config.positions import KeyPath
from config.sections.listeners import Listener
from config.snapshot import Snapshot


def addresses(snapshot: Snapshot) -> Iterator[Finding]:
    for index, listener in enumerate(snapshot.listeners):
        for earlier, other in enumerate(snapshot.listeners[:index]):
            if _same_place(listener, other):
                yield Finding(
                    ("listeners", index, "address"),
                    f"listeners[{earlier}] listens at {other.address} already",
                    "give each listener a port of its own",
                    because=(("listeners", earlier, "address"),),
                )
                break
    for index, cluster in enumerate(snapshot.clusters):
        seen: set[str] = set()
        for place, server in enumerate(cluster.servers):
            path: KeyPath = ("clusters", index, "servers", place, "address")
            if server.address.port == 0:
                yield Finding(path, "port 0 is no server's port", "write the port the server listens at")
            elif str(server.address) in seen:
                yield Finding(path, f"{server.address} is in this cluster already", "remove one of them")
            seen.add(str(server.address))


def monitoring(snapshot: Snapshot) -> Iterator[Finding]:
    address = snapshot.metrics.address
    for index, listener in enumerate(snapshot.listeners):
        if address is not None and address.port and _clash(address, listener.address):
            yield Finding(
                ("metrics", "address"),
                f"listeners[{index}] listens at {listener.address} already",
                "give it a port of its own",
                because=(("listeners", index, "address"),),
            )


def _same_place(one: Listener, other: Listener) -> bool:
    return _clash(one.address, other.address)


def _clash(one: Address, other: Address) -> bool:
    if one.port != other.port:
        return False
    here, there = one.ip, other.ip
    if here is None or there is None:
        return one.host.lower() == other.host.lower()
    return here == there or (here.version == there.version and (here.is_unspecified or there.is_unspecified))


def ways_in(snapshot: Snapshot) -> Iterator[Finding]:
    for index, listener in enumerate(snapshot.listeners):
        at: KeyPath = ("listeners", index)
        address, auth, tls = (*at, "address"), (*at, "auth"), (*at, "tls")
        offers = listener.tls is not None and listener.tls.mode != "disable"
        demands = listener.tls is not None and listener.tls.mode == "require"
        if listener.auth == "trust" and not listener.address.loopback:
            yield Finding(
                auth,
                f'"trust" lets anyone who reaches {listener.address} in without a password',
                'use "scram-sha-256", or listen on a loopback address such as 127.0.0.1',
                because=(address,),
            )
        if listener.auth == "password" and not demands:
            yield Finding(
                auth,
                '"password" would send passwords in clear text',
                'use "scram-sha-256", or refuse clients without TLS: tls.mode = "require"',
                because=(tls,),
            )
        if listener.auth == "cert" and not (demands and listener.tls and listener.tls.client_ca):
            yield Finding(
                auth,
                '"cert" needs TLS and an authority to check client certificates against',
                'set tls.mode = "require" and tls.client_ca',
                because=(tls,),
            )
        if not offers and not listener.address.loopback:
            yield Finding(
                address,
                "clients from other machines are let in without TLS",
                "set tls.certificate and tls.key, or listen on a loopback address",
                "warning",
                because=(tls,),
            )
