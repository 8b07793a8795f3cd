"""The `articdbm` command: finds the subcommand and hands over. Knows what subcommands there are, not what they do.

A subcommand is a module of this package with HELP, `arguments(parser)` and `run(options)`, and one line in COMMANDS.
Only the one that was asked for is loaded, and the core only inside its `run`, so that `articdbm check` works where none
is built.
"""

import os
import sys
from argparse import Action, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Protocol, cast


class Command(Protocol):
    """What a subcommand's module offers."""

    @property
    def HELP(self) -> str: ...  # noqa: N802 - a module's constant
    def arguments(self, parser: ArgumentParser) -> None: ...
    def run(self, options: Namespace) -> int: ...


COMMANDS: Mapping[str, str] = {
    "up": "up",
    "serve": "serve",
    "upgrade": "upgrade",
    "top": "top",
    "check": "check",
    "schema": "schema",
    "explain": "explain",
    "plugins": "plugins",
    "plugin": "plugin",
    "capture": "capture",
    "replay": "replay",
    "verifier": "verifier",
    "import": "importer",
}
"""The module of each."""

_EXAMPLES = """\
examples:
  articdbm up                                   a PostgreSQL and the proxy in front of it, to try
  articdbm check articdbm.toml                  every problem of a configuration, at once
  articdbm serve articdbm.toml                  run the proxy
  articdbm upgrade                              a new process takes over, unnoticed
  articdbm top                                  what the running proxy is at
  articdbm explain --user app "SELECT 1"        what would be done with a statement, and why
  articdbm import pgbouncer.ini                 a configuration from another pooler's

`articdbm COMMAND --help` says more about a command.
Exit status: 0 done, 1 it could not be done, 2 the command line or the configuration is wrong, 130 interrupted.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit status, 2 where the command line was not understood."""
    words = sys.argv[1:] if argv is None else list(argv)
    options = parser(_commands([word for word in words[:1] if word in COMMANDS] or COMMANDS)).parse_args(
        words
    )
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader (`| head`) had enough: nothing is left to say, at exit neither
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    return status


class _Version(Action):
    """Looks the version up only when asked."""

    def __call__(self, parser: ArgumentParser, *_: object) -> None:
        from importlib import metadata  # noqa: PLC0415 - it costs as much as a command

        print(f"ArticDBM {metadata.version('articdbm')}")
        parser.exit()


def _commands(names: Iterable[str]) -> dict[str, Command]:
    return {name: cast("Command", import_module(f"articdbm.{COMMANDS[name]}")) for name in names}


def parser(commands: Mapping[str, Command]) -> ArgumentParser:
    """The command line of these commands."""
    root = ArgumentParser(
        prog="articdbm",
        description="One front door for every database a company runs.",
        epilog=_EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action=_Version, nargs=0, help="print the version")
    subparsers = root.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, command in commands.items():
        subparser = subparsers.add_parser(
            name,
            help=command.HELP,
            description=f"{command.HELP[:1].upper()}{command.HELP[1:]}.",
            formatter_class=RawDescriptionHelpFormatter,
        )
        command.arguments(subparser)
        subparser.set_defaults(run=command.run)
    return root
