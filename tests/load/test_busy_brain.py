"""The brain is blocked under load: statements with a plan do not notice, the others wait until it is back."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.load import wire
from tests.load.house import ENVIRONMENT, config
from tests.load.wire import Wire
from tests.servers import ports
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import ROOT

BLOCK = 2.0
CLIENTS = 20


@contextmanager
def _proxy(text: str, directory: Path) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    port = ports.free()
    file = directory / "articdbm.toml"
    file.write_text(text.replace("@port@", str(port)))
    with (directory / "proxy.log").open("w") as log:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "--", sys.executable, "-m", "tests.load.blocking", file, str(BLOCK)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True, cwd=directory,
            env={**os.environ, **ENVIRONMENT, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready"), (directory / "proxy.log").read_text()
        yield port, process
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert process.returncode == 0


@pytest.mark.parametrize("carriers", [1, 2])
@pytest.mark.parametrize("sharing", [True, False])
def test_no_planned_statement_is_delayed(
    carriers: int, sharing: bool, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    text = config(postgres_server, carriers=carriers, pool={"size": 4, "min_size": 4, "sharing": sharing})
    with _proxy(text, tmp_path) as (port, process):
        times, begun, ended = asyncio.run(_through_a_block(port, process))
    within = [(sent, heard) for sent, heard in times if sent > begun and heard < ended]
    assert len(within) > 10 * CLIENTS, f"{len(within)} statements in {ended - begun:.1f} s"
    # Whoever waits for the brain waits to the end of the block.
    held = [(sent, heard) for sent, heard in times if begun < sent < begun + BLOCK / 2 and heard > ended]
    assert not held, f"{len(held)} planned statements waited for the brain"


async def _through_a_block(
    port: int, process: subprocess.Popen[str]
) -> tuple[list[tuple[float, float]], float, float]:
    times: list[tuple[float, float]] = []
    over = asyncio.Event()

    async def client(number: int) -> None:
        line = await Wire.open(port)
        count = 0
        while not over.is_set():
            count += 1
            mark = f"c{number}n{count}"
            for data in _planned(mark):
                sent = time.monotonic()
                answer = await line.ask(data)
                times.append((sent, time.monotonic()))
                assert answer.error is None
                assert all(row == [mark] for row in answer.rows)
        line.leave()

    clients = [asyncio.create_task(client(number)) for number in range(CLIENTS)]
    stranger = await Wire.open(port)
    await asyncio.sleep(1)
    assert process.stdout is not None
    process.send_signal(signal.SIGUSR1)
    await asyncio.sleep(BLOCK / 10)
    unplanned = asyncio.create_task(stranger.ask(wire.query("SELECT 'never', 'seen', 'before'")))
    line = await asyncio.to_thread(process.stdout.readline)
    word, begun, ended = line.split()
    assert word == "blocked"
    assert (await unplanned).rows == [["never", "seen", "before"]]
    await asyncio.sleep(0.5)
    over.set()
    await asyncio.gather(*clients)
    stranger.leave()
    return times, float(begun), float(ended)


def _planned(mark: str) -> list[bytes]:
    """Of every kind: shareable or not, simple and extended, and a transaction."""
    prepared = wire.parse("", "SELECT $1::text") + wire.bind("", [mark]) + wire.execute() + wire.SYNC
    return [
        wire.query(f"SELECT '{mark}'"),
        prepared,
        wire.query("BEGIN"),
        wire.query(f"SELECT '{mark}'"),
        prepared,
        wire.query("COMMIT"),
        wire.query(f"SELECT '{mark}' WHERE pg_advisory_xact_lock_shared(1) IS NOT NULL"),
    ]
