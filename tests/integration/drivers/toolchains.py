"""Builds the drivers' programs with their languages' own tools, and keeps what was built.

A program is built into the user's cache, in a folder named after the contents of its sources and of the tool's version:
what has not changed is not built again. What it needs comes through the language's own client, pinned by its lock file.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
_BUILT = frozenset({"node_modules", "target"})
"""What these languages' tools leave beside the sources, where they are run by hand."""
_KEPT = 14 * 86_400
"""Seconds after which a build that nobody used goes."""


class NoToolchainError(Exception):
    """A tool is missing or cannot build. The tests that need it fail with this, they are never skipped."""


@dataclass(frozen=True)
class Toolchain:
    """How programs of one language are built: `build(sources, target)` leaves what is run in `target`."""

    language: str
    tools: tuple[tuple[str, ...], ...]
    """The commands that tell the versions of what is needed."""
    remedy: str
    build: Callable[[Path, Path], None]

    def programs(self) -> Path:
        """The folder they are in, built now if they are not there."""
        sources = HERE / self.language
        files = sorted(file for file in sources.rglob("*") if file.is_file() and not _BUILT & {*file.parts})
        digest = hashlib.sha256()
        for version in map(self._version, self.tools):
            digest.update(version + b"\0")
        for file in files:
            digest.update(f"{file.relative_to(sources)}\0".encode() + file.read_bytes() + b"\0")
        target = cache() / f"drivers-{self.language}-{digest.hexdigest()[:16]}"
        with (cache() / f"drivers-{self.language}.lock").open("w") as lock:
            # Another test process may be at it: its work is taken.
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not target.exists():
                self._make(sources, files, target)
            os.utime(target)
        return target

    def _version(self, command: tuple[str, ...]) -> bytes:
        if shutil.which(command[0]) is None:
            raise NoToolchainError(f"{command[0]} is missing; {self.remedy}")
        return run(command, HERE).encode()

    def _make(self, sources: Path, files: list[Path], target: Path) -> None:
        for old in cache().glob(f"drivers-{self.language}-????????????????"):
            if time.time() - old.stat().st_mtime > _KEPT:
                shutil.rmtree(old, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=f"{target.name}.", dir=cache()) as place:
            copied, made = Path(place) / "sources", Path(place) / "made"
            made.mkdir()
            for file in files:
                destination = copied / file.relative_to(sources)
                destination.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, destination)
            self.build(copied, made)
            made.rename(target)


def cache() -> Path:
    """Where all that tests keep from run to run lies."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "articdbm"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run(command: tuple[str | Path, ...], folder: Path, **environment: str) -> str:
    """What a tool prints; NoToolchainError when it fails."""
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    if done.returncode:
        raise NoToolchainError(
            f"{' '.join(map(str, command))} ended with status {done.returncode}:\n"
            f"{(done.stdout + done.stderr)[-6000:]}"
        )
    return done.stdout + done.stderr


def _go(sources: Path, target: Path) -> None:
    run(("go", "build", "-mod=readonly", "-trimpath", "-o", target / "drivers", "."), sources, GOWORK="off")


def _node(sources: Path, target: Path) -> None:
    shutil.copytree(sources, target, dirs_exist_ok=True)
    run(("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"), target)


def _rust(sources: Path, target: Path) -> None:
    # One folder for all versions of the programs: only they are compiled anew, not the drivers.
    compiled = cache() / "drivers-rust-target"
    run(("cargo", "build", "--locked", "--quiet"), sources, CARGO_TARGET_DIR=str(compiled))
    shutil.copy2(compiled / "debug" / "drivers", target / "drivers")


_JAR = re.compile(r"([\w.-]+):([\w.-]+):([\w.-]+) ([0-9a-f]{64})", re.ASCII)


def _java(sources: Path, target: Path) -> None:
    for line in (sources / "jars.txt").read_text().splitlines():
        found = _JAR.fullmatch(line)
        if found is None:
            continue
        group, name, version, digest = found.groups()
        artifact = f"{group}:{name}:{version}"
        # Not in `sources`: mvn would read a pom.xml there.
        run(("mvn", "--quiet", "--batch-mode", "dependency:copy", f"-Dartifact={artifact}",
             f"-DoutputDirectory={target}"), target)  # fmt: skip
        jar = target / f"{name}-{version}.jar"
        if hashlib.sha256(jar.read_bytes()).hexdigest() != digest:
            raise NoToolchainError(f"{artifact} is not the file that {sources.name}/jars.txt names")
    run(("javac", "-encoding", "UTF-8", "-Xlint:all,-serial", "-Werror", "-cp", f"{target}/*", "-d", target,
         *sorted(sources.glob("*.java"))), sources)  # fmt: skip


GO = Toolchain("go", (("go", "version"),), "install Go 1.25 or newer from https://go.dev/dl", _go)
NODE = Toolchain(
    "node", (("node", "--version"), ("npm", "--version")),
    "install Node.js 20 or newer from https://nodejs.org/en/download", _node,
)  # fmt: skip
RUST = Toolchain("rust", (("cargo", "--version"),), "run deploy/dev/check.sh, which says how", _rust)
JAVA = Toolchain(
    "java", (("javac", "-version"), ("java", "-version"), ("mvn", "--version")),
    "install a JDK, 17 or newer, and Maven: apt-get install default-jdk-headless maven", _java,
)  # fmt: skip
