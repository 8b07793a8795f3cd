"""The schema and the reference page say what the loader does."""

import tomllib
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from config.errors import ConfigError
from config.loader import load
from config.reference import SMALLEST, markdown
from config.schema import json_schema
from config.sections.pool import PoolSettings
from config.setting import Section, settings
from config.snapshot import Snapshot
from plugins.registry import Registry
from tests.config.ground import ENVIRONMENT

CASES = Path(__file__).parent / "cases"
ROOT = Path(__file__).parents[2]
SENSELESS = [
    "broken_lists", "half_broken", "nothing", "one_broken_entry", "secrets", "tls", "types", "typo_in_a_section",
    "unknown",
]  # fmt: skip
"""The cases that are wrong already to someone who looks at one value at a time."""


def validator() -> Any:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("case", sorted(CASES.glob("*.toml")), ids=lambda case: case.stem)
def test_the_schema_takes_what_the_types_take(case: Path) -> None:
    tree = tomllib.loads(case.read_text())
    assert validator().is_valid(tree) == (case.stem not in SENSELESS)


def test_the_schema_and_the_loader_refuse_the_same_values(ground: Path) -> None:
    """Value by value: what `types.toml` has wrong, the schema refuses at the same place, and nothing else."""
    file = CASES / "types.toml"
    with pytest.raises(ConfigError) as caught:
        load(file, ENVIRONMENT)
    ours = {problem.key for problem in caught.value.problems}
    theirs = {
        error.json_path.removeprefix("$.")
        for error in validator().iter_errors(tomllib.loads(file.read_text()))
    }
    # Finer than a pattern tells: ranges of times, digits of addresses, servers where there is no file.
    finer = {
        "listeners[3].address",
        "listeners[4].address",
        "listeners[5].address",
        "listeners[6].address",
        "listeners[7].address",
        "clusters[0].servers",
        "clusters[0].connect_timeout",
        "clusters[2].name",
        "clusters[2].pool.statement",
        "clusters[2].pool.idle_transaction",
        "clusters[2].pool.client_idle",
        "clusters[2].pool.server_lifetime",
        "limits.login_window",
    }
    assert theirs <= ours
    assert ours - theirs <= finer


def test_every_setting_is_described_with_what_a_reload_does() -> None:
    for section in sections(Snapshot):
        assert section.__doc__, section
        for setting in settings(section):
            assert setting.text.endswith("."), (section, setting.name)
            assert setting.reload in ("at once", "new connections", "restart"), (section, setting.name)
    described = json_schema()["$defs"]
    assert set(described) == {section.__name__ for section in sections(Snapshot)}
    assert described["Limits"]["properties"]["max_clients"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 1_000_000,
        "description": "Most clients connected at a time; the next one is turned away.",
        "x-reload": "restart",
        "default": 10_000,
    }
    assert described["PoolOptions"]["properties"]["wait"]["default"] == "2m"


def test_the_defaults_it_names_are_the_defaults(ground: Path) -> None:
    """A file that says every default gives the snapshot of a file that says none."""
    described = json_schema()["$defs"]

    def said(name: str) -> str:
        properties = described[name]["properties"].items()
        return "".join(f"{key} = {toml(one['default'])}\n" for key, one in properties if "default" in one)

    pool = said("PoolOptions")
    assert pool.count("\n") == len(PoolSettings.__struct_fields__)
    silent, full = ground / "silent.toml", ground / "full.toml"
    silent.write_text(SMALLEST)
    users, rest = SMALLEST.split("[[users]]")
    clusters = users.replace(
        "[[databases]]", f"{said('Cluster')}[clusters.tls]\n{said('ClusterTls')}[[databases]]"
    )
    full.write_text(
        f"{said('Snapshot')}{clusters}[[users]]{rest}[users.pool]\n{pool}"
        f"[limits]\n{said('Limits')}[log]\n{said('Log')}[admin]\n{said('Admin')}"
    )
    one, other = (load(file, ENVIRONMENT).snapshot for file in (silent, full))
    assert other.limits == one.limits
    assert (other.listeners, other.clusters, other.admin, other.log, other.watch) == (
        one.listeners,
        one.clusters,
        one.admin,
        one.log,
        one.watch,
    )
    assert other.pool_for(other.databases[0], other.users[0]) == PoolSettings()


def test_the_reference_page_is_current() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    assert page == markdown(Registry().kinds(())[0]), (
        "run: articdbm schema --markdown > docs/configuration.md"
    )
    for section in sections(Snapshot):
        for setting in settings(section):
            assert f"| `{setting.name}` | " in page
            assert setting.text.replace("|", r"\|") in page


def test_the_example_on_the_page_is_good(ground: Path) -> None:
    file = ground / "example.toml"
    file.write_text(SMALLEST)
    assert load(file, ENVIRONMENT).problems == ()
    assert SMALLEST in (CASES / "smallest.toml").read_text()


def toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def sections(root: type[Section]) -> set[type[Section]]:
    inner = {setting.section for setting in settings(root) if setting.section is not None}
    return {root}.union(*map(sections, inner))
