"""Free loopback ports, and waiting until somebody listens on one."""

import socket
import time
from collections.abc import Callable


def free() -> int:
    """A port nobody listens on now. Another process may still be quicker: whoever starts a server tries again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Whether a connection to the port is accepted."""
    with socket.socket() as probe:
        probe.settimeout(1)
        # A connection may come about with itself, where the kernel gives it this very port to come from.
        return probe.connect_ex(("127.0.0.1", port)) == 0 and probe.getsockname() != probe.getpeername()


def wait(ready: Callable[[], bool], seconds: float) -> bool:
    """Ask until it says yes (True) or the time is over (False)."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
