"""`articdbm capture`: what a proxy wrote down of its statements, as one file without repetitions."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

import msgspec

from config.errors import ConfigError
from config.loader import load
from plugins.registry import Registry

HELP = "collect the statements that a proxy wrote down"

_EXAMPLES = """\
The proxy writes when its configuration says where:

  [capture]
  file = "/var/lib/articdbm/capture.jsonl"

examples:
  articdbm capture --config articdbm.toml > capture.jsonl
  articdbm replay capture.jsonl --against new.toml

Exit status: 0 done, 1 nothing was written down, 2 the command line or the configuration is wrong.
"""


def arguments(parser: ArgumentParser) -> None:
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "--config", type=Path, default=Path("articdbm.toml"), metavar="FILE", help="the proxy's"
    )


def run(options: Namespace) -> int:
    from proxy.capture import numbered  # noqa: PLC0415 - the core is loaded only by the commands that need it

    try:
        said = load(options.config, plugins=Registry()).snapshot.capture
    except ConfigError as why:
        print(why, file=sys.stderr)
        return 2
    if said.file is None:
        print(f"articdbm capture: {options.config} does not set capture.file", file=sys.stderr)
        return 1
    seen: set[bytes] = set()
    for number in range(said.files - 1, -1, -1):
        file = numbered(said.file, number)
        if not file.exists():
            continue
        with file.open("rb") as lines:
            for line in lines:
                if line.endswith(b"\n") and line not in seen:
                    seen.add(line)
                    sys.stdout.write(msgspec.json.format(line.decode(), indent=0) + "\n")
    if not seen:
        print(f"articdbm capture: nothing was written to {said.file} yet", file=sys.stderr)
        return 1
    return 0
