"""What a program says, by section: its lines from `== name` on. Nothing here knows what it talks about."""

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.integration.house import Side
from tests.servers.postgres import USERS
from tests.servers.proxy import Proxy

USER = "app"
SECTIONS = (
    "types", "prepared", "batches", "pipelines", "copy", "errors", "cancel", "notifications", "transactions", "big_rows",
)  # fmt: skip
"""What a program goes through; one whose driver cannot do a thing leaves that out."""

Transcript = Mapping[str, list[str]]
Sees = Callable[[tuple[str | Path, ...], str, str], tuple[list[str], list[str]]]


def transcript(command: tuple[str | Path, ...], side: Side) -> Transcript:
    """Run a program to its end, against one side. It must end well and have nothing to complain of."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, timeout=45, check=False, cwd="/",
        env={
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "TZ": "UTC",
            "PGHOST": side.host,
            "PGPORT": str(side.port),
            "PGUSER": USER,
            "PGPASSWORD": USERS[USER],
            "PGDATABASE": side.database,
            "PGSSLMODE": "disable",
        },
    )  # fmt: skip
    said = done.stdout.decode(errors="backslashreplace")
    complaint = done.stderr.decode(errors="backslashreplace")
    assert (done.returncode, complaint) == (0, ""), f"{complaint}\nafter\n{said[-1000:]}"
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in said.splitlines():
        if line.startswith("== "):
            lines = sections.setdefault(line[3:], [])
        else:
            lines.append(line)
    return sections


def through(proxy: Proxy, database: str) -> Side:
    return Side(proxy.host, proxy.port, database, direct=False)
