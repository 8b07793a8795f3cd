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


def test_up_starts_everything_keeps_the_data_and_stops_everything(folder: Path) -> None:
    data, port = folder / "data", pair()
    for expected in (4, 5):
        with command("up", "--data", str(data), "--port-base", str(port)) as process:
            said = first_lines(process, "psql")
            assert f"articdbm is ready: postgres 127.0.0.1:{port}" in said
            found = re.search(r"postgresql://\S+(?=')", said)
            assert found is not None
            with psycopg.connect(found[0], autocommit=True) as connection:
                count = connection.execute("SELECT count(*) FROM products").fetchone()
                assert count == (expected,)
                connection.execute("INSERT INTO products VALUES (99, 'rug', 5) ON CONFLICT DO NOTHING")
            with command("up", "--data", str(data), "--port-base", str(port)) as second:
                assert second.wait(60) == 1
            status, _ = stop(process, signal.SIGINT)
        assert status == 0
        assert not ports.listens(port)
        assert not ports.listens(port + 1)
    password = (data / "app.password").read_text().strip()
    assert (data / "app.password").stat().st_mode & 0o777 == 0o600
    assert password not in (data / "articdbm.toml").read_text()
    assert password not in (data / "postgres.log").read_text()
    assert not (data / "superuser.password").exists()


def test_up_mends_the_demos_password_and_a_server_left_behind(folder: Path) -> None:
    data, port = folder / "data", pair()
    up = ("up", "--data", str(data), "--port-base", str(port))
    line = re.compile(r"postgresql://\S+(?=')")
    with command(*up) as process:
        found = line.search(first_lines(process, "psql"))
        assert found is not None
        with psycopg.connect(found[0], autocommit=True) as connection:
            connection.execute("ALTER ROLE app PASSWORD 'another'")
        process.kill()  # the proxy alone: PostgreSQL has a session of its own
        process.wait()
    assert ports.listens(port + 1)
    (data / "app.password").unlink()
    with command(*up) as process:
        said = first_lines(process, "psql")
        assert "left behind" in said
        found = line.search(said)
        assert found is not None
        with psycopg.connect(found[0]) as connection:
            assert connection.execute("SELECT count(*) FROM products").fetchone() == (4,)
        assert stop(process, signal.SIGINT)[0] == 0
    assert not ports.listens(port + 1)


@pytest.mark.parametrize(("taken", "whose"), [(0, "the proxy"), (1, "PostgreSQL")])
def test_up_starts_nothing_where_a_port_is_taken(folder: Path, taken: int, whose: str) -> None:
    data, port = folder / "data", pair()
    with socket.create_server(("127.0.0.1", port + taken)):
        with command("up", "--data", str(data), "--port-base", str(port)) as process:
            _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.startswith(
        f"articdbm up: {whose} cannot have port {port + taken}: address already in use; give --port-base"
    )
    assert "--data" in said
    assert not (data / "postgres").exists()


def test_a_server_that_does_not_start_is_quoted_on_this_attempt_alone(folder: Path) -> None:
    data, port = folder / "data", pair()
    up = ("up", "--data", str(data), "--port-base", str(port))
    with command(*up) as process:
        first_lines(process, "psql")
        stop(process, signal.SIGINT)
    with (data / "postgres" / "postgresql.conf").open("a") as file:
        file.write("hba_file = '/nowhere/first'\n")
    assert "/nowhere/first" in failed(up)
    text = (data / "postgres" / "postgresql.conf").read_text()
    (data / "postgres" / "postgresql.conf").write_text(text.replace("/nowhere/first", "/nowhere/second"))
    said = failed(up)
    assert "PostgreSQL did not start; its own words:" in said
    assert "/nowhere/second" in said
    assert "/nowhere/first" not in said


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
