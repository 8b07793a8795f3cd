"""Secrets are read from where they are kept, and show themselves to nobody who does not ask."""

import copy
import pickle
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from config.errors import RefusedError
from config.loader import load
from config.pem import Pem
from config.secret import Secret, resolve
from tests.config.ground import ENVIRONMENT, PASSWORD, VERIFIER


def no_file(path: Path) -> bytes:
    raise FileNotFoundError(2, "No such file or directory")


def holding(content: bytes) -> Callable[[Path], bytes]:
    def read(path: Path) -> bytes:
        assert path == Path("/run/secrets/app")
        return content

    return read


def test_from_the_environment() -> None:
    secret = resolve("env://APP_PASSWORD", ENVIRONMENT, no_file)
    assert (secret.reveal(), secret.origin, secret.literal, secret.form) == (
        PASSWORD,
        "env://APP_PASSWORD",
        False,
        "password",
    )


@pytest.mark.parametrize(
    ("content", "secret"),
    [(b"open", "open"), (b"open\n", "open"), (b"open\r\n", "open"), ("ö ".encode(), "ö ")],
)
def test_from_a_file(content: bytes, secret: str) -> None:
    assert resolve("file:///run/secrets/app", {}, holding(content)).reveal() == secret


@pytest.mark.parametrize("content", [b"", b"\n", b"a\nb", b"a\n\n", b"a\0b", b"\xff"])
def test_files_that_hold_no_secret(content: bytes) -> None:
    with pytest.raises(RefusedError):
        resolve("file:///run/secrets/app", {}, holding(content))


@pytest.mark.parametrize("written", ["open", "a:b//c", "://", "A://b", "env:/X", "SCRAM-SHA-1$x", "md5short"])
def test_literals(written: str) -> None:
    secret = resolve(written, {}, no_file)
    assert (secret.reveal(), secret.literal, secret.form) == (written, True, "password")


def test_a_verifier_is_known_as_one_wherever_it_comes_from() -> None:
    assert resolve(VERIFIER, {}, no_file).form == "scram-verifier"
    assert resolve("env://VERIFIER", ENVIRONMENT, no_file).form == "scram-verifier"


def test_nothing_shows_it() -> None:
    for secret in (Secret("hunter2"), Secret("hunter2", "env://X")):
        assert "hunter2" not in f"{secret} {secret!r}"
        for write in (pickle.dumps, copy.deepcopy, msgspec.json.encode, msgspec.to_builtins):
            with pytest.raises(TypeError) as caught:
                write(secret)
            assert "hunter2" not in str(caught.value)
    key = Pem("/etc/server.key", b"hunter2")
    assert repr(key) == "Pem('/etc/server.key')"
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_a_snapshot_shows_none(ground: Path) -> None:
    file = ground / "shown.toml"
    cases = Path(__file__).parent / "cases"
    file.write_text(
        (cases / "everything.toml").read_text() + '\n[[users]]\nname = "two"\npassword = "hunter2"\n'
    )
    loaded = load(file, ENVIRONMENT)
    shown = repr(loaded) + str(loaded.snapshot) + repr(msgspec.structs.asdict(loaded.snapshot))
    for secret in ("hunter2", PASSWORD, VERIFIER, "PRIVATE KEY", (ground / "server.key").read_text()[40:80]):
        assert secret not in shown
    assert loaded.snapshot.users[0].server_password == Secret(PASSWORD, "env://APP_PASSWORD")
