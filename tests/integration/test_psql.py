"""psql runs a script direct and through the proxy: what it prints, and how it ends, is the same."""

import os
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.integration.house import Side
from tests.servers.postgres import USERS, PostgresServer
from tests.servers.proxy import Proxy

SCRIPTS = Path(__file__).parent / "psql"
LARGE = {"big"}
SMALL = sorted(file.stem for file in SCRIPTS.glob("*.sql") if file.stem not in LARGE)
USER = "app"


@cache
def run(psql: Path, host: str, port: int, database: str, script: str) -> list[str]:
    """The lines of its output, then those of its errors, then its status."""
    done = subprocess.run(
        [psql, "--no-psqlrc", "--echo-all", "--file", SCRIPTS / f"{script}.sql"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd="/",
        env={
            "PATH": os.environ["PATH"],
            "PGHOST": host,
            "PGPORT": str(port),
            "PGUSER": USER,
            "PGPASSWORD": USERS[USER],
            "PGDATABASE": database,
        },
    )
    return [*normal(done.stdout), *normal(done.stderr), f"status {done.returncode}"]


def normal(text: str) -> list[str]:
    """Without the number of a server process, and without names of the database, which the proxy has several of."""
    text = re.sub(r"(process with PID) \d+", r"\1 N", text)
    return re.sub(r"shop_\w+", "shop", text).splitlines()


def expected(server: PostgresServer, direct: Side, script: str) -> list[str]:
    return run(server.psql, direct.host, direct.port, direct.database, script)


@pytest.mark.parametrize("database", ["shop", "shop_one", "shop_session"])
@pytest.mark.parametrize("script", SMALL)
def test_a_script_prints_the_same(
    server: PostgresServer, direct: Side, proving: Proxy, database: str, script: str
) -> None:
    answer = run(server.psql, proving.host, proving.port, database, script)
    assert answer == expected(server, direct, script)


@pytest.mark.parametrize("script", sorted(LARGE))
def test_large_rows_pass_unchanged_in_constant_memory(
    server: PostgresServer, direct: Side, proving: Proxy, script: str
) -> None:
    before = resident(proving.process.pid)
    answer = run(server.psql, proving.host, proving.port, "shop_one", script)
    assert answer == expected(server, direct, script)
    assert highest(proving.process.pid) - before < 32 << 20


def resident(pid: int) -> int:
    """Bytes of memory the process holds now; forgets the highest there was."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return status(pid, "VmRSS")


def highest(pid: int) -> int:
    """The most it held since `resident`."""
    return status(pid, "VmHWM")


def status(pid: int, field: str) -> int:
    found = re.search(rf"^{field}:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024
