"""What the scripts say on a machine that lacks something: its name, the command that installs it, and failure."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEV = ROOT / "deploy" / "dev"


def run(script: str, path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [shutil.which("bash") or "bash", DEV / script],
        env={"HOME": str(path), "PATH": str(path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A PATH with the ordinary tools alone."""
    for tool in ("bash", "cat", "id", "dirname", "env", "mkdir", "mktemp", "rm", "sed", "uname"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or "")
    return tmp_path


def ci(machine: Path) -> subprocess.CompletedProcess[str]:
    for tool in ("grep", "tee"):
        (machine / tool).symlink_to(shutil.which(tool) or "")
    return run("../../.ci/run", machine)


def put(machine: Path, name: str, script: str) -> None:
    file = machine / name
    file.unlink(missing_ok=True)
    file.write_text(f"#!{shutil.which('bash')}\n{script}\n")
    file.chmod(0o755)


def test_a_bare_machine_is_told_everything_it_lacks(machine: Path) -> None:
    done = run("check.sh", machine)
    assert done.returncode == 1
    assert "missing: Python 3.11" in done.stderr
    assert "apt-get install python3 python3-venv" in done.stderr
    assert "missing: Rust" in done.stderr
    assert "sh.rustup.rs" in done.stderr
    assert "missing: a C compiler" in done.stderr
    assert "apt-get install build-essential" in done.stderr


def test_an_old_rust_and_an_old_python_are_told(machine: Path) -> None:
    put(machine, "cargo", "echo cargo 1.63.0")
    put(machine, "cc", "exit 0")
    put(machine, "python3", "exit 1")
    done = run("check.sh", machine)
    assert done.returncode == 1
    assert "found cargo 1.63.0" in done.stderr
    assert "rustup update" in done.stderr
    assert "missing: Python 3.11" in done.stderr


def test_a_machine_with_everything_is_told_nothing(machine: Path) -> None:
    put(machine, "cargo", "echo cargo 1.85.0")
    put(machine, "cc", "exit 0")
    put(machine, "python3", "exit 0")
    done = run("check.sh", machine)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_apt_the_packages_are_named(machine: Path) -> None:
    done = run("install.sh", machine)
    assert done.returncode == 1
    assert "apt-get install postgresql postgresql-contrib" in done.stderr


def test_without_root_only_what_is_missing_is_named(machine: Path) -> None:
    put(machine, "apt-get", "echo apt-get was called; exit 9")
    put(machine, "id", "echo 1000")
    put(machine, "dpkg-query", '[ "${@: -1}" = pgbouncer ] || echo -n installed')
    done = run("install.sh", machine)
    assert done.returncode == 1
    assert "missing: pgbouncer (installing them needs root)" in done.stderr
    assert "apt-get install -y pgbouncer" in done.stderr
    assert "was called" not in done.stdout


def test_without_maven_postgres17_says_so(machine: Path) -> None:
    done = run("postgres17.sh", machine)
    assert done.returncode == 1
    assert "apt-get install maven" in done.stderr


def test_a_cached_postgres17_is_not_fetched_again(machine: Path) -> None:
    done = run(
        "postgres17.sh",
        machine,
        XDG_CACHE_HOME=os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache"),
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_target_has_a_line_of_help() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    told = {line.split()[1] for line in done.stdout.splitlines() if len(line.split()) > 3}
    assert {"up", "test", "lint", "format", "bench", "build", "lock", "clean", "soak", "test-rust"} <= told


def test_ci_ends_with_the_closing_lines(machine: Path) -> None:
    lines = "test result: ok. 13 passed; 0 failed\n===== 110 passed in 13.60s =====\nsomething after"
    put(machine, "make", f"[ $1 = test ] && echo '{lines}'; exit 0")
    done = ci(machine)
    assert done.returncode == 0
    closing = done.stdout.split("--- closing lines\n")[1].splitlines()
    assert closing == [*lines.splitlines()[:2], "all of it passed"]


@pytest.mark.parametrize("target", ["lint", "test"])
def test_ci_fails_when_either_fails_and_runs_both(machine: Path, target: str) -> None:
    put(machine, "make", f"echo made $1; [ $1 != {target} ]")
    done = ci(machine)
    assert done.returncode == 1
    assert "made lint" in done.stdout
    assert "made test" in done.stdout
    assert f"failed: make {target}" in done.stdout
