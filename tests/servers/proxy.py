"""ArticDBM itself, as an operator starts it: a process of its own, on a free port, from a configuration file.

The configuration is text in which `@port@` stands for the port. A process that dies, or that reports a defect in its
log, fails the test.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from psycopg.conninfo import make_conninfo

from tests.servers import ports

ROOT = Path(__file__).parents[2]
# What a defect leaves in the log, in Python and in the core.
DEFECTS = ("Traceback (most recent call last)", "panicked at")


class ProxyError(AssertionError):
    """The proxy did not start, died, or reported a defect. Carries the end of its log."""


@dataclass(frozen=True)
class Proxy:
    """A running proxy."""

    host: str
    port: int
    config: Path
    log: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    def dsn(self, database: str = "shop", user: str = "app", password: str = "", **options: str | int) -> str:
        """A libpq connection string."""
        secret: dict[str, str | int] = {"password": password} if password else {}
        return make_conninfo(
            "",
            **{"host": self.host, "port": self.port, "dbname": database, "user": user, **secret, **options},
        )

    def reload(self, config: str | None = None) -> None:
        """Send SIGHUP, after replacing the configuration where one is given."""
        if config is not None:
            self.config.write_text(config.replace("@port@", str(self.port)))
        self.process.send_signal(signal.SIGHUP)

    def log_text(self) -> str:
        """What it has said so far."""
        return self.log.read_text(errors="replace")


@contextmanager
def start(
    config: str,
    directory: Path,
    environment: Mapping[str, str] = MappingProxyType({}),
    *,
    defects_expected: bool = False,
    program: str = "articdbm",
) -> Iterator[Proxy]:
    """`articdbm serve` with `config`, until the block ends; then SIGTERM, which it must obey with status 0. `program`:
    the module that is run in place of the command."""
    proxy = _launch(config, directory, environment, program)
    try:
        yield proxy
        if proxy.process.poll() is not None:
            raise ProxyError(f"the proxy ended with status {proxy.process.returncode}\n{_end(proxy.log)}")
    finally:
        status = _stop(proxy.process)
    if status != 0:
        raise ProxyError(f"the proxy answered SIGTERM with status {status}\n{_end(proxy.log)}")
    if not defects_expected and any(sign in proxy.log_text() for sign in DEFECTS):
        raise ProxyError(f"the proxy reported a defect\n{_end(proxy.log)}")


def _launch(config: str, directory: Path, environment: Mapping[str, str], program: str = "articdbm") -> Proxy:
    file, log = directory / "articdbm.toml", directory / "proxy.log"
    command = [
        "setpriv",
        "--pdeathsig",
        "TERM",
        "--",
        sys.executable,
        "-m",
        program,
        "serve",
        "--config",
        str(file),
    ]
    status: int | None = None
    for _ in range(3):
        port = ports.free()
        file.write_text(config.replace("@port@", str(port)))
        log.write_bytes(b"")
        # Appending: what a test writes into the log stays there.
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=directory,
                env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            )
        ports.wait(lambda process=process, port=port: process.poll() is not None or ports.listens(port), 30)  # type: ignore[misc]
        if process.poll() is None and ports.listens(port):
            return Proxy("127.0.0.1", port, file, log, process)
        status = _stop(process)
        if "in use" not in log.read_text(errors="replace"):
            break
    raise ProxyError(f"the proxy did not start (status {status})\n{_end(log)}")


def _stop(process: subprocess.Popen[bytes]) -> int:
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
        return -signal.SIGKILL


def _end(log: Path) -> str:
    return log.read_text(errors="replace")[-6000:]
