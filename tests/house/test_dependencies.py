"""What runs needs nothing but the runtime requirements: the check sees each way of leaning on more, and a start of
the real thing with everything else hidden proves it.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from checks import dependencies
from checks.dependencies import PACKAGES, Allowed

ROOT = Path(__file__).parents[2]
PROJECT = {
    "dependencies": ["msgspec>=0.19", "sqlglot[c]>=30,<31"],
    "optional-dependencies": {"gcp": ["google-cloud-secret-manager>=2"], "dev": ["pytest>=8"]},
}
MODULES = {"msgspec": ["msgspec"], "sqlglot": ["sqlglot"], "google": ["google-cloud_secret.manager"]}

HIDING = """
import sys
from importlib.metadata import packages_distributions

shown, modules = set(sys.argv[1].split(",")), sys.argv[2].split(",")
hidden = {
    name for name, origins in packages_distributions().items()
    if not {origin.lower().replace("_", "-") for origin in origins} & shown
}

class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in hidden:
            raise ModuleNotFoundError(f"{name} is not among the runtime requirements")

sys.meta_path.insert(0, Hide())
for name in modules:
    __import__(name)
print("pytest" in hidden, len(modules))
"""


def test_everything_loads_with_the_runtime_requirements_alone() -> None:
    pinned = re.findall(r"^([A-Za-z0-9._-]+)==", (ROOT / "requirements/run.txt").read_text(), re.MULTILINE)
    may = dependencies.allowed()
    files = [file.relative_to(ROOT) for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    modules = [
        ".".join(file.with_suffix("").parts).removesuffix(".__init__")
        for file in files
        if file.name != "__main__.py" and not may.needs_an_extra((ROOT / file).read_text())
    ]
    done = subprocess.run(
        [sys.executable, "-c", HIDING, ",".join(["articdbm", *pinned]), ",".join(modules)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"True {len(modules)}\n"
    assert {"articdbm.main", "proxy.app"} <= set(modules)


def test_the_packages_keep_it() -> None:
    assert dependencies.main() == 0


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("from typing_extensions import override", "typing_extensions belongs to no runtime dependency"),
        ("import pytest.mark", "pytest belongs to no runtime dependency"),
        ("def late():\n    import pytest", "proxy/x.py:2: pytest belongs to no"),
    ],
)
def test_each_way_of_breaking_it(source: str, told: str) -> None:
    (problem,) = Allowed(PROJECT, MODULES).problems("proxy/x.py", source)
    assert told in problem


@pytest.mark.parametrize(
    ("source", "needs_an_extra"),
    [
        ("import os.path, tomllib\nfrom config.errors import Finding\nfrom . import other", False),
        ("import msgspec\nfrom sqlglot import exp", False),
        ("async def late():\n    from google.cloud import secretmanager", False),
        ("from google.cloud import secretmanager", True),
    ],
)
def test_what_may_be_imported(source: str, needs_an_extra: bool) -> None:
    may = Allowed(PROJECT, MODULES)
    assert may.problems("proxy/x.py", source) == []
    assert may.needs_an_extra(source) == needs_an_extra
