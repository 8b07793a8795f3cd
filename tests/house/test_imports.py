"""The import contracts pass a tree that keeps them and stop each way of breaking them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from checks import native

ROOT = Path(__file__).parents[2]

KEPT = {
    "config/__init__.py": "",
    "protocols/__init__.py": "",
    "plugins/__init__.py": "import protocols, config",
    "proxy/__init__.py": "",
    "proxy/native.py": "from proxy._core import Core",
    "proxy/app.py": "import plugins\nfrom proxy import native",
    "manager/__init__.py": "import plugins",
    "articdbm/__init__.py": "import proxy, manager",
}


def lint(tree: Path, **changed: str) -> subprocess.CompletedProcess[str]:
    for name, text in (KEPT | changed).items():
        file = tree / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    shutil.copy(ROOT / "pyproject.toml", tree)
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=tree,
        env={"PYTHONPATH": str(tree), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_tree_that_keeps_them(tmp_path: Path) -> None:
    done = lint(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Contracts: 1 kept, 0 broken" in done.stdout


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("config/__init__.py", "import protocols"),
        ("protocols/__init__.py", "import plugins"),
        ("plugins/__init__.py", "def late():\n    import proxy"),
        ("proxy/app.py", "import manager"),
        ("manager/__init__.py", "import proxy.app"),
        ("proxy/__init__.py", "import articdbm"),
    ],
)
def test_each_way_of_breaking_them(tmp_path: Path, file: str, text: str) -> None:
    done = lint(tmp_path, **{file: text})
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Contracts: 0 kept, 1 broken" in done.stdout


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("proxy/app.py", "from proxy._core import Core"),
        ("proxy/app.py", "import proxy._core"),
        ("proxy/app.py", "from proxy import _core"),
        ("proxy/app.py", "from . import _core"),
        ("proxy/answers/admin.py", "from .._core import Core"),
        ("articdbm/up.py", "def late():\n    import proxy._core as core"),
        ("articdbm/up.py", "importlib.import_module('proxy._core')"),
    ],
)
def test_nobody_else_imports_the_core(path: str, source: str) -> None:
    assert native.problems(path, source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("proxy/native.py", "from proxy._core import Core"),
        ("proxy/app.py", "from proxy.native import Core"),
        ("proxy/app.py", "from proxy._coretypes import X\nfrom other import _core"),
    ],
)
def test_the_one_that_may_does(path: str, source: str) -> None:
    assert native.problems(path, source) == []
