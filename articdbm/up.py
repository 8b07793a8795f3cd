"""`articdbm up`: the proxy with something behind it, in one command.

With --config it is `articdbm serve`. Without, it keeps a PostgreSQL of its own in the data directory, so that there
is something to try. It owns that directory; running twice on one is refused.
"""

import fcntl
import secrets
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from articdbm import local_postgres, serve
from articdbm.local_postgres import Unavailable

HELP = "start a PostgreSQL of its own with the proxy in front of it"
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


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, default=Path("data"), help="where everything is kept (default: ./data)"
    )
    parser.add_argument(
        "--port-base",
        type=int,
        default=6432,
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
    password_file = data / "app.password"
    if not password_file.exists():
        if (data / "postgres").exists():
            raise Unavailable(
                f"{password_file} is gone, and with it the password of {data}/postgres; remove both"
            )
        local_postgres.write_private(password_file, secrets.token_urlsafe(18))
    password = password_file.read_text().strip()
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
            raise Unavailable(f"another articdbm up is running on {data}; stop it, or give --data") from error
        yield data.resolve()
