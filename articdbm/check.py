"""`articdbm check`: every problem of a configuration file, at once."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

import msgspec

from config.errors import ConfigError
from config.loader import MOST_BYTES, load, read_file
from plugins.registry import Registry

HELP = "find everything that is wrong with a configuration file"

STDIN = Path("-")

_EXAMPLES = """\
examples:
  articdbm check                        articdbm.toml in this folder
  articdbm check /etc/articdbm.toml
  articdbm check - < articdbm.toml      what comes on standard input
  articdbm check --json FILE | jq       for other programs

Each problem is a line: FILE:LINE: error: key: what is wrong; what would be right.
Exit status: 0 the file can be used (warnings may be printed), 1 it cannot, 2 the command line was not understood.
"""


def arguments(parser: ArgumentParser) -> None:
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "file",
        nargs="?",
        default="articdbm.toml",
        metavar="FILE",
        help="default: articdbm.toml; - reads standard input",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")


def run(options: Namespace) -> int:
    """Print the problems; 1 if one is an error."""
    try:
        problems, good = load(options.file, read=_read, plugins=Registry()).problems, True
    except ConfigError as error:
        problems, good = error.problems, False
    if options.json:
        told = msgspec.json.encode({"file": options.file, "good": good, "problems": problems})
        print(msgspec.json.format(told, indent=2).decode())
        return 0 if good else 1
    for problem in problems:
        print(problem)
    errors = sum(problem.severity == "error" for problem in problems)
    counted = f"{_count(errors, 'error')}, {_count(len(problems) - errors, 'warning')}"
    print(f"{options.file}: {'good' if good else 'not usable'}: {counted}", file=sys.stderr)
    return 0 if good else 1


def _read(path: Path) -> bytes:
    """A file, or standard input; relative paths in what comes there start at this folder."""
    return sys.stdin.buffer.read(MOST_BYTES + 1) if path == STDIN else read_file(path)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
