"""No registry and no machine in committed text: each kind is found, and what only looks alike is not."""

import subprocess
from pathlib import Path

import pytest

from checks import addresses

# Written in two halves, so that this file passes its own check.
FOUND = [
    "see https://py" + "pi.org/simple",
    "https://files.python" + "hosted.org/x",
    "index" + ".crates.io",
    "registry" + ".npmjs.org",
    "repo.maven" + ".apache.org/maven2",
    "pip install --index" + "-url http://mirror/simple x",
    "--find" + "-links /somewhere",
    "PIP_INDEX" + "_URL=http://mirror",
    "extra-index" + "-url = x",
    "http://10.1." + "2.3:8081/repository/x",
    "cd /ro" + "ot/.cache",
    "in /wo" + "rk/main/proxy",
    "/opt/wh" + "eels",
    "'/ho" + "me/alice/src'",
]
FINE = [
    "docs.python.org and postgresql.org",
    "$HOME/.cache, ~/.cache, .venv/bin",
    "the /workers page, a/work/b, tests/rooted",
    "/usr/lib/postgresql",
    "listen on 10.0.0.1:5432 or http://127.0.0.1:9090/metrics",
    "--no-emit-index-url --no-emit-find-links",
    "unset UV_INDEX_URL UV_FIND_LINKS",
]


@pytest.mark.parametrize("text", FOUND)
def test_each_kind_is_found(text: str) -> None:
    (problem,) = addresses.problems("page.md", f"first line\n{text}\n")
    assert problem.startswith("page.md:2: ")


@pytest.mark.parametrize("text", FINE)
def test_what_looks_alike_is_not(text: str) -> None:
    assert addresses.problems("page.md", text) == []


def test_cargo_may_name_its_registry_in_its_lock_file_only() -> None:
    mirror = 'source = "registry+https://index' + '.crates.io/"\n'
    usual = 'source = "registry+https://github.com/rust-lang/crates.io-index"\n'
    assert addresses.problems("Cargo.lock", usual) == []
    assert addresses.problems("Cargo.lock", mirror)


def test_uncommitted_files_count_and_ignored_ones_do_not(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    (tmp_path / ".gitignore").write_text("*.so\n")
    (tmp_path / "new.md").touch()
    (tmp_path / "core.so").touch()
    assert addresses.files(tmp_path) == [".gitignore", "new.md"]
