"""What the kernel does about a peer that says nothing any more. On a listening socket: every client's takes it over.

It knows sockets and the `[tcp]` section; whose connection it is does not matter.
"""

import socket
from collections.abc import Callable

from config.sections.tcp import Tcp

Tune = Callable[[socket.socket], None]


def tune(one: socket.socket, said: Tcp) -> None:
    """Set it on a TCP socket: before it connects, or before it listens."""
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, int(bool(said.keepalive_idle)))
    if said.keepalive_idle:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _seconds(said.keepalive_idle))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _seconds(said.keepalive_interval))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, said.keepalive_count)
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(said.user_timeout))


def _seconds(ms: int) -> int:
    """The kernel counts in whole seconds: rather one too many than none."""
    return max(1, -(-ms // 1000))
