"""TLS: files that are there, can be read, and fit each other."""

from collections.abc import Iterator
from datetime import datetime

from config.certificates import check_authorities, check_pair
from config.errors import Finding
from config.positions import KeyPath
from config.snapshot import Snapshot


def tls_files(snapshot: Snapshot, now: datetime) -> Iterator[Finding]:
    for index, listener in enumerate(snapshot.listeners):
        at: KeyPath = ("listeners", index, "tls")
        if listener.tls is None or listener.tls.mode == "disable":
            continue
        if listener.tls.certificate and listener.tls.key:
            yield from check_pair(at, listener.tls.certificate, listener.tls.key, now)
        for name, file in (("certificate", listener.tls.certificate), ("key", listener.tls.key)):
            if file is None:
                yield Finding(
                    (*at, name), "this is missing: TLS needs a certificate and its key", "name a PEM file"
                )
        if listener.tls.client_ca:
            yield from check_authorities((*at, "client_ca"), listener.tls.client_ca, now)
    for index, cluster in enumerate(snapshot.clusters):
        at, tls = ("clusters", index, "tls"), cluster.tls
        if tls.certificate and tls.key:
            yield from check_pair(at, tls.certificate, tls.key, now)
        elif tls.certificate or tls.key:
            missing = "key" if tls.certificate else "certificate"
            yield Finding(
                (*at, missing), "this is missing: a certificate and its key come together", "name a PEM file"
            )
        if tls.ca:
            yield from check_authorities((*at, "ca"), tls.ca, now)
        if tls.mode.startswith("verify") and not tls.ca:
            yield Finding(
                (*at, "mode"),
                f'"{tls.mode}" needs an authority to check against',
                "set ca, a PEM file",
                because=((*at, "ca"),),
            )
        if tls.ca and tls.mode in ("disable", "allow", "prefer"):
            yield Finding(
                (*at, "mode"),
                f'"{tls.mode}" does not check servers against ca',
                'set mode = "verify-full" or "verify-ca"',
                "warning",
                because=((*at, "ca"),),
            )
