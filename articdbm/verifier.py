"""`articdbm verifier`: the SCRAM verifier of a password, for a configuration that shall not hold the password."""

import getpass
import secrets
import sys
from argparse import ArgumentParser, Namespace

from protocols.postgres.scram import ITERATIONS, MAX_ITERATIONS, SALT_LENGTH, Verifier

HELP = "print the SCRAM verifier of a password read from the terminal or standard input"


_EXAMPLES = """\
examples:
  articdbm verifier                        asks twice
  articdbm verifier < password.txt         reads one line

Exit status: 0 printed, 1 there was no password, or iterations out of range, 2 the command line was not understood.
"""


def arguments(parser: ArgumentParser) -> None:
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "--iterations",
        type=int,
        default=ITERATIONS,
        help=f"how dear a guess shall be (default: {ITERATIONS})",
    )


def run(options: Namespace) -> int:
    if not ITERATIONS <= options.iterations <= MAX_ITERATIONS:
        print(f"articdbm verifier: --iterations goes from {ITERATIONS} to {MAX_ITERATIONS}", file=sys.stderr)
        return 1
    password = _from_terminal() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not password:
        print("articdbm verifier: no password was given, or the two differ", file=sys.stderr)
        return 1
    print(Verifier.from_password(password, secrets.token_bytes(SALT_LENGTH), options.iterations).text())
    return 0


def _from_terminal() -> str:
    first = getpass.getpass("Password: ")
    return first if getpass.getpass("Again: ") == first else ""
