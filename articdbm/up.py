"""`articdbm up`: the proxy with something behind it, in one command.

With --config it is `articdbm serve`. Without, a small bank in the embedded store is behind it, so that there is something
to try. It owns the data directory; running twice on one is refused.
"""

import fcntl
import os
import secrets
import socket
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from articdbm import bank, serve

HELP = "serve a small bank to try things on, or your own configuration"
LAST_PORT = 65535
USERS = ("app", "analyst")

CONFIG = """# Written by `articdbm up` at each start. To change something, copy this file and start with --config.
[[listeners]]
protocol = "postgres"
address = "127.0.0.1:{port}"

[[clusters]]
name = "embedded"
protocol = "sqlite"
path = "{file}"

[[databases]]
name = "bank"
cluster = "embedded"
{users}"""
_USER = """
[[users]]
name = "{name}"
password = "file://{file}"
"""

_EXAMPLES = """\
examples:
  articdbm up                                   in ./data, on port 6432
  articdbm up --data /tmp/two --port-base 7000  beside another one
  make up UP_ARGS="--port-base 7000"            the same through make

Exit status: 0 stopped in order, 1 something is in the way, 2 the command line or the configuration is wrong.
"""


class Unavailable(Exception):
    """It cannot be had. The text says why and what to do."""


def arguments(parser: ArgumentParser) -> None:
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "--data", type=Path, default=Path("data"), help="where everything is kept (default: ./data)"
    )
    parser.add_argument(
        "--port-base", type=_port, default=6432, metavar="PORT", help="the proxy's port (default: 6432)"
    )
    parser.add_argument("--config", type=Path, help="nothing of its own: serve with this configuration")


def run(options: Namespace) -> int:
    if options.config is not None:
        return serve.serve(options.config)
    try:
        with _alone(options.data) as data:
            return _up(data, options.port_base)
    except Unavailable as why:
        print(f"articdbm up: {why}", file=sys.stderr)
        return 1


def _up(data: Path, port: int) -> int:
    _see_that_it_is_free(port)
    file = data / "bank.db"
    _fill(file)
    passwords = {name: _password(data / f"{name}.password") for name in USERS}
    users = "".join(_USER.format(name=name, file=data / f"{name}.password") for name in USERS)
    config = data / "articdbm.toml"
    config.write_text(CONFIG.format(port=port, file=file, users=users))

    def ready() -> None:
        address = f"postgresql://app:{passwords['app']}@127.0.0.1:{port}/bank"
        other = f"postgresql://analyst:{passwords['analyst']}@127.0.0.1:{port}/bank"
        largest = (
            "SELECT merchant, count(*), sum(amount) FROM transactions GROUP BY merchant ORDER BY 3 LIMIT 5"
        )
        print(f"a bank in {file}; Ctrl-C stops it. Try:\n")
        print(f"    psql '{address}' -c '\\d'")
        print(f"    psql '{other}' -c '{largest}'")
        print(
            f"    python -c \"import psycopg; print(psycopg.connect('{address}').execute('TABLE cards LIMIT 3').fetchall())\""
        )
        print("\nand go on with docs/tour.md.\n", flush=True)

    return serve.serve(config, ready)


def _fill(file: Path) -> None:
    # The store, with its parser, is loaded only by the commands that need it.
    from proxy.answers.executor import StoreError  # noqa: PLC0415
    from proxy.answers.sqlite import Database  # noqa: PLC0415

    began = time.monotonic()
    shows = sys.stdout.isatty()

    def say(what: str) -> None:
        if shows:
            print(f"\r\033[Kmaking the bank (this once): {what}", end="", flush=True)

    try:
        made = bank.fill(Database(file), say)
    except StoreError as why:
        raise Unavailable(f"{why.message}\nTo begin anew remove {file}, or give another --data") from why
    if made:
        end = "\r\033[K" if shows else ""
        print(f"{end}made the bank in {time.monotonic() - began:.1f} s", flush=True)


def _password(path: Path) -> str:
    """Its own for each user, made once, in a file that nobody else can read from its first moment on."""
    try:
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(18) + "\n")
        return path.read_text().strip()
    except OSError as error:
        raise Unavailable(f"cannot use {path}: {error.strerror}") from error


def _port(given: str) -> int:
    try:
        port = int(given)
    except ValueError:
        port = 0
    if not 1 <= port <= LAST_PORT:
        raise ArgumentTypeError(f"{given!r} is not a port from 1 to {LAST_PORT}")
    return port


def _see_that_it_is_free(port: int) -> None:
    """Before anything is made."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            raise Unavailable(
                f"the proxy cannot have port {port}: {why.lower()}; give --port-base N (a second articdbm up needs a "
                "--data of its own, too)"
            ) from error


@contextmanager
def _alone(data: Path) -> Iterator[Path]:
    """The data directory, made if need be, and nobody else's while we are in it."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (data / "lock").open("w")
    except OSError as error:
        raise Unavailable(f"cannot use {data} as data directory: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Unavailable(
                f"another articdbm up is running on {data}; stop it, or give this one --data and --port-base"
            ) from error
        yield data.resolve()
