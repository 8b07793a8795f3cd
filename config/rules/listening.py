"""Listeners and servers: addresses, and what each way in demands."""

from collections.abc import Iterator

from config.address import Address
from config.errors import Finding
from config.positions import KeyPath
from config.sections.clusters import Cluster
from config.sections.listeners import Listener
from config.sections.rules import Rule
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
        yield from _behind(index, cluster)
        seen: set[str] = set()
        for place, server in enumerate(cluster.servers):
            path: KeyPath = ("clusters", index, "servers", place, "address")
            if server.address.port == 0:
                yield Finding(path, "port 0 is no server's port", "write the port the server listens at")
            elif str(server.address) in seen:
                yield Finding(path, f"{server.address} is in this cluster already", "remove one of them")
            seen.add(str(server.address))


def _behind(index: int, cluster: Cluster) -> Iterator[Finding]:
    """Servers, or a file."""
    at: KeyPath = ("clusters", index)
    if cluster.protocol == "sqlite":
        if cluster.path is None:
            yield Finding((*at, "path"), "it does not say which file", 'write `path = "data/bank.db"`')
        if cluster.servers:
            yield Finding(
                (*at, "servers"), "a file has no servers", "remove them, or `path` and the protocol"
            )
    elif cluster.path is not None:
        yield Finding((*at, "path"), "servers have no file here", 'set `protocol = "sqlite"`, or remove it')
    elif not cluster.servers:
        yield Finding(
            (*at, "servers"), "there are none", 'write `servers = [{ address = "127.0.0.1:5432" }]`'
        )


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
        address, tls = (*at, "address"), (*at, "tls")
        offers = listener.tls is not None and listener.tls.mode != "disable"
        for place, rule in enumerate(listener.ways):
            path: KeyPath = (*at, "rules", place, "auth") if listener.rules else (*at, "auth")
            yield from _way(path, at, listener, rule)
        if listener.address.unix is not None:
            for name, given in (("tls", offers), ("proxy_from", bool(listener.proxy_from))):
                if given:
                    yield Finding(
                        (*at, name), "a Unix socket knows none of this", "remove it", because=(address,)
                    )
        elif not offers and not listener.address.loopback:
            yield Finding(
                address,
                "clients from other machines are let in without TLS",
                "set tls.certificate and tls.key, or listen on a loopback address",
                "warning",
                because=(tls,),
            )
        for place, network in enumerate(listener.proxy_from):
            if network.net is None:
                yield Finding(
                    (*at, "proxy_from", place), "a Unix socket is no load balancer", "name a network"
                )


def _way(path: KeyPath, at: KeyPath, listener: Listener, rule: Rule) -> Iterator[Finding]:
    """What one way in demands of the listener and of the other conditions of its rule."""
    address, tls, proxies = (*at, "address"), (*at, "tls"), (*at, "proxy_from")
    offers = listener.tls is not None and listener.tls.mode != "disable"
    demands = (
        offers and listener.tls is not None and (listener.tls.mode == "require" or rule.tls == "required")
    )
    here = listener.address.loopback or (bool(rule.hosts) and all(network.loopback for network in rule.hosts))
    if rule.auth == "trust" and not here:
        yield Finding(
            path,
            f'"trust" lets anyone who reaches {listener.address} in without a password',
            'use "scram-sha-256", or listen on a loopback address such as 127.0.0.1',
            because=(address,),
        )
    if rule.auth == "trust" and listener.proxy_from:
        yield Finding(
            path,
            '"trust" lets anyone who reaches the load balancer in without a password',
            'use "scram-sha-256", or let load balancers connect to another listener',
            because=(proxies,),
        )
    if rule.auth == "peer" and listener.address.unix is None:
        yield Finding(
            path,
            "only of a Unix socket is it known whose process is at the other end",
            'use "scram-sha-256", or listen at "/directory:port"',
            because=(address,),
        )
    if rule.auth == "password" and not demands:
        yield Finding(
            path,
            '"password" would send passwords in clear text',
            'use "scram-sha-256", or refuse clients without TLS: tls.mode = "require"',
            because=(tls,),
        )
    if rule.auth == "cert" and not (demands and listener.tls and listener.tls.client_ca):
        yield Finding(
            path,
            '"cert" needs TLS and an authority to check client certificates against',
            'set tls.mode = "require" and tls.client_ca',
            because=(tls,),
        )
    if rule.tls == "required" and not offers:
        yield Finding(
            (*path[:-1], "tls"),
            "no client fits: this listener offers no TLS",
            "set the listener's tls",
            because=(tls,),
        )
