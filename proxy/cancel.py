"""Delivering a cancel request: a connection of its own to the very server, the request, and its end.

It knows an address and a key, not whose statement it is. The core holds the connection concerned until Cancelled,
so that the request cannot hit the statement after it.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable

from config.address import address
from protocols.postgres import messages
from proxy import dial, target
from proxy.answers.lines import StoreLines, is_store
from proxy.log import note
from proxy.native import Cancelled, CancelNeeded
from proxy.outside import Commands, Outside
from proxy.target import Target, TlsRule

logger = logging.getLogger(__name__)

TIMEOUT = 5.0


def context(tls: TlsRule) -> ssl.SSLContext:
    """The same demands on the server as its pool makes. A cancel request needs no client certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = tls.mode == "verify-full"
    verifies = tls.mode in ("verify-ca", "verify-full") or (tls.mode == "require" and tls.ca is not None)
    made.verify_mode = ssl.CERT_REQUIRED if verifies else ssl.CERT_NONE
    if verifies and tls.ca is not None:
        made.load_verify_locations(cadata=tls.ca.decode("ascii"))
    elif verifies:
        made.load_default_certs()
    return made


class Cancels:
    """Cancel requests under way."""

    def __init__(
        self,
        outside: Outside,
        target_of: Callable[[int], Target | None],
        name_of: Callable[[str], str],
        timeout: float = TIMEOUT,
        stores: StoreLines | None = None,
    ) -> None:
        self._stores = stores
        self._outside = outside
        self._target_of = target_of
        self._name_of = name_of
        self._timeout = timeout

    def needed(self, event: CancelNeeded) -> Commands:
        if self._stores is not None and is_store(event.address):
            self._stores.cancel(event.pid, event.secret)
            return [Cancelled(event.ticket)]
        self._outside.start(self._deliver(event))
        return []

    async def _deliver(self, event: CancelNeeded) -> Commands:
        to = self._target_of(event.pool)
        rule = to.tls if to is not None else TlsRule()
        try:
            async with asyncio.timeout(self._timeout):
                await self._say(event, rule, to.greeting if to is not None else b"")
        except (OSError, ValueError, TimeoutError, dial.Unreachable) as error:
            note(
                logger,
                logging.WARNING,
                "cancel request not delivered",
                address=event.address,
                reason=str(error),
            )
        return [Cancelled(event.ticket)]

    async def _say(self, event: CancelNeeded, rule: TlsRule, greeting: bytes) -> None:
        server = address(event.address)
        line = await dial.connect(
            server,
            # `allow` starts plain, and a server hears cancel requests in plain whatever its rules say.
            ask_tls=target.attempts(rule, server)[0],
            needs_tls=target.must(rule, server),
            seconds=self._timeout,
            greeting=greeting,
        )
        one = socket.socket(fileno=line.fd)
        try:
            reader, writer = await asyncio.open_connection(
                sock=one,
                ssl=context(rule) if line.tls else None,
                server_hostname=self._name_of(event.address) if line.tls else None,
            )
        except BaseException:
            one.close()
            raise
        try:
            writer.write(messages.cancel_request(event.pid, event.secret))
            await writer.drain()
            # The server closes when the signal is sent; only then is the request known to be spent.
            await reader.read()
        finally:
            writer.close()
