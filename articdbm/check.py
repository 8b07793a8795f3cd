"""`articdbm check`: every problem of a configuration file, at once."""

import sys
from argparse import ArgumentParser, Namespace

import msgspec

from config.errors import ConfigError
from config.loader import load

HELP = "find everything that is wrong with a configuration file"

_EXAMPLES = """\
examples:
  articdbm check                        articdbm.toml in this folder
  articdbm check /etc/articdbm.toml
  articdbm check --json FILE | jq       for other programs

Each problem is a line: FILE:LINE: error: key: what is wrong; what would be right.
Exit status: 0 when the file can be used (warnings may be printed), 1 when it cannot.
"""


def arguments(parser: ArgumentParser) -> None:
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "file", nargs="?", default="articdbm.toml", metavar="FILE", help="default: articdbm.toml"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")


def run(options: Namespace) -> int:
    """Print the problems; 1 if one is an error."""
    try:
        problems, good = load(options.file).problems, True
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


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
