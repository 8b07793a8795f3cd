"""Whole answers to a statement, for what we answer ourselves. Text format; ReadyForQuery included."""

from collections.abc import Iterable, Sequence

from protocols.postgres import messages
from protocols.postgres.types import Problem

IDLE = b"I"


def table(
    columns: Sequence[str | tuple[str, int]],
    rows: Iterable[Sequence[str | None]],
    tag: str | None = None,
    *,
    status: bytes = IDLE,
) -> bytes:
    """Rows under their columns. Without `tag` it counts the rows as SELECT does."""
    lines = [messages.data_row(row) for row in rows]
    end = messages.command_complete(f"SELECT {len(lines)}" if tag is None else tag)
    return messages.row_description(columns) + b"".join(lines) + end + messages.ready(status)


def done(tag: str, *, status: bytes = IDLE) -> bytes:
    """A command without rows."""
    return messages.command_complete(tag) + messages.ready(status)


def failure(said: Problem, *, status: bytes = IDLE) -> bytes:
    """An error the session survives."""
    return messages.error(said) + messages.ready(status)
