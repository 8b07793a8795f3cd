"""What systemd is told, and what it gives: readiness, the watchdog, listening sockets. Without systemd nothing happens.

It knows the environment variables of sd_notify(3) and sd_listen_fds(3), and none of what they are about.
"""

import os
import socket
from collections.abc import Mapping, MutableMapping

FIRST_DESCRIPTOR = 3
SECONDS_PER_US = 1e-6


class Notifier:
    """Says it to whoever started us and wants to know."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self.watchdog = _watchdog(environment)
        """Seconds within which a sign of life is expected; 0 when none is."""

    def say(self, *facts: str) -> None:
        """Who does not listen misses it: it is never worth an error."""
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(
            socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        ) as one:
            try:
                one.sendto("\n".join(facts).encode(), address)
            except OSError:
                return


def _watchdog(environment: Mapping[str, str]) -> float:
    meant = environment.get("WATCHDOG_PID", "")
    if meant and meant != str(os.getpid()):
        return 0.0
    said = environment.get("WATCHDOG_USEC", "")
    return int(said) * SECONDS_PER_US if said.isascii() and said.isdecimal() else 0.0


def activated(environment: MutableMapping[str, str]) -> list[int]:
    """The listening sockets systemd opened for us. Taken once: children must not believe they are theirs."""
    meant, count = environment.pop("LISTEN_PID", ""), environment.pop("LISTEN_FDS", "")
    environment.pop("LISTEN_FDNAMES", None)
    if meant != str(os.getpid()) or not (count.isascii() and count.isdecimal()):
        return []
    descriptors = list(range(FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + int(count)))
    for one in descriptors:
        os.set_inheritable(one, False)
    return descriptors


def for_successor(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that takes over: what names this very process is left out."""
    return {name: value for name, value in environment.items() if name not in ("WATCHDOG_PID", "LISTEN_PID")}
