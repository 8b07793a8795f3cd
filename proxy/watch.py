"""Whether the files a configuration was made of have changed: the file itself, secrets and certificates.

Looks at what the file system says of them, never into them.
"""

from collections.abc import Iterable
from pathlib import Path

EVERY = 1.0
"""Seconds between two looks."""

Mark = tuple[str, int, int, int]


def marks(files: Iterable[Path]) -> tuple[Mark, ...]:
    """What tells a changed file from an unchanged one: its inode, time and size."""
    return tuple(map(_mark, files))


def _mark(path: Path) -> Mark:
    try:
        found = path.stat()
    except OSError:
        return str(path), 0, 0, 0
    return str(path), found.st_ino, found.st_mtime_ns, found.st_size
