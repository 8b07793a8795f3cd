"""`articdbm up` and `articdbm serve` as an operator meets them: real processes, a real PostgreSQL."""

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.servers import ports


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where PostgreSQL's own user may pass through, which is not so of pytest's folders."""
    made = Path(tempfile.mkdtemp(prefix="articdbm-up-", dir="/tmp"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


def pair() -> int:
    """A free port with a free one behind it, below those that the kernel gives to outgoing connections."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as one, socket.socket() as two:
            try:
                one.bind(("127.0.0.1", port))
                two.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


@contextmanager
def command(*words: str, environment: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "articdbm", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def first_lines(process: subprocess.Popen[str], pattern: str) -> str:
    """What it says up to the line that matches."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if re.search(pattern, line):
            return said
    assert process.stderr is not None
    raise AssertionError(said + process.stderr.read())


def stop(process: subprocess.Popen[str], number: int) -> tuple[int, str]:
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    return process.returncode, said


def line_of(said: str, user: str) -> str:
    found = re.search(rf"postgresql://{user}:\S+(?=')", said)
    assert found is not None
    return found.group().rstrip("'")


def test_up_makes_the_bank_once_and_keeps_what_is_changed(folder: Path) -> None:
    data, port = folder / "data", pair()
    for words, count in (("made the bank in", 2_000), ("is ready", 2_001)):
        with command("up", "--data", str(data), "--port-base", str(port)) as process:
            said = first_lines(process, "docs/tour.md")
            assert words in said
            for user in ("app", "analyst"):
                with psycopg.connect(line_of(said, user), autocommit=True) as connection:
                    assert connection.execute("SELECT count(*) FROM customers").fetchone() == (count,)
            with psycopg.connect(line_of(said, "analyst"), autocommit=True) as connection:
                connection.execute(
                    "INSERT INTO customers (name, email, country, born) VALUES ('New', 'n@example.com', 'DE', '2000-01-01') ON CONFLICT DO NOTHING"
                )
                assert connection.execute("SELECT count(*) FROM transactions").fetchone() == (30_000,)
            assert "another articdbm up is running" in failed(
                ("up", "--data", str(data), "--port-base", str(pair()))
            )
            assert stop(process, signal.SIGINT)[0] == 0
    assert (data / "app.password").stat().st_mode & 0o777 == 0o600


def test_up_starts_nothing_where_the_port_is_taken(folder: Path) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        port = one.getsockname()[1]
        said = failed(("up", "--data", str(folder / "data"), "--port-base", str(port)))
    assert f"cannot have port {port}" in said
    assert not (folder / "data" / "bank.db").exists()


def test_up_tells_of_a_file_that_is_no_database(folder: Path) -> None:
    (folder / "bank.db").write_bytes(b"not a database at all " * 500)
    said = failed(("up", "--data", str(folder), "--port-base", str(pair())))
    assert "is no database of SQLite" in said
    assert "begin anew" in said


def failed(words: tuple[str, ...]) -> str:
    with command(*words) as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    return said


def config(folder: Path, port: int, **changes: str) -> Path:
    path = folder / "articdbm.toml"
    text = f"""
[[listeners]]
protocol = "postgres"
address = "127.0.0.1:{port}"
[[clusters]]
name = "main"
protocol = "postgres"
servers = [{{ address = "127.0.0.1:1" }}]
[[databases]]
name = "shop"
cluster = "main"
pool = {{ wait = "200ms" }}
[[users]]
name = "app"
password = "env://APP_PASSWORD"
"""
    for old, new in changes.items():
        text = text.replace(old, new)
    path.write_text(text)
    return path


ENVIRONMENT = {"APP_PASSWORD": "open sesame"}


def test_serve_says_that_it_is_ready_logs_json_and_stops_in_order(folder: Path) -> None:
    with command("serve", "--config", str(config(folder, 0)), environment=ENVIRONMENT) as process:
        port = int(first_lines(process, "is ready").rpartition(":")[2])
        with pytest.raises(psycopg.OperationalError, match="refused"):
            psycopg.connect(f"postgresql://app:open%20sesame@127.0.0.1:{port}/shop")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(f"postgresql://app:wrong@127.0.0.1:{port}/shop")
        process.send_signal(signal.SIGHUP)
        status, said = stop(process, signal.SIGTERM)
    entries = [json.loads(line) for line in said.splitlines()]
    assert status == 0
    assert {"log-in refused", "stopped"} <= {entry["message"] for entry in entries}
    assert "open sesame" not in said


def test_serve_refuses_a_broken_configuration_with_its_lines(folder: Path) -> None:
    path = config(folder, 0, cluster="clutser")
    with command("serve", str(path), environment=ENVIRONMENT) as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert re.search(rf"{re.escape(str(path))}:\d+: error: ", said)


def test_serve_refuses_an_address_that_is_taken(folder: Path) -> None:
    with command("serve", "--config", str(config(folder, 0)), environment=ENVIRONMENT) as first:
        port = int(first_lines(first, "is ready").rpartition(":")[2])
        path = config(folder, port)
        with command("serve", "--config", str(path), environment=ENVIRONMENT) as second:
            _, said = second.communicate(timeout=60)
    assert second.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}: the address is in use" in said


def test_a_file_that_changes_is_taken_over_when_watching(folder: Path) -> None:
    path = config(folder, 0)
    path.write_text("watch = true\n" + path.read_text())
    with command("serve", "--config", str(path), environment=ENVIRONMENT) as process:
        first_lines(process, "is ready")
        port = ports.free()
        more = f'\n[[listeners]]\nprotocol = "postgres"\naddress = "127.0.0.1:{port}"\n'
        path.write_text(path.read_text() + more)
        assert ports.wait(lambda: ports.listens(port), 60)
        path.write_text(path.read_text() + "nonsense = 1\n")
        process.send_signal(signal.SIGHUP)
        assert process.stderr is not None
        assert "refused" in next(line for line in process.stderr if '"level": "error"' in line)
        assert ports.listens(port)


def test_a_verifier_is_what_postgresql_would_store() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "articdbm", "verifier"],
        input="open sesame\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.fullmatch(
        r"SCRAM-SHA-256\$4096:[A-Za-z0-9+/=]{24}\$[A-Za-z0-9+/=]{44}:[A-Za-z0-9+/=]{44}\n", done.stdout
    )
    empty = subprocess.run(
        [sys.executable, "-m", "articdbm", "verifier"],
        input="\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert empty.returncode == 1
