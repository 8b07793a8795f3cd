"""The load generator (`load/`, Rust): building it, starting it, and reading what it says.

Every call ends: the generator bounds its own waits, and this side waits a little longer than that.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

ROOT = Path(__file__).parents[1]
PACKAGE = "articdbm-load"
PATIENCE = 60
MARGIN = 30


class GeneratorError(Exception):
    """The generator could not do what it was asked to; the text is its own."""


class RunReport(Struct, frozen=True):
    """What `run` says."""

    statements: int
    seconds: float
    errors: int
    wrong: int
    kinds: dict[str, int]
    latency_us: dict[str, float]
    cpu_ns: int
    own_cpu_ns: int
    tls: str = ""
    """Version, group and cipher that were agreed."""
    bytes: int = 0
    """Of the messages that carry rows, where `bulk` counted them."""


class StormReport(Struct, frozen=True):
    """What `storm` says."""

    logins: int
    seconds: float
    errors: int
    kinds: dict[str, int]
    latency_us: dict[str, float]


class UpReport(Struct, frozen=True):
    """What `idle` says once its clients are up."""

    up: int
    errors: int
    kinds: dict[str, int]


class TouchReport(Struct, frozen=True):
    """What `idle` says once each of its clients has run a statement."""

    touched: int
    errors: int
    kinds: dict[str, int]


class _PortReport(Struct, frozen=True):
    port: int


@dataclass(frozen=True)
class Account:
    """Whom the clients log in as."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Script:
    """What the clients say, and what has to come back: `row` (exactly one) or `key` (that one, with the key in it)."""

    statement: str
    keys: int
    expect: str


@dataclass(frozen=True)
class Load:
    """How many clients say it, how, and for how long."""

    mode: str
    clients: int
    seconds: float
    warmup: float
    script: Script


@dataclass(frozen=True)
class Haul:
    """A statement that moves much: so many rows in messages of so many bytes, received or sent, by each client once."""

    statement: str
    rows: int
    row_bytes: int
    sends: bool = False


@dataclass(frozen=True)
class Generator:
    """The built program."""

    binary: Path
    account: Account
    cores: frozenset[int] | None

    def run(
        self, port: int, database: str, load: Load, watch: Sequence[int], authority: Path | None = None
    ) -> RunReport:
        """Statements in a closed loop, in TLS where there is an authority; the CPU time of `watch` meanwhile."""
        script = load.script
        options = [
            "--mode", load.mode, "--clients", str(load.clients),
            "--seconds", str(load.seconds), "--warmup", str(load.warmup),
            "--statement", script.statement, "--keys", str(script.keys), "--expect", script.expect,
            "--watch", ",".join(map(str, watch)), *self._where(port, database, PATIENCE, authority),
        ]  # fmt: skip
        said = self._ask(["run", *options], load.seconds + load.warmup + 2 * PATIENCE + MARGIN)
        return msgspec.json.decode(said, type=RunReport)

    def bulk(self, port: int, database: str, clients: int, haul: Haul, watch: Sequence[int]) -> RunReport:
        """One transfer for each client, all at once."""
        options = [
            "--clients", str(clients), "--statement", haul.statement, "--rows", str(haul.rows),
            "--row-bytes", str(haul.row_bytes), "--direction", "send" if haul.sends else "receive",
            "--watch", ",".join(map(str, watch)), *self._where(port, database, PATIENCE),
        ]  # fmt: skip
        said = self._ask(["bulk", *options], 2 * PATIENCE + MARGIN)
        return msgspec.json.decode(said, type=RunReport)

    def storm(self, port: int, database: str, logins: int, concurrency: int, patience: int) -> StormReport:
        """Log-ins as fast as they are answered."""
        where = self._where(port, database, patience)
        said = self._ask(
            ["storm", "--logins", str(logins), "--concurrency", str(concurrency), *where], patience + MARGIN
        )
        return msgspec.json.decode(said, type=StormReport)

    @contextmanager
    def idle(self, port: int, database: str, clients: int, patience: int, statement: str) -> "Iterator[Idle]":
        """Clients that are logged in, until the block ends."""
        options = ["--clients", str(clients), "--statement", statement, "--hold", str(2 * patience)]
        command = self._command(["idle", *options, *self._where(port, database, patience)])
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._environment(),
        ) as process:
            try:
                yield Idle(process, msgspec.json.decode(_line(process), type=UpReport))
            finally:
                _end(process)

    @contextmanager
    def stub(self) -> "Iterator[Stub]":
        """The stub server, until the block ends."""
        with subprocess.Popen(
            [str(self.binary), "stub"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            try:
                yield Stub(process, msgspec.json.decode(_line(process), type=_PortReport).port)
            finally:
                _end(process)

    def _where(self, port: int, database: str, patience: int, authority: Path | None = None) -> list[str]:
        return [
            "--port", str(port), "--user", self.account.user, "--database", database,
            "--patience", str(patience), *([] if authority is None else ["--tls", str(authority)]),
        ]  # fmt: skip

    def _command(self, arguments: Sequence[str]) -> list[str]:
        prefix = ["taskset", "--cpu-list", ",".join(map(str, sorted(self.cores)))] if self.cores else []
        return [*prefix, str(self.binary), *arguments]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "LOAD_PASSWORD": self.account.password}

    def _ask(self, arguments: Sequence[str], seconds: float) -> bytes:
        try:
            done = subprocess.run(
                self._command(arguments),
                capture_output=True,
                env=self._environment(),
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise GeneratorError(f"no end after {seconds:.0f} seconds") from None
        if not done.stdout:
            raise GeneratorError(_complaint(done.stderr, done.returncode))
        return done.stdout


@dataclass(frozen=True)
class Idle:
    """Clients that do nothing."""

    process: subprocess.Popen[bytes]
    report: UpReport

    def touch(self) -> TouchReport:
        """Have each of them run one statement."""
        stdin: IO[bytes] | None = self.process.stdin
        if stdin is not None:
            stdin.write(b"touch\n")
            stdin.flush()
        return msgspec.json.decode(_line(self.process), type=TouchReport)


@dataclass(frozen=True)
class Stub:
    """A running stub server."""

    process: subprocess.Popen[bytes]
    port: int


def build(account: Account, cores: frozenset[int] | None) -> Generator:
    """The program, built if it has changed."""
    command = [
        "cargo",
        "build",
        "--release",
        "--locked",
        "--package",
        PACKAGE,
        "--message-format=json-render-diagnostics",
    ]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise GeneratorError("the load generator does not build: see cargo's message above")
    return Generator(_executable(done.stdout), account, cores)


def _executable(messages: bytes) -> Path:
    for line in messages.splitlines():
        message = json.loads(line)
        if message.get("executable") and message.get("target", {}).get("name") == PACKAGE:
            return Path(message["executable"])
    raise GeneratorError("cargo built the load generator and does not say where it is")


def _line(process: subprocess.Popen[bytes]) -> bytes:
    line = process.stdout.readline() if process.stdout else b""
    if not line:
        said = process.stderr.read() if process.stderr else b""
        raise GeneratorError(_complaint(said, process.wait()))
    return line


def _end(process: subprocess.Popen[bytes]) -> None:
    """The end of its input is its sign to go."""
    try:
        process.communicate(timeout=MARGIN)
    except subprocess.TimeoutExpired:
        process.kill()


def _complaint(said: bytes, status: int) -> str:
    text = said.decode(errors="replace").strip()
    return text.removeprefix(f"{PACKAGE}: ") or f"ended with status {status} and said nothing"
