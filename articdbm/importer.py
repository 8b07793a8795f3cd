"""`articdbm import FILE`: another pooler's configuration, told as ours, and a list of what has no equivalent."""

import errno
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from articdbm.importing import odyssey, pgbouncer, pgcat, pgdog
from articdbm.importing.remark import Imported
from config.errors import ConfigError

HELP = "write a configuration from another pooler's"

_EXAMPLES = """\
examples:
  articdbm import pgbouncer.ini                                      print the configuration; remarks go to stderr
  articdbm import pgbouncer.ini -o articdbm.toml --secrets secrets   passwords into files for this user alone
  articdbm import --json pgbouncer.ini | jq .remarks                 for other programs

Reads PgBouncer's pgbouncer.ini with the userlist and HBA file it names, PgCat's pgcat.toml, PgDog's pgdog.toml with
the users.toml beside it, and Odyssey's odyssey.conf. No password is written into the configuration: it refers to
environment variables, or with --secrets to files. Nothing that is there is overwritten.
Each remark is a line: FILE:LINE: state: setting: why. States: differs, to do, not yet, not needed, no equivalent,
unknown.
Exit status: 0 when the configuration is written, 1 when the file cannot be read or something is in the way.
"""

Reader = Callable[[Path, Path | None], Imported]
READERS: Mapping[str, Reader] = {
    "pgbouncer": pgbouncer.read,
    "pgcat": pgcat.read,
    "pgdog": pgdog.read,
    "odyssey": odyssey.read,
}


def arguments(parser: ArgumentParser) -> None:
    parser.epilog = _EXAMPLES
    parser.add_argument("file", type=Path, metavar="FILE", help="the other pooler's file")
    parser.add_argument("--from", dest="kind", choices=READERS, help="whose it is; default: by its name")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the configuration there")
    parser.add_argument("--secrets", type=Path, metavar="FOLDER", help="write each password to a file there")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object: configuration and remarks"
    )


def run(options: Namespace) -> int:
    """Write what the file says."""
    folder = options.secrets.absolute() if options.secrets else None
    try:
        imported = READERS[options.kind or kind(options.file)](options.file, folder)
        if options.output and options.output.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(options.output))
        if folder is not None:
            _write_secrets(folder, imported.secrets)
        if options.output:
            _write(options.output, imported.toml, 0o644)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"articdbm import: {error.filename}: {error.strerror}; nothing is overwritten", file=sys.stderr)
        return 1
    if options.json:
        told = {"file": str(options.file), "configuration": imported.toml, "remarks": imported.remarks}
        print(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())
        return 0
    if not options.output:
        print(imported.toml, end="")
    for remark in imported.remarks:
        print(remark, file=sys.stderr)
    return 0


def kind(file: Path) -> str:
    """Whose a file is, by its name."""
    return next((name for name in READERS if name in file.name.lower()), "pgbouncer")


def _write_secrets(folder: Path, secrets: Mapping[str, str]) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, secret in secrets.items():
        _write(folder / name, f"{secret}\n", 0o600)


def _write(file: Path, text: str, mode: int) -> None:
    """A new file, which nobody else could read for a moment."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as opened:
        opened.write(text)
