"""`articdbm plugin new NAME`: a package with a plugin in it and its test, which passes as it is."""

import re
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from string import Template

HELP = "write a package with a new plugin"

_EXAMPLES = """\
examples:
  articdbm plugin new quiet_hours           writes the folder quiet_hours/
  cd quiet_hours && python -m pytest        its test, which passes as it is

docs/plugins.md goes on from there. Exit status: 0 written, 1 it could not be, 2 the command line was not understood.
"""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
_PROJECT = Template("""\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "articdbm-$dashed"
version = "0.1.0"
description = "A plugin for ArticDBM"
requires-python = ">=3.11"
dependencies = ["articdbm"]

[project.entry-points."articdbm.plugins"]
$name = "articdbm_$name:$kind"

[tool.setuptools]
packages = ["articdbm_$name"]

[tool.pytest.ini_options]
pythonpath = ["."]
""")
_MODULE = Template('''\
"""Denies statements that read, or could read, a table that is closed."""

from typing import Annotated

from config.setting import setting
from plugins.api import Plugin, PluginSettings
from plugins.model import Source
from plugins.plan import Plan
from plugins.scope import Scope
from plugins.statement import Statement


class Settings(PluginSettings, frozen=True):
    """`[plugins.$name]`: which tables nobody may read."""

    closed: Annotated[tuple[str, ...], setting("Tables, as `schema.table`.", "at once")] = ()


class $kind(Plugin):
    """Guards: when it fails, the statement is denied."""

    name = "$name"
    stage = "rights"
    guards = True
    needs_catalogue = True
    Settings = Settings

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__(settings)
        self._closed = tuple(map(_table, settings.closed)) if settings is not None else ()

    def plan(self, statement: Statement, scope: Scope, plan: Plan) -> Plan:
        reads = statement.reading.reads
        for table in self._closed:
            if reads.possibly(table):
                return plan.denied(
                    self.name, "closed", f"it reads {table}, or could", code="42501", message=f"{table} is closed"
                )
        return plan.because(self.name, "open", "it reads nothing that is closed")


def _table(written: str) -> Source:
    """What this raises refuses the configuration, and is told with it."""
    schema, _, name = written.partition(".")
    if not schema or not name or "." in name:
        raise ValueError(f"closed: {written!r} is not a table; write it as schema.table")
    return Source(schema, name)
''')
_TEST = Template('''\
"""What $name decides, as a table."""

import pytest

from articdbm_$name import Settings, $kind
from plugins import statement
from plugins.catalogue import Catalogue, Column, Names, Relation
from plugins.chain import Chain
from plugins.model import Source
from plugins.scope import Scope

CATALOGUE = Catalogue(
    relations=(
        Relation(Source("public", "staff"), columns=(Column("name"), Column("pay"))),
        Relation(Source("public", "rooms"), columns=(Column("number"),)),
    )
)


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("SELECT number FROM rooms", "forward"),
        ("SELECT pay FROM staff", "deny"),
        ("SELECT number FROM rooms WHERE EXISTS (SELECT 1 FROM staff)", "deny"),
        ("SELECT * FROM what_is_not_known", "deny"),
        ("UPDATE rooms SET number = 1", "forward"),
    ],
)
def test_decision(text: str, action: str) -> None:
    chain = Chain([$kind(Settings(closed=("public.staff",)))])
    read = statement.read(text.encode(), Scope(), exact=False, names=Names(CATALOGUE))
    assert chain.plan(read, Scope()).action == action


@pytest.mark.parametrize("written", ["staff", "public.", ".staff", "shop.public.staff"])
def test_a_setting_that_names_no_table_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="is not a table; write it as schema.table"):
        $kind(Settings(closed=(written,)))
''')


def arguments(parser: ArgumentParser) -> None:
    parser.epilog = _EXAMPLES
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    new = actions.add_parser("new", help="write the package")
    new.add_argument("name", help="of the plugin: lower-case letters, digits and _")
    new.add_argument(
        "--into", type=Path, default=Path(), metavar="FOLDER", help="where its folder goes; default: here"
    )


def run(options: Namespace) -> int:
    name = options.name
    if not _NAME.fullmatch(name):
        print(f"articdbm plugin: {name!r} is no name: lower-case letters, digits and _", file=sys.stderr)
        return 2
    folder: Path = options.into / name
    kind = "".join(part.capitalize() for part in name.split("_"))
    texts = {
        "pyproject.toml": _PROJECT,
        f"articdbm_{name}/__init__.py": _MODULE,
        f"tests/test_{name}.py": _TEST,
    }
    try:
        folder.mkdir(parents=True)
        for file, text in texts.items():
            (folder / file).parent.mkdir(exist_ok=True)
            (folder / file).write_text(text.substitute(name=name, kind=kind, dashed=name.replace("_", "-")))
    except OSError as why:
        print(f"articdbm plugin: {why.strerror}: {folder}", file=sys.stderr)
        return 1
    print(f"{folder}/ is written; try: cd {folder} && {Path(sys.executable).name} -m pytest")
    return 0
