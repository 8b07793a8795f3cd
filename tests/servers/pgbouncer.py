"""The real PgBouncer, for what its console says."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import ports

ADMIN = "app_trust"


@contextmanager
def start(backend: int, *, wild: bool = False) -> Iterator[int]:
    """PgBouncer in front of a PostgreSQL's port, trusting everybody, until the block ends; gives its own port. With
    `wild` every name is a database."""
    port = ports.free()
    every = f"* = host=127.0.0.1 port={backend} user={ADMIN}" if wild else ""
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        config, log = home / "pgbouncer.ini", home / "pgbouncer.log"
        config.write_text(f"""\
[databases]
shop = host=127.0.0.1 port={backend} dbname=shop user={ADMIN}
{every}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
admin_users = {ADMIN}
server_tls_sslmode = disable
""")
        # It refuses to run as root.
        who = (
            ["--reuid", "postgres", "--regid", "postgres", "--clear-groups"] if os.geteuid() == 0 else ["--"]
        )
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *who, "pgbouncer", str(config)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/",
            )  # fmt: skip
        try:
            ports.wait(lambda: process.poll() is not None or ports.listens(port), 20)
            assert process.poll() is None, log.read_text(errors="replace")
            yield port
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
