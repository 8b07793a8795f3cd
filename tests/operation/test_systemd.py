"""What systemd is promised: readiness, signs of life, sockets that it opened, and units that it can read."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from proxy.liveness import PATIENCE, Liveness
from proxy.notify import Notifier, activated, for_successor
from tests.operation.house import ENVIRONMENT, config, lives, running, until
from tests.servers import proxy as servers
from tests.servers.postgres import PostgresServer

UNITS = servers.ROOT / "deploy" / "systemd"


@contextmanager
def listener(path: Path) -> Iterator[socket.socket]:
    """Where systemd would hear it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.bind(str(path))
        one.settimeout(20)
        yield one


def hear(one: socket.socket, word: str) -> str:
    """The next message with that word in it."""
    while True:
        said = one.recv(4096).decode()
        if word in said.split("\n") or any(line.startswith(word) for line in said.split("\n")):
            return said


@pytest.mark.parametrize("carriers", [0, 2])
def test_ready_alive_stopping(carriers: int, postgres_server: PostgresServer, tmp_path: Path) -> None:
    with listener(tmp_path / "notify") as one:
        said = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
        with running(postgres_server, tmp_path, environment=said, carriers=carriers) as house:
            assert f"MAINPID={house.proxy.process.pid}" in hear(one, "READY=1")
            for _ in range(5):
                hear(one, "WATCHDOG=1")
            house.proxy.process.send_signal(signal.SIGTERM)
            hear(one, "STOPPING=1")
            assert house.proxy.process.wait(15) == 0


def test_nobody_hears_that_a_stopped_process_is_alive(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    with listener(tmp_path / "notify") as one:
        said = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "100000"}
        with running(postgres_server, tmp_path, environment=said) as house:
            hear(one, "WATCHDOG=1")
            house.proxy.process.send_signal(signal.SIGSTOP)
            one.settimeout(1)
            with pytest.raises(TimeoutError):
                while True:
                    one.recv(4096)
            house.proxy.process.send_signal(signal.SIGCONT)
            one.settimeout(20)
            hear(one, "WATCHDOG=1")


def test_the_successor_is_the_main_process(postgres_server: PostgresServer, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir(mode=0o700)
    with listener(tmp_path / "notify") as one:
        said = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "RUNTIME_DIRECTORY": str(tmp_path / "run")}
        with running(postgres_server, tmp_path, environment=said) as house:
            hear(one, "READY=1")
            assert until((tmp_path / "run" / "articdbm.sock").exists)
            assert house.upgrade("--directory", str(tmp_path / "run")).returncode == 0
            assert f"MAINPID={house.pids[-1]}" in hear(one, "READY=1")
            assert house.ends(house.pids[0])
            # The old one's end is not the service's.
            one.settimeout(0.5)
            with pytest.raises(TimeoutError):
                hear(one, "STOPPING=1")


@pytest.mark.parametrize("reuse", [False, True])
def test_sockets_that_systemd_opened(reuse: bool, postgres_server: PostgresServer, tmp_path: Path) -> None:
    file, log = tmp_path / "articdbm.toml", tmp_path / "log"
    with socket.socket() as mine, socket.socket() as surplus:
        mine.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(reuse))
        mine.bind(("127.0.0.1", 0))
        mine.listen()
        surplus.bind(("127.0.0.1", 0))
        surplus.listen()
        port = mine.getsockname()[1]
        file.write_text(config(postgres_server, carriers=2).replace("@port@", str(port)))
        # Clients may come before anybody is there to serve them.
        early = socket.create_connection(("127.0.0.1", port))
        script = f'export LISTEN_PID=$$ LISTEN_FDS=2; exec "$@" 3<&{mine.fileno()} 4<&{surplus.fileno()}'
        serve = [sys.executable, "-m", "articdbm", "serve", "--config", str(file)]
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["bash", "-c", script, "bash", *serve],
                pass_fds=(mine.fileno(), surplus.fileno()),
                env={**os.environ, **ENVIRONMENT, "PYTHONPATH": str(servers.ROOT)},
                stdout=output,
                stderr=output,
            )
    try:
        assert until(lambda: "articdbm is ready" in log.read_text()), log.read_text()
        for _ in range(8):
            with psycopg.connect(f"host=127.0.0.1 port={port} dbname=shop user=app") as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
        with early:
            early.settimeout(20)
            early.sendall(b"\0\0\0\x08\x04\xd2\x16\x2f")
            assert early.recv(1) == b"N"
        assert "no listener of the configuration asks for was closed" in log.read_text()
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    finally:
        process.kill()
        process.wait()


def kill(pids: list[int]) -> None:
    for pid in filter(lives, pids):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("carriers", [0, 2])
def test_a_unix_socket_that_systemd_opened_is_handed_on_under_load(
    carriers: int, postgres_server: PostgresServer
) -> None:
    """Two upgrades while clients come and go; the file is systemd's, and stays when the last process has ended."""
    with ExitStack() as around:
        folder = Path(around.enter_context(tempfile.TemporaryDirectory(prefix="articdbm-")))
        (folder / "run").mkdir(mode=0o700)
        mine = around.enter_context(socket.socket(socket.AF_UNIX))
        mine.bind(str(folder / ".s.PGSQL.6432"))
        mine.listen(128)
        file, log = folder / "articdbm.toml", folder / "log"
        text = config(postgres_server, carriers=carriers).replace("127.0.0.1:@port@", f"{folder}:6432")
        file.write_text(text + f'\n[upgrade]\ndirectory = "{folder}/run"\ndrain = "20s"\n')
        script = f'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@" 3<&{mine.fileno()}'
        serve = [sys.executable, "-m", "articdbm", "serve", "--config", str(file)]
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["bash", "-c", script, "bash", *serve],
                pass_fds=(mine.fileno(),),
                env={**os.environ, **ENVIRONMENT, "PYTHONPATH": str(servers.ROOT)},
                stdout=output,
                stderr=output,
            )
        pids = [process.pid]
        around.callback(process.wait, 30)
        around.callback(kill, pids)
        assert until(lambda: "articdbm is ready" in log.read_text()), log.read_text()
        done, trouble, stop = [0], [], threading.Event()

        def work(number: int) -> None:
            try:
                while not stop.is_set():
                    dsn = f"host={folder} port=6432 dbname=shop user=app"
                    with psycopg.connect(dsn, autocommit=True) as line:
                        for _ in range(5):
                            assert line.execute("SELECT %s::int", [number]).fetchone() == (number,)
                            done[0] += 1
            except Exception as error:  # noqa: BLE001 - that is what is looked for
                trouble.append(f"{type(error).__name__}: {error}")

        clients = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for one in clients:
            one.start()
        upgrade = [sys.executable, "-m", "articdbm", "upgrade", "--config", str(file)]
        try:
            for _ in range(2):
                before = done[0]
                assert until(lambda before=before: done[0] > before + 50 or trouble)  # type: ignore[misc]
                said = subprocess.run(
                    upgrade, capture_output=True, text=True, timeout=60, check=False, cwd=servers.ROOT
                )
                found = re.search(r"process (\d+) has taken over", said.stdout)
                assert found, said.stderr + log.read_text()
                pids.append(int(found[1]))
                assert until(lambda: not lives(pids[-2]))
                before = done[0]
                assert until(lambda before=before: done[0] > before + 50 or trouble)  # type: ignore[misc]
        finally:
            stop.set()
            for one in clients:
                one.join(30)
        assert trouble == []
        os.kill(pids[-1], signal.SIGTERM)
        assert until(lambda: not lives(pids[-1]))
        assert (folder / ".s.PGSQL.6432").exists()
        assert not any(sign in log.read_text() for sign in servers.DEFECTS)


def test_without_systemd_nothing_is_believed() -> None:
    assert Notifier({}).watchdog == 0
    Notifier({}).say("READY=1")
    Notifier({"NOTIFY_SOCKET": "/nowhere/at/all"}).say("READY=1")
    assert Notifier({"WATCHDOG_USEC": "4000000", "WATCHDOG_PID": "1"}).watchdog == 0
    assert Notifier({"WATCHDOG_USEC": "4000000", "WATCHDOG_PID": str(os.getpid())}).watchdog == 4
    given = {"LISTEN_PID": "1", "LISTEN_FDS": "3", "LISTEN_FDNAMES": "a:b:c", "HOME": "/"}
    assert activated(given) == []
    assert given == {"HOME": "/"}, "children must not believe that they are theirs"
    assert for_successor({"WATCHDOG_PID": "1", "WATCHDOG_USEC": "9", "HOME": "/"}) == {
        "WATCHDOG_USEC": "9",
        "HOME": "/",
    }


def test_a_carrier_that_makes_no_turn_is_stuck() -> None:
    turns = [0, 0]
    liveness = Liveness(lambda: list(turns))
    for _ in range(PATIENCE + 1):
        turns[1] += 1
        liveness.look()
    assert liveness.stuck == [0]
    turns[0] += 1
    liveness.look()
    assert liveness.stuck == []


@pytest.mark.parametrize("unit", ["articdbm.service", "articdbm.socket"])
def test_systemd_reads_the_units(unit: str, tmp_path: Path) -> None:
    for file in UNITS.iterdir():
        # The verifier looks whether programs exist; they are where this installation has them.
        text = file.read_text().replace(
            "/opt/articdbm/bin/articdbm", str(Path(sys.executable).with_name("articdbm"))
        )
        (tmp_path / file.name).write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", f"./{unit}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=60)
    mine = [line for line in done.stderr.splitlines() if "articdbm" in line]
    assert mine == [], done.stderr


def test_the_service_gives_the_time_that_draining_takes() -> None:
    text = (UNITS / "articdbm.service").read_text()
    assert "Type=notify\n" in text
    assert "NotifyAccess=all\n" in text
    assert "TimeoutStopSec=45\n" in text, "limits.drain is 30 s by default"
