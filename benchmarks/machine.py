"""The machine: its name, and which cores go to whom.

With more than two cores the generator, the proxies and the server get cores of their own. With one or two there is
nothing to divide: they share, the figures say so, and only ratios of one run mean anything.
"""

import os
import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Plan:
    """Cores for each part; None: any."""

    generator: frozenset[int] | None = None
    proxies: frozenset[int] | None = None
    server: frozenset[int] | None = None

    def described(self) -> str:
        """For people."""
        if self.generator is None:
            return "none (too few cores: generator, proxies and server share them)"
        parts = (("generator", self.generator), ("proxies", self.proxies), ("server", self.server))
        return ", ".join(f"{name} on {','.join(map(str, sorted(cores or ())))}" for name, cores in parts)


def plan(cores: frozenset[int]) -> Plan:
    """Who gets which of these cores. All proxies get the same ones, two where there are enough for two carriers."""
    if len(cores) <= 2:
        return Plan()
    first, *rest = sorted(cores)
    taken = 1 if len(cores) == 3 else 2
    return Plan(frozenset([first]), frozenset(rest[:taken]), frozenset(rest[taken:]))


def cores() -> frozenset[int]:
    """The cores this process may use."""
    return frozenset(os.sched_getaffinity(0))


def pin(process: int, chosen: frozenset[int] | None) -> None:
    """Keep all threads of a process, and what they start from now on, to some cores."""
    if chosen is None:
        return
    for thread in Path(f"/proc/{process}/task").iterdir():
        os.sched_setaffinity(int(thread.name), chosen)


def processor() -> str:
    """The processor's name for people."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, text = line.partition(":")
        if name.strip() == "model name":
            return text.strip()
    return platform.machine()


def version(*command: str) -> str:
    """The version in the first line a program says about itself."""
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except OSError:
        return "not installed"
    lines = (said.stdout + said.stderr).strip().splitlines()
    found = re.search(r"\d+\.\d+[\w.+~-]*", lines[0]) if lines else None
    return found.group() if found else "unknown"
