"""The servers that the other tests stand on: every log-in method works, a wrong password does not, nothing is left."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.servers import certificates, ports, postgres
from tests.servers.postgres import USERS, PostgresServer


@pytest.fixture(params=["postgres_server", "postgres17_server"])
def server(request: pytest.FixtureRequest) -> PostgresServer:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, PostgresServer)
    return found


def test_the_version_is_the_one_asked_for(server: PostgresServer) -> None:
    said = str(server.execute("SHOW server_version_num")[0][0])
    assert said.startswith(server.version.split(".")[0])


@pytest.mark.parametrize("user", ["admin", "app", "other", "app_md5", "app_clear", "app_trust"])
def test_each_method_lets_its_user_in(server: PostgresServer, user: str) -> None:
    with psycopg.connect(server.dsn(user=user, sslmode="disable")) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (user,)


@pytest.mark.parametrize("user", ["admin", "app", "other", "app_md5", "app_clear"])
def test_a_wrong_password_is_refused(server: PostgresServer, user: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.dsn(user=user, password="wrong"))


def test_a_certificate_lets_its_user_in(server: PostgresServer) -> None:
    identity = certificates.issue(server.authority, "app_cert", hosts=())
    dsn = server.dsn(
        user="app_cert",
        sslmode="verify-full",
        sslrootcert=str(server.authority.certificate_file),
        sslcert=str(identity.certificate_file),
        sslkey=str(identity.key_file),
    )
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone() == (
            True,
        )
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.dsn(user="app_cert", sslmode="require"))


def test_scram_with_channel_binding(server: PostgresServer) -> None:
    with psycopg.connect(server.dsn(channel_binding="require", sslmode="require")) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_psql_talks_to_it(server: PostgresServer) -> None:
    options = ["--no-psqlrc", "--tuples-only", "--no-align", "--command", "SELECT 6 * 7"]
    done = subprocess.run([server.psql, *options, server.dsn()], capture_output=True, text=True, check=True)
    assert done.stdout == "42\n"


def test_passwords_are_not_in_its_repr(server: PostgresServer) -> None:
    assert USERS["admin"] not in repr(server)


def test_it_is_gone_when_the_block_ends() -> None:
    with postgres.start(postgres.from_apt(), {"max_connections": "20"}) as server:
        assert server.execute("SHOW max_connections") == [("20",)]
        assert ports.listens(server.port)
    assert not ports.listens(server.port)
    assert server.process.poll() is not None
    assert not server.data.exists()


def test_a_setting_it_refuses_is_told() -> None:
    with (
        pytest.raises(postgres.NoServerError, match="max_connections"),
        postgres.start(postgres.from_apt(), {"max_connections": "none"}),
    ):
        pass


def test_it_stops_when_the_test_process_is_killed() -> None:
    program = (
        "import os, signal; from tests.servers import postgres\n"
        "with postgres.start(postgres.from_apt()) as server:\n"
        "    print(server.process.pid, server.data, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
    )
    pid, data = done.stdout.split()
    try:
        assert ports.wait(lambda: not Path(f"/proc/{pid}/exe").exists(), 20)
    finally:
        subprocess.run(["rm", "-rf", str(Path(data).parent)], check=True)


def test_missing_binaries_fail_and_say_what_to_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(postgres.NoServerError, match=r"deploy/dev/install\.sh"):
        postgres.from_cache()
