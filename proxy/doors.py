"""Listeners: their numbers, their sockets, and how a client proves itself at each.

A listener is known by the address written in the configuration; its number stays over reloads. Binding is apart
from adopting, so that a reload that cannot have every address changes nothing.
"""

import os

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from config.address import Address
from config.sections.listeners import Listener
from config.sections.tcp import Tcp
from config.sections.tls import ListenerTls
from config.snapshot import Snapshot
from protocols.postgres.binding import certificate_binding
from proxy import sockets
from proxy.native import Listen, TlsServer, Unlisten
from proxy.outside import Commands


class Door(msgspec.Struct, frozen=True):
    """One listener, as a log-in needs it."""

    name: str
    method: str
    binding: bytes | None
    """Channel binding data of its certificate, where it has TLS."""


class Change(msgspec.Struct, frozen=True):
    """Everything a new configuration does to the doors, prepared and not yet done."""

    listeners: tuple[Listener, ...]
    doors: dict[int, Door]
    bound: dict[int, list[int]]
    """New sockets by listener number."""
    commands: Commands
    tcp: Tcp

    def abandon(self) -> None:
        """Nothing comes of it: give the new sockets up."""
        for descriptors in self.bound.values():
            sockets.close(descriptors)


class Doors:
    """The listeners in force."""

    def __init__(self, sockets_each: int, given: sockets.Given = sockets.NOTHING_GIVEN) -> None:
        self._sockets_each = sockets_each
        self._given = given
        self._kept: dict[int, list[int]] = {}
        """Our own copies of the sockets the core has: to be handed to a successor."""
        self._gone = False
        self._numbers: dict[Address, int] = {}
        self._listeners: dict[int, Listener] = {}
        self._open: dict[int, Door] = {}

    def door(self, number: int) -> Door | None:
        return self._open.get(number)

    def prepare(self, snapshot: Snapshot) -> Change:
        """Bind what is new. Raises BindError, having bound nothing."""
        if self._gone:
            raise sockets.BindError("another process has taken over the listeners; this one only finishes")
        doors: dict[int, Door] = {}
        bound: dict[int, list[int]] = {}
        commands: Commands = []
        try:
            for listener in snapshot.listeners:
                number = self._numbers.setdefault(listener.address, len(self._numbers) + 1)
                doors[number] = _door(listener)
                before = self._listeners.get(number)
                if before is None:
                    bound[number] = sockets.bind(
                        listener.address, self._sockets_each, self._given, snapshot.tcp
                    )
                    commands.append(Listen(number, bound[number], tls=_tls(listener.tls)))
                elif before.tls != listener.tls:
                    commands.append(Listen(number, [], tls=_tls(listener.tls)))
        except BaseException:
            for descriptors in bound.values():
                sockets.close(descriptors)
            raise
        commands += [Unlisten(number) for number in self._open if number not in doors]
        return Change(snapshot.listeners, doors, bound, commands, snapshot.tcp)

    def adopt(self, change: Change) -> list[str]:
        """What was prepared is now in force. Gives the addresses that are newly listened at, ports as they are."""
        self._open = change.doors
        for number in [one for one in self._kept if one not in change.doors]:
            sockets.close(self._kept.pop(number))
        for number, descriptors in change.bound.items():
            self._kept[number] = [os.dup(one) for one in descriptors]
        for descriptors in self._kept.values():
            sockets.retune(descriptors, change.tcp)
        self._listeners = {self._numbers[one.address]: one for one in change.listeners}
        return [
            f"{self._listeners[number].protocol} "
            + str(Address(self._listeners[number].address.host, sockets.port_of(descriptors[0])))
            for number, descriptors in change.bound.items()
        ]

    def sockets(self) -> list[tuple[str, int]]:
        """For a successor: each with the address it was made for. They stay ours too."""
        return [
            (str(self._listeners[number].address), one)
            for number, descriptors in self._kept.items()
            for one in descriptors
        ]

    def refuse(self) -> None:
        """Who comes from now on is heard, and told that we are stopping."""
        self._open = {}
        self._gone = True

    def leave(self) -> Commands:
        """A successor hears who comes from now on. Who is being logged in here is not forgotten."""
        self._gone = True
        for descriptors in self._kept.values():
            sockets.close(descriptors)
        self._kept = {}
        return [Unlisten(number) for number in self._open]


def _door(listener: Listener) -> Door:
    tls = listener.tls
    binding = None
    if tls is not None and tls.mode != "disable" and tls.certificate is not None:
        leaf = x509.load_pem_x509_certificate(tls.certificate.data)
        binding = certificate_binding(leaf.public_bytes(Encoding.DER))
    return Door(str(listener.address), listener.auth, binding)


def _tls(said: ListenerTls | None) -> TlsServer | None:
    if said is None or said.mode == "disable" or said.certificate is None or said.key is None:
        return None
    return TlsServer(
        said.certificate.data,
        said.key.data,
        client_ca=said.client_ca.data if said.client_ca is not None else None,
        required=said.mode == "require",
    )
