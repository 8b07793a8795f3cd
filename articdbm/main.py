"""The `articdbm` command: finds the subcommand and hands over. Knows what subcommands there are, not what they do.

A subcommand is a module with NAME, HELP, `configure(parser)` and `run(arguments)`, and one line in COMMANDS. It imports
what is heavy inside `run`, so that `articdbm check` needs neither the core nor the loop.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Protocol

from articdbm import check, schema


class Command(Protocol):
    """What a subcommand's module offers."""

    @property
    def NAME(self) -> str: ...  # noqa: N802
    @property
    def HELP(self) -> str: ...  # noqa: N802
    def configure(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, arguments: argparse.Namespace) -> int: ...


COMMANDS: tuple[Command, ...] = (
    check,
    schema,
)

_EXAMPLES = """\
examples:
  articdbm check articdbm.toml          every problem in a configuration, at once
  articdbm schema > articdbm.json       its JSON schema, for an editor
  articdbm COMMAND --help               a command, with examples
"""


def parser(commands: Sequence[Command] = COMMANDS) -> argparse.ArgumentParser:
    """The whole command line."""
    root = argparse.ArgumentParser(
        prog="articdbm",
        description="One front door for every database a company runs.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subparsers = root.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in commands:
        subparser = subparsers.add_parser(
            command.NAME,
            help=command.HELP,
            description=f"{command.HELP[:1].upper()}{command.HELP[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.configure(subparser)
        subparser.set_defaults(run=command.run)
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit status: 0 good, 1 not good, 2 not understood."""
    arguments = parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader (`| head`) had enough; nothing is left to say, at exit neither
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    return status
