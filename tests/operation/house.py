"""Processes that may end or be replaced within a test, and what they are asked over HTTP."""

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.load.house import ENVIRONMENT, config
from tests.servers import proxy as servers
from tests.servers.postgres import PostgresServer

PATIENCE = 30.0
__all__ = ["ENVIRONMENT", "config"]


class House:
    """One configuration, and the processes that have served it so far."""

    def __init__(self, proxy: servers.Proxy) -> None:
        self.proxy = proxy
        self.port = proxy.port
        self.pids = [proxy.process.pid]

    def text(self) -> str:
        return self.proxy.log_text()

    def upgrade(self, *more: str) -> subprocess.CompletedProcess[str]:
        """`articdbm upgrade`, with nothing of the environment that the proxy was given."""
        command = [sys.executable, "-m", "articdbm", "upgrade", "--config", str(self.proxy.config), *more]
        plain = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env=plain,
            timeout=PATIENCE,
            check=False,
            cwd=servers.ROOT,
        )
        found = re.search(r"process (\d+) has taken over", done.stdout)
        if found:
            self.pids.append(int(found[1]))
        return done

    def ends(self, pid: int, patience: float = PATIENCE) -> bool:
        """Whether it is gone within the patience."""
        return until(lambda: not lives(pid), patience)


def lives(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def until(holds: Callable[[], object], patience: float = PATIENCE) -> bool:
    """Ask until it holds (True) or the patience is at its end (False)."""
    deadline = time.monotonic() + patience
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def running(
    server: PostgresServer,
    directory: Path,
    more: str = "",
    environment: Mapping[str, str] | None = None,
    **said: object,
) -> Iterator[House]:
    """A proxy in front of `server`, with `more` in its configuration. Whatever still runs at the end is killed."""
    text = config(server, **said) + more  # type: ignore[arg-type]
    house = House(servers._launch(text, directory, {**ENVIRONMENT, **(environment or {})}))
    try:
        assert until(lambda: "articdbm is ready" in house.text()), house.text()
        yield house
        assert not any(sign in house.text() for sign in servers.DEFECTS), house.text()[-4000:]
    finally:
        for pid in house.pids:
            if lives(pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        house.proxy.process.wait(PATIENCE)


def get(port: int, path: str) -> tuple[int, str]:
    """Status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()
