"""The README's steps, pasted into a shell as they stand: only ports, and who the server's superuser is, are replaced."""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.articdbm.test_up import first_lines
from tests.servers import ports
from tests.servers.postgres import PostgresServer

README = Path(__file__).parents[2] / "README.md"


def blocks(section: str) -> list[str]:
    """The indented texts of a section, each as somebody would copy it."""
    text = README.read_text().split(f"## {section}\n")[1].split("\n## ")[0]
    found: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith("    ") or (not line and found[-1]):
            found[-1].append(line.removeprefix("    "))
        elif found[-1]:
            found.append([])
    return ["\n".join(block).strip() + "\n" for block in found if block]


def test_your_own_database_as_pasted(tmp_path: Path, spare_postgres: PostgresServer) -> None:
    server, port = spare_postgres, ports.free()
    for statement in ("DROP DATABASE shop", "DROP ROLE app"):
        server.execute(statement, "postgres")
    words = {
        "sudo -u postgres psql": f"{server.psql} {shlex.quote(server.local('postgres'))}",
        "127.0.0.1:5432": f"127.0.0.1:{server.port}",
        "7432": str(port),
        ".venv/bin/articdbm": f"exec {sys.executable} -m articdbm",
        "psql -h": f"{server.psql} -h",
    }
    role, configuration, commands, client = (replace(block, words) for block in blocks("Your own database"))
    *before, serve = commands.splitlines()
    assert shell(role, tmp_path) == "CREATE ROLE\nCREATE DATABASE\n"
    assert shell(configuration, tmp_path) == ""
    check = "\n".join(before).replace("exec ", "")
    assert "good: 0 errors, 0 warnings" in shell(f"{check} 2>&1", tmp_path)
    running = subprocess.Popen(
        ["bash", "-ec", f"{before[0]}\n{serve}"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert f"127.0.0.1:{port}" in first_lines(running, "is ready")
        assert "app          | shop" in shell(client, tmp_path)
    finally:
        running.terminate()
        running.communicate(timeout=60)
    assert running.returncode == 0


def test_a_statement_explained_as_pasted(tmp_path: Path) -> None:
    """`make up` itself is tried in `test_up.py`; here stands a configuration like the one it writes."""
    make, explain = blocks("Try it")
    assert make == "make up\n"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "password").write_text("open sesame")
    text = blocks("Your own database")[1].split("END'\n")[1].removesuffix("END\n")
    words = {"env://APP_PASSWORD": f"file://{tmp_path}/data/password", '"shop"': '"bank"'}
    (tmp_path / "data" / "articdbm.toml").write_text(replace(text, words))
    said = shell(explain.replace(".venv/bin/articdbm", f"{sys.executable} -m articdbm"), tmp_path)
    assert said.startswith("action     forward\n")


def replace(text: str, words: Mapping[str, str]) -> str:
    for old, new in words.items():
        text = text.replace(old, new)
    return text


def shell(text: str, folder: Path) -> str:
    done = subprocess.run(
        ["bash", "-e"],
        input=text,
        cwd=folder,
        env={**os.environ, "PSQLRC": "/dev/null"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
