"""From a file to a Snapshot, or to every problem in it at once.

Reads each file once: the configuration, then what its values refer to. Nothing is taken over unless all of it is good.
"""

import json
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from config.check import check
from config.decode import Decoder
from config.errors import ConfigError, Finding, Problem
from config.extension import Known, apart, settled
from config.grammar import explained
from config.positions import KeyPath, locate, nearest
from config.snapshot import Snapshot
from config.values import Surroundings

MOST_BYTES = 16 << 20
_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_AT_LINE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration that can be used."""

    snapshot: Snapshot
    problems: tuple[Problem, ...]
    """Warnings only, by line."""
    files: tuple[Path, ...]
    """All that was read, the configuration first: what to watch."""


def read_file(path: Path) -> bytes:
    """A file's bytes, and never more than a configuration could need."""
    with path.open("rb") as file:
        return file.read(MOST_BYTES + 1)


def load(
    path: str | Path,
    environ: Mapping[str, str] | None = None,
    *,
    read: Callable[[Path], bytes] = read_file,
    now: datetime | None = None,
    plugins: Known | None = None,
) -> Loaded:
    """Read and check a configuration. ConfigError holds every problem when one of them is an error. `plugins` knows
    them; without it there are none."""
    path = Path(path)
    files = [path]

    def noting(wanted: Path) -> bytes:
        files.append(wanted)
        return read(wanted)

    text = _text(path, read)
    tree, tables = apart(_tree(path, text))
    decoder = Decoder(
        Surroundings(environ=os.environ if environ is None else environ, read=noting, folder=path.parent)
    )
    snapshot = decoder.table(Snapshot, tree)
    snapshot = settled(snapshot, tables, decoder, plugins)
    checked = check(snapshot, now or datetime.now(UTC), decoder.broken)
    problems = _problems(path, _lines(path, text), (*decoder.findings, *checked))
    if any(problem.severity == "error" for problem in problems):
        raise ConfigError(problems)
    return Loaded(snapshot=snapshot, problems=problems, files=tuple(dict.fromkeys(files)))


def _text(path: Path, read: Callable[[Path], bytes]) -> str:
    try:
        content = read(path)
    except OSError as error:
        raise _refusal(
            path, f"cannot read it: {error.strerror}", "name a file that is there and readable for this user"
        ) from None
    if len(content) > MOST_BYTES:
        raise _refusal(path, f"it is longer than {MOST_BYTES >> 20} MiB", "name a configuration file")
    try:
        return content.decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _refusal(path, "this is not UTF-8 text", "save the file as UTF-8", line) from None


def _tree(path: Path, text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        told = str(error)
        place = _AT_LINE.search(told)
        line = int(place[1]) if place and place[1] else text.count("\n") + 1
        what, fix = explained(told[: place.start()] if place else told, text.split("\n")[line - 1])
        raise _refusal(path, f"this is not TOML: {what}", fix, line) from None
    except RecursionError:
        raise _too_deep(path) from None
    except ValueError:  # a date that no calendar has, an integer beyond Python's own bound on digits
        raise _refusal(path, "a number or date is out of range", "write a smaller one") from None


def _lines(path: Path, text: str) -> dict[KeyPath, int]:
    try:
        return locate(text)
    except RecursionError:
        raise _too_deep(path) from None


def _too_deep(path: Path) -> ConfigError:
    return _refusal(path, "lists or tables are nested too deep", "no setting needs more than a few levels")


def _refusal(path: Path, what: str, fix: str, line: int = 0) -> ConfigError:
    return ConfigError([Problem(file=str(path), line=line, key="", what=what, fix=fix)])


def _problems(path: Path, lines: dict[KeyPath, int], findings: Iterable[Finding]) -> tuple[Problem, ...]:
    problems = {
        Problem(
            file=str(path),
            line=nearest(lines, found.path),
            key=spell(found.path),
            what=_with_other(lines, found),
            fix=found.fix,
            severity=found.severity,
        ): None
        for found in findings
    }
    return tuple(sorted(problems, key=lambda problem: (problem.line, problem.severity)))


def _with_other(lines: dict[KeyPath, int], found: Finding) -> str:
    """What is wrong, with the line of the other place it is about."""
    if found.beside is None:
        return found.what
    line = nearest(lines, found.beside)
    return f"{found.what} ({spell(found.beside)}{f', line {line}' if line else ''})"


def spell(path: KeyPath) -> str:
    """A key path as people write it: `clusters[0].pool.size`."""
    told = ""
    for part in path:
        if isinstance(part, int):
            told += f"[{part}]"
        else:
            told += ("." if told else "") + (part if _BARE.fullmatch(part) else json.dumps(part))
    return told
