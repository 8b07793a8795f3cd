"""Listeners and servers: addresses, and what each way in demands."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from config.address import Address
from config.errors import Finding
from config.positions import KeyPath
from config.sections.clusters import Cluster
from config.sections.listeners import Listener
from config.sections.outside import PLACEHOLDER, Ldap, Pam
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
        for place, rule in enumerate(listener.ways if listener.rules else listener.ways[:1]):
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
        yield from _directory((*at, "ldap"), listener.ldap)
        for place, rule in enumerate(listener.rules):
            yield from _directory((*at, "rules", place, "ldap"), rule.ldap)
        services = [((*at, "pam"), listener.pam)]
        services += [((*at, "rules", place, "pam"), rule.pam) for place, rule in enumerate(listener.rules)]
        for path, pam in services:
            if pam is not None:
                yield from _service(path, pam)
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
    if rule.auth in ("ldap", "pam") and not demands and (not here or listener.proxy_from):
        yield Finding(
            path,
            f'"{rule.auth}" would send passwords in clear text',
            'refuse clients without TLS: tls.mode = "require"; or listen on a loopback address',
            because=(tls, proxies, address),
        )
    if rule.auth == "ldap" and rule.ldap is None:
        yield Finding(path, "there is no directory to ask", "set ldap beside it", because=((*at, "ldap"),))
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


_SERVICE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", re.ASCII)


def _service(path: KeyPath, pam: Pam) -> Iterator[Finding]:
    if not _SERVICE.fullmatch(pam.service):
        yield Finding((*path, "service"), "this is no service's name", "write letters, digits, - or _")
    if pam.directory is not None and not pam.directory.startswith("/"):
        yield Finding((*path, "directory"), "this is not an absolute path", "write the whole path")


def _directory(path: KeyPath, ldap: Ldap | None) -> Iterator[Finding]:
    if ldap is None:
        return
    for place, url in enumerate(ldap.urls):
        at = (*path, "urls", place)
        scheme, host = _parts(url)
        if not host:
            yield Finding(at, "this is no directory's address", 'write "ldaps://host" or "ldap://host:389"')
        elif scheme == "ldaps" and ldap.starttls:
            yield Finding(at, "StartTLS is for ldap:// alone", "remove starttls, or write ldap://")
        elif scheme == "ldap" and not ldap.starttls and not Address(host, 0).loopback:
            yield Finding(
                at,
                "passwords would go to the directory in clear text",
                "set starttls = true, or write ldaps://",
                because=((*path, "starttls"),),
            )
    if (ldap.dn is None) == (ldap.base_dn is None):
        yield Finding(
            path, "a user is bound by dn, or searched for in base_dn", "give one of them: dn or base_dn"
        )
    for name, template in (("dn", ldap.dn), ("search_filter", ldap.search_filter)):
        if template is not None and PLACEHOLDER not in template:
            yield Finding(
                (*path, name), "it names everybody alike", f"write {PLACEHOLDER} for the user's name"
            )
    if ldap.bind_password is not None and ldap.bind_dn is None:
        yield Finding(
            (*path, "bind_password"), "nobody is named whose password this is", "set bind_dn beside it"
        )
    if ldap.bind_dn is not None and ldap.bind_password is None:
        yield Finding((*path, "bind_dn"), "without a password this is nobody", "set bind_password beside it")


def _parts(url: str) -> tuple[str, str]:
    """Scheme and host of a directory's URL; no host where it is none that can be used."""
    try:
        split = urlsplit(url)
        whole = split.port != 0 and not (
            split.path.strip("/") or split.query or split.fragment or split.username
        )
    except ValueError:
        return "", ""
    good = split.scheme in ("ldap", "ldaps") and whole and url.isprintable() and " " not in url
    return split.scheme, (split.hostname or "") if good else ""
