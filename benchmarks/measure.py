"""What a running process holds. (Its CPU time is read by the load generator, at the very edges of a measurement.)"""

from collections.abc import Iterator
from pathlib import Path


def tree(process: int) -> list[int]:
    """A process and all its descendants."""
    return list(_tree(process))


def _tree(process: int) -> Iterator[int]:
    yield process
    for thread in Path(f"/proc/{process}/task").iterdir():
        for child in (thread / "children").read_text().split():
            yield from _tree(int(child))


def resident(process: int) -> int:
    """Bytes of memory that a process and its descendants have resident."""
    return sum(_resident(Path(f"/proc/{one}/status").read_text()) for one in tree(process))


def _resident(status: str) -> int:
    for line in status.splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ValueError("a process without VmRSS has no memory of its own: it has ended")


def cpu_seconds(process: int) -> float:
    """CPU time of a process and its descendants so far, all threads."""
    total = 0
    for one in tree(process):
        for thread in Path(f"/proc/{one}/task").iterdir():
            total += int((thread / "schedstat").read_text().split()[0])
    return total / 1e9
