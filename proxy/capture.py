"""Planned statements, written down one a line: by whom, where, under which settings, and what was decided.

A thread of its own writes; what it cannot keep up with is dropped and counted, never waited for. It owns the files and
their bounds. Values are replaced by others of their kind unless the configuration wants them kept.
"""

import logging
import os
import queue
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from config.sections.capture import Capture
from plugins import tokens as tk
from plugins.plan import Plan
from plugins.scope import Scope
from plugins.tokens import Kind
from proxy.log import note

logger = logging.getLogger(__name__)

MOST_WAITING = 4_096
LONGEST = 65_536
"""Bytes of a statement; longer ones are written without their text."""
_INSTEAD = {Kind.STRING: "'x'", Kind.ESCAPED: "'x'", Kind.NUMBER: "1"}


class Line(msgspec.Struct, frozen=True):
    """One planned statement."""

    listener: str
    user: str
    database: str
    settings: tuple[tuple[str, str], ...]
    text: str | None
    """None where it could not be read, or is too long to be kept."""
    exact: bool
    action: str
    code: str = ""
    shareable: bool = False
    pin: str | None = None
    application: str = ""
    networks: tuple[str, ...] = ()


def line(text: bytes, scope: Scope, plan: Plan, *, exact: bool, literals: bool) -> Line:
    said = _said(text, scope, literals)
    settings = scope.settings if literals else tuple(one for one in scope.settings if "." not in one[0])
    return Line(
        scope.listener, scope.user, scope.database, settings, said, exact,
        plan.action, plan.code, plan.shareable, plan.pin, scope.application, scope.networks,
    )  # fmt: skip


def masked(tokens: Sequence[tk.Token]) -> str:
    """The statement, with another value of its kind for each value, and without comments."""
    pieces: list[str] = []
    end = -1
    for token in tokens:
        if token.start != end:
            pieces.append(" ")
        end = token.end
        instead = _INSTEAD.get(token.kind)
        if token.kind is Kind.BITS:
            instead = f"{token.text[0]}'0'"
        pieces.append(token.text if instead is None else instead)
    return "".join(pieces).strip()


def _said(text: bytes, scope: Scope, literals: bool) -> str | None:
    if len(text) > LONGEST:
        return None
    try:
        decoded = text.decode()
        if literals:
            return decoded
        return masked(tk.cut(decoded, standard_strings=not scope.is_off("standard_conforming_strings")))
    except (UnicodeDecodeError, tk.UnreadableError):
        return None


class Writer:
    """Takes lines while the configuration wants them."""

    def __init__(self, said: Callable[[], Capture]) -> None:
        self._said = said
        self._queue: queue.Queue[tuple[Capture, bytes]] = queue.Queue(MOST_WAITING)
        self._thread: threading.Thread | None = None
        self._failed = ""
        self.dropped = 0

    def take(self, text: bytes, scope: Scope, plan: Plan, *, exact: bool) -> None:
        said = self._said()
        if said.file is None:
            return
        written = msgspec.json.encode(line(text, scope, plan, exact=exact, literals=said.literals)) + b"\n"
        try:
            self._queue.put_nowait((said, written))
        except queue.Full:
            self.dropped += 1
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
            self._thread.start()

    def settle(self) -> None:
        """Return when all that was taken is in the file."""
        self._queue.join()

    def _run(self) -> None:
        while True:
            said, written = self._queue.get()
            try:
                append(said, written)
                self._failed = ""
            except OSError as why:
                if self._failed != str(why):
                    note(logger, logging.ERROR, "statements cannot be written down", reason=str(why))
                self._failed = str(why)
            finally:
                self._queue.task_done()


def append(said: Capture, written: bytes) -> None:
    """One line more, in a new file where the old one is full."""
    assert said.file is not None
    if said.file.exists() and said.file.stat().st_size + len(written) > said.size:
        for number in range(said.files - 1, 0, -1):
            older = numbered(said.file, number - 1)
            if older.exists():
                older.replace(numbered(said.file, number))
        said.file.unlink(missing_ok=True)
    descriptor = os.open(said.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, written)
    finally:
        os.close(descriptor)


def numbered(file: Path, number: int) -> Path:
    return file.with_name(f"{file.name}.{number}") if number else file
