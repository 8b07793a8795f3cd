"""`articdbm up`: the proxy with something behind it, in one command.

With --config it is `articdbm serve`. Without, it keeps a PostgreSQL of its own in the data directory, so that there
is something to try. It owns that directory; running twice on one is refused.
"""

import fcntl
import os
import secrets
import socket
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from articdbm import local_postgres, serve
from articdbm.local_postgres import Unavailable

HELP = "start a PostgreSQL of its own with the proxy in front of it"
LAST_PORT = 65534
"""For the proxy: PostgreSQL takes the next one."""
CACHE = Path("~/.cache/articdbm/postgresql")

CONFIG = """# Written by `articdbm up` at each start. To change something, copy this file and start with --config.
[[listeners]]
protocol = "postgres"
address = "127.0.0.1:{port}"

[[clusters]]
name = "main"
protocol = "postgres"
servers = [{{ address = "127.0.0.1:{server_port}" }}]

[[databases]]
name = "shop"
cluster = "main"

[[users]]
name = "app"
password = "file://{password_file}"
"""


_EXAMPLES = """\
examples:
  articdbm up                                   in ./data, on ports 6432 and 6433
  articdbm up --data /tmp/two --port-base 7000  beside another one
  make up UP_ARGS="--port-base 7000"            the same through make

Exit status: 0 stopped in order, 1 something is in the way, 2 the command line or the configuration is wrong.
"""


def arguments(parser: ArgumentParser) -> None:
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "--data", type=Path, default=Path("data"), help="where everything is kept (default: ./data)"
    )
    parser.add_argument(
        "--port-base",
        type=_port,
        default=6432,
        metavar="PORT",
        help="the proxy's port; PostgreSQL takes the next one (default: 6432)",
    )
    parser.add_argument("--config", type=Path, help="no PostgreSQL of its own: serve with this configuration")


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
    folder = local_postgres.binaries(CACHE.expanduser())
    who = local_postgres.account()
    _see_that_it_is_free(port, "the proxy")
    left = local_postgres.running(data)
    if left is not None:
        print(f"stopping the PostgreSQL that an earlier run left behind at port {left.port}", flush=True)
        local_postgres.stop(left)
    _see_that_it_is_free(port + 1, "PostgreSQL")
    password_file = data / "app.password"
    if not password_file.exists():
        local_postgres.write_private(password_file, secrets.token_urlsafe(18))
    password = password_file.read_text().strip()
    doing = "starting" if (data / "postgres").exists() else "making (this once) and starting"
    print(f"{doing} a PostgreSQL in {data}, at port {port + 1}", flush=True)
    local_postgres.prepare(folder, data, who, password)
    server = local_postgres.start(folder, data, who, port + 1)
    try:
        config = data / "articdbm.toml"
        config.write_text(CONFIG.format(port=port, server_port=server.port, password_file=password_file))

        def ready() -> None:
            address = f"postgresql://app:{password}@127.0.0.1:{port}/shop"
            print(f"data in {data}; Ctrl-C stops proxy and PostgreSQL. Try:\n")
            print(f"    psql '{address}' -c 'TABLE products'\n", flush=True)

        return serve.serve(config, ready)
    finally:
        local_postgres.stop(server)


def _port(given: str) -> int:
    try:
        port = int(given)
    except ValueError:
        port = 0
    if not 1 <= port <= LAST_PORT:
        raise ArgumentTypeError(f"{given!r} is not a port from 1 to {LAST_PORT}")
    return port


def _see_that_it_is_free(port: int, whose: str) -> None:
    """Before anything is started: the remedy is the same for both ports, and theirs to tell only in parts."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            raise Unavailable(
                f"{whose} cannot have port {port}: {why.lower()}; give --port-base N, and the proxy takes port N, "
                "PostgreSQL N + 1 (a second articdbm up needs a --data of its own, too)"
            ) from error


@contextmanager
def _alone(data: Path) -> Iterator[Path]:
    """The data directory, made if need be, and nobody else's while we are in it."""
    try:
        data.mkdir(mode=0o711, parents=True, exist_ok=True)
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
