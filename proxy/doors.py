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
from config.sections.rules import Rule
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
    ways: tuple[Rule, ...]
    """How clients prove themselves: the first that fits."""
    binding: bytes | None
    """Channel binding data of its certificate, where it has TLS."""


class Change(msgspec.Struct, frozen=True):
    """Everything a new configuration does to the doors, prepared and not yet done."""

    listeners: tuple[Listener, ...]
    doors: dict[int, Door]
    bound: dict[int, list[int]]
    """New sockets by listener number."""
    given: dict[int, bool]
    """Those that were made by another, and whether their files are ours to remove from now on."""
    commands: Commands
    tcp: Tcp

    def abandon(self) -> None:
        """Nothing comes of it: give the new sockets up."""
        _abandon(self.bound, self.given)


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
        self._files: dict[int, sockets.File | None] = {}

    def door(self, number: int) -> Door | None:
        return self._open.get(number)

    def prepare(self, snapshot: Snapshot) -> Change:
        """Bind what is new. Raises BindError, having bound nothing."""
        if self._gone:
            raise sockets.BindError("this process only finishes what is under way; it listens nowhere new")
        doors: dict[int, Door] = {}
        bound: dict[int, list[int]] = {}
        given: dict[int, bool] = {}
        commands: Commands = []
        try:
            for listener in snapshot.listeners:
                number = self._numbers.setdefault(listener.address, len(self._numbers) + 1)
                doors[number] = _door(listener)
                before = self._listeners.get(number)
                if before is None:
                    names = self._given.names(listener.address)
                    if names:
                        given[number] = "" not in names
                    mode = int(listener.unix_mode, 8)
                    bound[number] = sockets.bind(
                        listener.address, self._sockets_each, self._given, snapshot.tcp, mode=mode
                    )
                    commands.append(_listen(number, bound[number], listener))
                elif (before.tls, before.proxy_from) != (listener.tls, listener.proxy_from):
                    commands.append(_listen(number, [], listener))
        except BaseException:
            _abandon(bound, given)
            raise
        commands += [Unlisten(number) for number in self._open if number not in doors]
        return Change(snapshot.listeners, doors, bound, given, commands, snapshot.tcp)

    def adopt(self, change: Change) -> list[str]:
        """What was prepared is now in force. Gives the addresses that are newly listened at, ports as they are."""
        for number in self._open.keys() - change.doors.keys():
            self._remove(number)
        self._open = change.doors
        for number in [one for one in self._kept if one not in change.doors]:
            sockets.release(self._kept.pop(number))
        for number, descriptors in change.bound.items():
            self._kept[number] = [os.dup(one) for one in descriptors]
            if change.given.get(number, True):
                self._files[number] = sockets.file_of(descriptors[0])
        for descriptors in self._kept.values():
            sockets.retune(descriptors, change.tcp)
        self._listeners = {self._numbers[one.address]: one for one in change.listeners}
        return [
            f"{self._listeners[number].protocol} "
            + str(sockets.named(self._listeners[number].address, descriptors[0]))
            for number, descriptors in change.bound.items()
        ]

    def sockets(self) -> list[tuple[str, int]]:
        """For a successor: each with the address it was made for, or without one where its file is not ours to remove.
        They stay ours too."""
        return [
            (str(address) if number in self._files or address.unix is None else "", one)
            for number, descriptors in self._kept.items()
            for address in [self._listeners[number].address]
            for one in descriptors
        ]

    def close(self) -> Commands:
        """Hear nobody any more. Who is being logged in is not forgotten."""
        commands: Commands = [Unlisten(number) for number in self._kept]
        for number, descriptors in self._kept.items():
            self._remove(number)
            sockets.release(descriptors)
        self._kept = {}
        self._gone = True
        return commands

    def refuse(self) -> None:
        """Who comes from now on is heard, and told that we are stopping."""
        self._open = {}
        self._gone = True

    def leave(self) -> Commands:
        """A successor hears who comes from now on. Who is being logged in here is not forgotten."""
        self._gone = True
        for descriptors in self._kept.values():
            sockets.release(descriptors)
        self._kept = {}
        self._files = {}
        return [Unlisten(number) for number in self._open]

    def _remove(self, number: int) -> None:
        """The core closes the descriptors; a Unix socket's file stays unless we take it away."""
        file = self._files.pop(number, None)
        if file is not None:
            sockets.remove(file)


def _abandon(bound: dict[int, list[int]], given: dict[int, bool]) -> None:
    for number, descriptors in bound.items():
        # The process that made them goes on listening.
        (sockets.release if number in given else sockets.close)(descriptors)


def _door(listener: Listener) -> Door:
    tls = listener.tls
    binding = None
    if tls is not None and tls.mode != "disable" and tls.certificate is not None:
        leaf = x509.load_pem_x509_certificate(tls.certificate.data)
        binding = certificate_binding(leaf.public_bytes(Encoding.DER))
    return Door(str(listener.address), listener.ways, binding)


def _listen(number: int, descriptors: list[int], listener: Listener) -> Listen:
    return Listen(
        number, descriptors, tls=_tls(listener.tls), proxies=[str(one) for one in listener.proxy_from]
    )


def _tls(said: ListenerTls | None) -> TlsServer | None:
    if said is None or said.mode == "disable" or said.certificate is None or said.key is None:
        return None
    return TlsServer(
        said.certificate.data,
        said.key.data,
        client_ca=said.client_ca.data if said.client_ca is not None else None,
        required=said.mode == "require",
    )
