"""One setting changed in a running process: what may be, and what has to be written in the file."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.change import change
from config.errors import RefusedError
from config.loader import load
from config.snapshot import Snapshot

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FILE = """
[[listeners]]
protocol = "postgres"
address = "127.0.0.1:6432"
[[clusters]]
name = "main"
protocol = "postgres"
servers = [{ address = "127.0.0.1:5432" }]
[[databases]]
name = "shop"
cluster = "main"
pool = { size = 4 }
[[users]]
name = "app"
password = "env://P"
[admin]
users = ["app"]
"""


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    file = tmp_path / "a.toml"
    file.write_text(FILE)
    return load(file, {"P": "open sesame"}, now=NOW).snapshot


@pytest.mark.parametrize(
    ("key", "written", "read"),
    [
        ("databases[shop].pool.size", "7", lambda new: new.databases[0].pool.size == 7),
        ("databases[0].pool.mode", "session", lambda new: new.databases[0].pool.mode == "session"),
        ("clusters[main].pool.wait", "5s", lambda new: new.clusters[0].pool.wait == 5_000),
        ("clusters[main].pool.wait", "3", lambda new: new.clusters[0].pool.wait == 3_000),
        ("users[app].pool.sharing", "off", lambda new: new.users[0].pool.sharing is False),
        ("log.level", "debug", lambda new: new.log.level == "debug"),
        ("watch", "true", lambda new: new.watch is True),
    ],
)
def test_numbers_times_and_choices(snapshot: Snapshot, key: str, written: str, read: object) -> None:
    after = change(snapshot, key, written, NOW)
    assert callable(read)
    assert read(after)
    assert not read(snapshot)


@pytest.mark.parametrize(
    ("key", "written", "what"),
    [
        ("", "1", "not the name"),
        ("log.", "1", "not the name"),
        ("log level", "1", "not the name"),
        ("lög.level", "1", "not the name"),
        ("nope", "1", "no such setting"),
        ("log.nope", "1", "no such setting"),
        ("log.level.more", "1", "no such setting"),
        ("log.level[0]", "1", "no such setting"),
        ("log", "1", "whole section"),
        ("databases[shop]", "1", "whole section"),
        ("databases.pool.size", "1", "none of the databases"),
        ("databases[nope].pool.size", "1", "none of the databases"),
        ("databases[1].pool.size", "1", "none of the databases"),
        ("log.level", "loud", "not a choice"),
        ("watch", "maybe", "neither true nor false"),
        ("clusters[main].pool.wait", "soon", ""),
        ("databases[shop].pool.size", "many", "not a whole number"),
        ("databases[shop].pool.size", "-1", "not a whole number"),
        ("databases[shop].pool.size", "0", "out of range"),
        ("databases[shop].pool.size", "9" * 30, ""),
        ("databases[shop].pool.min_size", "9", "9 connections are to be kept open where size = 4"),
        ("limits.max_clients", "5", "not one to change"),
        ("databases[shop].name", "other", "not one to change"),
        ("users[app].password", "x", "not one to change"),
        ("users[app].databases", "shop", "not one to change"),
        ("admin.users", "other", "not one to change"),
        ("admin.stats_users", "other", "not one to change"),
        ("listeners[0].auth", "trust", "not one to change"),
        ("listeners[0].address", "0.0.0.0:1", "not one to change"),
        ("clusters[main].tls.mode", "disable", "not one to change"),
        ("clusters[main].servers[0].address", "10.0.0.1:1", "not one to change"),
    ],
)
def test_what_is_refused(snapshot: Snapshot, key: str, written: str, what: str) -> None:
    with pytest.raises(RefusedError) as caught:
        change(snapshot, key, written, NOW)
    assert what in str(caught.value)
    assert "sesame" not in str(caught.value)
