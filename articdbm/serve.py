"""`articdbm serve`: run the proxy on one configuration file until it is told to stop."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

HELP = "run the proxy"
DEFAULT = Path("articdbm.toml")

_EXAMPLES = """\
examples:
  articdbm serve                        articdbm.toml in this folder
  articdbm serve /etc/articdbm.toml

SIGHUP reads the file again, SIGTERM lets clients finish, SIGINT ends at once.
Exit status: 0 stopped in order, 1 it could not start, 2 the command line or the configuration is wrong.
"""


def arguments(parser: ArgumentParser) -> None:
    parser.epilog = _EXAMPLES
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "file", type=Path, nargs="?", default=DEFAULT, metavar="FILE", help=f"default: {DEFAULT}"
    )
    which.add_argument("--config", type=Path, metavar="FILE", help="the same")
    parser.add_argument(
        "--take-over",
        type=Path,
        metavar="DIRECTORY",
        help="take over from the process that waits in this directory (upgrade.directory); `articdbm upgrade` does it",
    )


def run(options: Namespace) -> int:
    return serve(options.config or options.file, take_over=options.take_over)


def serve(path: Path, ready: Callable[[], None] | None = None, take_over: Path | None = None) -> int:
    """Serve until stopped. `ready` is called once, when clients can connect."""
    # The core is loaded only by the commands that need it.
    from proxy import app  # noqa: PLC0415

    def started(listening: list[str]) -> None:
        print(f"articdbm is ready: {', '.join(listening)}", flush=True)
        if ready is not None:
            ready()

    try:
        app.run(path, started, take_over)
    except app.BadConfiguration as why:
        print(why, file=sys.stderr)
        return 2
    except app.CannotStart as why:
        print(f"articdbm: {why}", file=sys.stderr)
        return 1
    return 0
