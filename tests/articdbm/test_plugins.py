"""Plugins of other packages: the page that leads to one, what is refused, and what is listed."""

import json
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from config.errors import ConfigError
from config.loader import load
from config.sections.plugins import Plugins
from plugins.registry import BadPluginError, Registry, find
from tests.articdbm.offering import offer
from tests.configurations import TRUSTING

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
GOOD = """
from typing import Annotated
from config.errors import Finding
from config.setting import setting
from plugins.api import Plugin, PluginSettings
class Settings(PluginSettings, frozen=True):
    "Told."
    most: Annotated[int, setting("How many.", "at once", least=1)] = 3
class Good(Plugin):
    name, stage, guards, Settings = "good", "limits", False, Settings
    def __init__(self, settings=None):
        super().__init__(settings)
        if self.settings.most == 13:
            raise ValueError("thirteen is bad luck")
    @classmethod
    def check(cls, settings):
        if settings.most == 14:
            raise KeyError("fourteen")
        if settings.most in (11, 12):
            severity = "error" if settings.most == 12 else "warning"
            yield Finding(("most",), "this is many", "write fewer", severity, beside=("budget",))
    def plan(self, statement, scope, plan):
        return plan.because(self.name, "seen", "looked")
"""


def test_the_page_as_pasted(tmp_path: Path) -> None:
    """Every command of the page, in order; pip alone is stood in for: what it leaves behind is put there."""
    site = tmp_path / "site"
    site.mkdir()
    folder = tmp_path
    (tmp_path / "articdbm.toml").write_text(TRUSTING)
    toml = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert toml is not None
    bin_ = Path(sys.executable).parent
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{site}", "PATH": f"{bin_}:{os.environ['PATH']}"}
    told = ""
    ran = 0
    for command in re.findall(r"^    (\S.*)$", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL), re.MULTILINE):
        ran += 1
        if command.startswith("cd "):
            folder = folder / command.removeprefix("cd ")
            continue
        if command == "python -m pip install .":
            offer(site, "articdbm_quiet", "quiet = articdbm_quiet:Quiet", package=folder / "articdbm_quiet")
            (folder / "articdbm.toml").write_text(TRUSTING + toml[1])
            continue
        program = (
            command.replace("articdbm ", f"{sys.executable} -m articdbm ", 1)
            if command.startswith("articdbm")
            else command
        )
        done = subprocess.run(
            program, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        told += done.stdout
    assert ran == 7
    assert "9 passed" in told
    assert "3. quiet  stage rights, guards" not in told, "order is by stage"
    assert "2. quiet  stage rights, guards" in told
    assert 'closed = ["public.salaries"]' in told
    # Without a catalogue nothing is known, so a guard that needs one denies what could read anything; this reads nothing.
    assert "quiet, open: it reads nothing that is closed" in told
    wrong = tmp_path / "wrong.toml"
    wrong.write_text((folder / "articdbm.toml").read_text().replace("public.salaries", "salaries"))
    command = [sys.executable, "-m", "articdbm", "check", str(wrong)]
    checked = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert checked.returncode == 1
    assert "closed: 'salaries' is not a table; write it as schema.table" in checked.stdout


def test_what_is_offered_is_listed_for_programs(tmp_path: Path) -> None:
    site = offer(tmp_path / "site", "good_module", "good = good_module:Good", text=GOOD)
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{site}"}
    (tmp_path / "a.toml").write_text(TRUSTING + '[plugins]\nload = ["good"]\n[plugins.good]\nmost = 7\n')
    command = [sys.executable, "-m", "articdbm", "plugins", "--json"]
    plain = json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    assert plain["offered"] == ["good"]
    command += ["--config", str(tmp_path / "a.toml")]
    loaded = json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    assert [one["name"] for one in loaded["chain"]] == ["reserved", "session", "good", "sharing"]
    assert loaded["chain"][2]["settings"] == {"budget": "1s", "most": 7}


def entry(name: str, value: str) -> metadata.EntryPoint:
    return metadata.EntryPoint(name=name, value=value, group="articdbm.plugins")


BAD = {
    "nowhere": ("nowhere_at_all:Thing", "cannot be imported: ModuleNotFoundError"),
    "missing": ("plugins.api:Thing", "cannot be imported: AttributeError"),
    "function": ("plugins.registry:find", "is no subclass of plugins.api.Plugin"),
    "bare": ("tests.articdbm.bad_plugins:Bare", "does not say its name"),
    "other": ("tests.articdbm.bad_plugins:Other", "calls itself 'another'"),
    "session": ("tests.articdbm.bad_plugins:Taken", "has a name that is taken"),
    "stageless": (
        "tests.articdbm.bad_plugins:Stageless",
        "is of the stage 'whenever'; there are: names, firewall",
    ),
    "maybe": ("tests.articdbm.bad_plugins:Maybe", "does not say by True or False whether it guards"),
    "settled": ("tests.articdbm.bad_plugins:Settled", "has Settings that are no subclass"),
    "unsaid": ("tests.articdbm.bad_plugins:Unsaid", "not declared with setting(…): most"),
    "idle": ("tests.articdbm.bad_plugins:Idle", "neither plans nor observes"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_one_is_refused_with_a_reason(name: str) -> None:
    value, why = BAD[name]
    with pytest.raises(BadPluginError) as refused:
        find(name, lambda: [entry(name, value)])
    assert why in str(refused.value)
    assert f'"{name}"' in str(refused.value)


def test_one_that_nobody_or_that_two_offer_is_refused() -> None:
    with pytest.raises(BadPluginError, match="offered are: b"):
        find("a", lambda: [entry("b", "x:y")])
    with pytest.raises(BadPluginError, match="2 installed packages"):
        find("a", lambda: [entry("a", "x:y"), entry("a", "z:y")])


def test_the_configuration_tells_by_line(tmp_path: Path) -> None:
    (tmp_path / "good_module_2.py").write_text(GOOD)
    sys.path.insert(0, str(tmp_path))
    try:
        registry = Registry(lambda: [entry("good", "good_module_2:Good")])
        for text, told in {
            '[plugins]\nload = ["gone"]': '19: error: plugins.load[0]: no installed package offers a plugin "gone"',
            '[plugins]\nload = ["good", "good"]': "19: error: plugins.load[0]: this is named twice",
            "[plugins.good]\nmost = 1": '18: error: plugins.good: no plugin "good" is loaded',
            '[plugins]\nload = ["good"]\n[plugins.good]\nmost = 0': "21: error: plugins.good.most",
            '[plugins]\nload = ["good"]\n[plugins.good]\nmust = 5': "21: error: plugins.good.must: this key is unknown",
            '[plugins]\nload = ["good"]\n[plugins.good]\nmost = 13': "thirteen is bad luck",
            '[plugins]\nload = ["good"]\n[plugins.good]\nbudget = "1s"\nmost = 12': (
                "22: error: plugins.good.most: this is many (plugins.good.budget, line 21); write fewer"
            ),
            '[plugins]\nload = ["good"]\n[plugins.good]\nmost = 14': "20: error: plugins.good: checking it failed: KeyError",
            "[plugins.session]\nbudget = 0": "19: error: plugins.session.budget",
        }.items():
            file = tmp_path / "a.toml"
            file.write_text(TRUSTING + text + "\n")
            with pytest.raises(ConfigError) as refused:
                load(file, plugins=registry)
            assert told in str(refused.value), text
        (tmp_path / "a.toml").write_text(TRUSTING + '[plugins]\nload = ["good"]\n[plugins.good]\nmost = 5\n')
        (tmp_path / "b.toml").write_text(TRUSTING + '[plugins]\nload = ["good"]\n[plugins.good]\nmost = 11\n')
        (warned,) = load(tmp_path / "b.toml", plugins=registry).problems
        assert (warned.line, warned.severity) == (21, "warning")
        snapshot = load(tmp_path / "a.toml", plugins=registry).snapshot
        assert [one.name for one in registry.chain(snapshot.plugins)] == [
            "reserved",
            "session",
            "good",
            "sharing",
        ]
    finally:
        sys.path.remove(str(tmp_path))


def test_the_order_is_by_stage_and_then_as_loaded() -> None:
    offers = [entry(name, f"tests.articdbm.bad_plugins:{name.capitalize()}") for name in ("first", "second")]
    registry = Registry(lambda: offers)
    for names in (("first", "second"), ("second", "first")):
        chain = [one.name for one in registry.chain(Plugins(load=names))]
        assert chain == ["reserved", "session", *names, "sharing"]
