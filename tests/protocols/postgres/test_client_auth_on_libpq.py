"""ClientAuth, session and replies with real clients: psql from apt, and the libpq that psycopg brings."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn

from protocols.postgres import credential
from protocols.postgres.auth import Credential
from protocols.postgres.scram import Verifier
from tests.protocols.postgres.frontdoor import SECRET, Door, opened
from tests.servers import certificates, postgres
from tests.servers.certificates import Authority, Identity

PLUS, PLAIN = b"SCRAM-SHA-256-PLUS", b"SCRAM-SHA-256"
HASHES = {
    "password": "pencil",
    "verifier": Verifier.from_password("pencil", b"sixteen bytes it", 4096).text(),
    "md5": credential.md5_hash("pencil", "app"),
}


@pytest.fixture(scope="module")
def identity(authority: Authority) -> Identity:
    return certificates.issue(authority, "door")


def known(form: str = "password") -> dict[str, Credential]:
    return {"app": Credential.parse(HASHES[form], user="app", secret=SECRET)}


def psql(
    door: Door, home: Path, statement: str = "SHOW", **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run one statement. No file of the user's own is read."""
    chosen = {"sslmode": "disable", "gssencmode": "disable", "user": "app", "password": "pencil"} | settings
    options = " ".join(f"{name}='{value}'" for name, value in chosen.items())
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "PGCONNECT_TIMEOUT": "30"}
    return subprocess.run(
        [
            postgres.from_apt().directory / "psql", "-X", "-A", "-t", "-w", "-c", statement,
            f"host=127.0.0.1 port={door.port} dbname=shop {options}",
        ],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@contextmanager
def connected(door: Door, extra: str = "sslmode=disable") -> Iterator[PGconn]:
    """A connection by the libpq that psycopg brings."""
    conninfo = f"host=127.0.0.1 port={door.port} user=app password=pencil dbname=shop {extra}"
    with psycopg.connect(conninfo, autocommit=True) as connection:
        yield connection.pgconn


@pytest.mark.parametrize(
    ("method", "form", "tls", "binding", "mechanism"),
    [
        ("scram-sha-256", "password", False, "prefer", PLAIN),
        ("scram-sha-256", "verifier", False, "prefer", PLAIN),
        ("scram-sha-256", "password", True, "prefer", PLUS),
        ("scram-sha-256", "verifier", True, "require", PLUS),
        ("scram-sha-256", "password", True, "require", PLUS),
        ("scram-sha-256", "password", True, "disable", PLAIN),
        ("md5", "password", False, "prefer", None),
        ("md5", "md5", False, "prefer", None),
        ("md5", "md5", True, "prefer", None),
        ("md5", "verifier", True, "require", PLUS),
        ("password", "password", True, "prefer", None),
        ("password", "verifier", True, "prefer", None),
        ("password", "md5", True, "prefer", None),
    ],
)
def test_psql_logs_in_and_only_with_the_password(
    method: str,
    form: str,
    tls: bool,
    binding: str,
    mechanism: bytes | None,
    identity: Identity,
    tmp_path: Path,
) -> None:
    settings = {"sslmode": "require" if tls else "disable", "channel_binding": binding}
    door = Door(method, known(form), identity if tls else None)
    with opened(door, clients=3):
        right = psql(door, tmp_path, **settings)
        wrong = psql(door, tmp_path, **settings, password="wrong")
        nobody = psql(door, tmp_path, **settings, user="nobody")
    assert right.returncode == 0, right.stderr
    assert "application_name|psql" in right.stdout.splitlines()
    assert "nothing|" in right.stdout.splitlines()
    # Under md5 a user with a verifier is asked for SCRAM, and libpq refuses MD5 where binding is required.
    if not (method == "md5" and form == "verifier"):
        assert wrong.stderr.endswith('FATAL:  password authentication failed for user "app"\n')
        assert nobody.stderr.endswith('FATAL:  password authentication failed for user "nobody"\n')
        assert wrong.stderr.replace("app", "nobody") == nobody.stderr
    assert wrong.returncode == nobody.returncode == 2
    assert door.mechanisms[:1] == ([mechanism] if mechanism else [])


def test_clear_text_is_not_asked_for_without_tls(tmp_path: Path) -> None:
    with opened(Door("password", known())) as door:
        refused = psql(door, tmp_path)
    assert "password authentication needs an encrypted connection" in refused.stderr


def test_a_client_that_requires_binding_refuses_a_line_without(tmp_path: Path) -> None:
    with opened(Door("scram-sha-256", known())) as door:
        refused = psql(door, tmp_path, channel_binding="require")
    assert refused.returncode == 2
    assert "channel binding" in refused.stderr


@pytest.mark.parametrize(("name", "let_in"), [("app", True), ("other", False), (None, False)])
def test_a_certificate_of_the_users_name(
    name: str | None, let_in: bool, identity: Identity, authority: Authority, tmp_path: Path
) -> None:
    client = {}
    if name is not None:
        own = certificates.issue(authority, name)
        client = {"sslcert": str(own.certificate_file), "sslkey": str(own.key_file)}
    trusted = {"sslmode": "verify-full", "sslrootcert": str(authority.certificate_file)}
    with opened(Door("cert", {}, identity, authority)) as door:
        answer = psql(door, tmp_path, **trusted, **client)
    assert (answer.returncode == 0) is let_in
    if name == "other":
        assert 'certificate authentication failed for user "app"' in answer.stderr
    if name is None:
        assert "connection requires a valid client certificate" in answer.stderr


def test_trust(tmp_path: Path) -> None:
    with opened(Door("trust", {})) as door:
        assert psql(door, tmp_path, password="").returncode == 0


@pytest.mark.parametrize(
    "password", ["pass wörd", "\u00aa\u2168\ufb01", "\u06271", "key\U0001f511", "\u00ad"]
)
def test_passwords_that_need_preparing(password: str, tmp_path: Path) -> None:
    stored = {"app": Credential.parse(password, user="app", secret=SECRET)}
    with opened(Door("scram-sha-256", stored)) as door:
        answer = psql(door, tmp_path, password=password)
    assert answer.returncode == 0, answer.stderr


def test_an_error_is_shown_whole_and_the_session_lives(tmp_path: Path) -> None:
    with opened(Door("scram-sha-256", known()), clients=2) as door:
        failed = psql(door, tmp_path, "BOO")
        assert failed.stderr.splitlines() == ["ERROR:  no such command: BOO", "HINT:  Try SHOW."]
        with connected(door) as connection:
            assert connection.exec_(b"BOO").status == ExecStatus.FATAL_ERROR
            assert connection.exec_(b"SET x").command_status == b"SET"
            table = connection.exec_(b"SHOW")
            assert (table.nfields, table.fname(0), table.ftype(0)) == (2, b"name", 25)
            assert table.get_value(table.ntuples - 1, 1) is None


def test_the_newest_libpq_with_binding_and_settings(identity: Identity, authority: Authority) -> None:
    extra = (
        f"sslmode=verify-full sslrootcert={authority.certificate_file} channel_binding=require"
        r" application_name='it''s' options='-c search_path=a,\\ b --work-mem=2MB'"
    ).replace("''", r"\'")
    with opened(Door("scram-sha-256", known(), identity)) as door, connected(door, extra) as connection:
        assert connection.exec_(b"SHOW").ntuples > 0
    [startup] = door.startups
    assert door.mechanisms == [PLUS]
    assert startup.application_name == "it's"
    assert startup.options == [("search_path", "a, b"), ("work_mem", "2MB")]
    assert startup.settings["search_path"] == "a, b"
