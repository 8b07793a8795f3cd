"""What the embedded store does in a second, over the wire, and how soon it is there.

    python -m benchmarks.embedded [--seconds 2] [--clients 1,16]

Prints point selects a second in each mode and the processor time of one, then how long `articdbm up` takes until it is
ready: with the bank still to be made, and with it there.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg

from benchmarks import generator, measure
from benchmarks.generator import Account, Load, Script
from tests.servers import ports, proxy

ROWS = 100_000
MODES = ("simple", "extended", "prepared")
STARTS = 5
ACCOUNT = Account("app", "a password of the benchmark")
CONFIG = """\
[[listeners]]
protocol = "postgres"
address = "127.0.0.1:@port@"

[[clusters]]
name = "main"
protocol = "sqlite"
path = "{file}"

[[databases]]
name = "shop"
cluster = "main"

[[users]]
name = "app"
password = "env://BENCH_PASSWORD"
"""
FILL = (
    "CREATE TABLE accounts (aid int PRIMARY KEY, bid int, abalance int, filler char(84))",
    f"INSERT INTO accounts SELECT aid, 1, 0, '' FROM generate_series(1, {ROWS}) aid",
)
SCRIPT = Script("SELECT aid, abalance FROM accounts WHERE aid = {random}", ROWS, "key")


def main() -> None:
    parser = argparse.ArgumentParser(description="What the embedded store does in a second.")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--clients", default="1,16", help="numbers of clients (default: 1,16)")
    options = parser.parse_args()
    clients = [int(one) for one in options.clients.split(",")]
    with tempfile.TemporaryDirectory(prefix="articdbm-bench-") as name:
        _selects(Path(name), clients, options.seconds)
        _starts(Path(name))


def _selects(home: Path, clients: Sequence[int], seconds: float) -> None:
    load = generator.build(ACCOUNT, None)
    config = CONFIG.format(file=home / "store.db")
    with proxy.start(config, home, {"BENCH_PASSWORD": ACCOUNT.password}) as running:
        with psycopg.connect(running.dsn("shop", password=ACCOUNT.password), autocommit=True) as line:
            for statement in FILL:
                line.execute(statement)
        for mode in MODES:
            for count in clients:
                asked = Load(mode, count, seconds, seconds / 4, SCRIPT)
                found = load.run(running.port, "shop", asked, measure.tree(running.process.pid))
                if found.errors or found.wrong:
                    sys.exit(f"{found.errors} errors, {found.wrong} wrong rows: {found.kinds}")
                print(
                    f"{mode}, {count} clients: {found.statements / found.seconds:,.0f} a second, "
                    f"{found.cpu_ns / 1_000 / found.statements:.0f} µs of CPU each"
                )


def _starts(home: Path) -> None:
    times = [_start(home / "data") for _ in range(STARTS + 1)]
    print(
        f"articdbm up: ready in {times[0]:.2f} s with the bank to be made, then {statistics.median(times[1:]):.2f} s"
    )


def _start(data: Path) -> float:
    port = ports.free()
    command = [sys.executable, "-m", "articdbm", "up", f"--data={data}", f"--port-base={port}"]
    began = time.monotonic()
    with subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": str(proxy.ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as up:
        try:
            if (
                not ports.wait(lambda: ports.listens(port) or up.poll() is not None, 60)
                or up.poll() is not None
            ):
                sys.exit("articdbm up did not start")
            return time.monotonic() - began
        finally:
            up.terminate()


if __name__ == "__main__":
    main()
