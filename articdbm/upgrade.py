"""`articdbm upgrade`: a new process takes the place of the running one, without a client noticing.

It finds the running process by its private directory and asks it to start its successor, with the interpreter that
runs this command: install the new version, then run the new version's `articdbm upgrade`.

Exit codes: 0 the new process serves, 1 it does not and the old one goes on.
"""

import os
import sys
import tomllib
from argparse import ArgumentParser, Namespace
from pathlib import Path

from articdbm.serve import DEFAULT

HELP = "let a new process take over from the running one, without a client noticing"
FALLBACK = Path("/run/articdbm")
"""Where the systemd unit's RuntimeDirectory= is."""
PATIENCE = 3_600.0
"""Seconds; the running process itself gives up sooner (`upgrade.ready`) and says so."""

_EXAMPLES = """\
examples:
  articdbm upgrade                                  articdbm.toml in this folder names the directory
  articdbm upgrade --config /etc/articdbm.toml
  articdbm upgrade --directory /run/articdbm

Exit status: 0 the new process serves, 1 it does not and the old one goes on, 2 the command line is wrong.
"""


def arguments(parser: ArgumentParser) -> None:
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "--config", type=Path, default=DEFAULT, help="names the directory (default: ./articdbm.toml)"
    )
    parser.add_argument("--directory", type=Path, help="the running process's upgrade.directory")


def run(options: Namespace) -> int:
    from proxy import handover  # noqa: PLC0415 - only where it is needed

    directory = options.directory or _configured(options.config) or _of_systemd()
    try:
        number = handover.order(directory, sys.executable, PATIENCE)
    except handover.HandoverError as why:
        print(f"articdbm upgrade: {why}", file=sys.stderr)
        return 1
    print(f"process {number} has taken over; the old one finishes what its clients have begun")
    return 0


def _configured(path: Path) -> Path | None:
    """Read for this alone: the secrets it refers to are the running process's, not ours."""
    try:
        said = tomllib.loads(path.read_text()).get("upgrade", {}).get("directory", "")
    except (OSError, ValueError, AttributeError):
        return None
    return path.parent / said if isinstance(said, str) and said else None


def _of_systemd() -> Path:
    return Path(os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0] or FALLBACK)
