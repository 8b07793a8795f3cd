"""`articdbm import` of PgCat's and PgDog's files: usable, equivalent where it can be, and told where it cannot."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from articdbm.importing import pgcat, pgdog
from articdbm.importing.remark import Imported
from articdbm.importing.tree import toml
from articdbm.main import main
from config.errors import ConfigError
from config.loader import load

PGCAT = """\
[general]
host = "127.0.0.1"
port = 6543
connect_timeout = 5000
idle_timeout = 30000
healthcheck_delay = 30000
autoreload = true
shutdown_timeout = 20000
tcp_keepalives_idle = 5
tcp_user_timeout = 1500
auth_query = "SELECT usename, passwd FROM pg_shadow WHERE usename = '$1'"
auth_query_user = "asker"
auth_query_password = "hunter6"
admin_username = "admin"
admin_password = "hunter3"
no_such_thing = 1

[pools.shop]
pool_mode = "session"
default_role = "any"
[pools.shop.users.0]
username = "app"
password = "hunter2"
pool_size = 9
min_pool_size = 12
statement_timeout = 60000
[pools.shop.shards.0]
servers = [["db1", 5432, "primary"], ["db2", 5433, "replica"]]
database = "shop_2"

[pools.stock.users.0]
username = "app"
password = "hunter2"
pool_size = 9
min_pool_size = 12
statement_timeout = 60000
[pools.stock.users.1]
username = "other"
password = "hunter4"
server_username = "joe"
server_password = "hunter5"
[pools.stock.shards.0]
servers = [["db1", 5432, "primary"]]
database = "stock"

[pools.sharded.users.0]
username = "app"
password = "different"
[pools.sharded.shards.0]
servers = [["db1", 5432, "primary"]]
database = "one"
[pools.sharded.shards.1]
servers = [["db1", 5432, "primary"]]
database = "two"
"""
PGDOG = """\
[general]
host = "127.0.0.1"
port = 6543
default_pool_size = 15
checkout_timeout = 1000
tls_verify = "none"
workers = 4
openmetrics_port = 9090
shutdown_timeout = 60000

[tcp]
keepalive = false
retries = 3

[[databases]]
name = "shop"
host = "db1"
[[databases]]
name = "shop"
host = "db2"
role = "replica"
[[databases]]
name = "stock"
host = "db1"
database_name = "stock_2"
pooler_mode = "session"
lock_timeout = 5
[[databases]]
name = "sharded"
host = "db1"
shard = 0
[[databases]]
name = "sharded"
host = "db3"
shard = 1

[admin]
password = "hunter3"
"""
PGDOG_USERS = """\
[[users]]
name = "app"
database = "shop"
password = "hunter2"
[[users]]
name = "app"
database = "stock"
password = "hunter2"
[[users]]
name = "other"
database = "stock"
password = "hunter4"
server_user = "joe"
pool_size = 3
[[users]]
name = "other"
database = "shop"
password = "different"
"""


def imported(
    folder: Path, kind: str, text: str, users: str = PGDOG_USERS, secrets: Path | None = None
) -> Imported:
    (folder / f"{kind}.toml").write_text(text)
    (folder / "users.toml").write_text(users)
    read = {"pgcat": pgcat.read, "pgdog": pgdog.read}[kind]
    return read(folder / f"{kind}.toml", secrets)


def usable(found: Imported, folder: Path) -> dict[str, Any]:
    """What is written, after `articdbm check` found no error in it."""
    tree = tomllib.loads(found.toml)
    (folder / "imported.toml").write_text(found.toml)
    named = re.findall(r'"env://(\w+)"', found.toml)
    load(folder / "imported.toml", dict.fromkeys(named, "something"))
    return tree


def told(found: Imported) -> dict[str, str]:
    return {f"{Path(remark.file).name} {remark.setting}": remark.state for remark in found.remarks}


def test_pgcat(tmp_path: Path) -> None:
    found = imported(tmp_path, "pgcat", PGCAT)
    pool = {"mode": "transaction", "wait": "5s", "server_idle": "30s"}
    lookup = {
        "user": "asker",
        "query": "SELECT usename, passwd FROM pg_shadow WHERE usename = $1",
        "password": "env://ASKER_AUTH_QUERY_PASSWORD",
    }
    app = {"size": 9, "min_size": 9, "statement": "1m"}
    assert usable(found, tmp_path) == {
        "watch": True,
        "listeners": [{"protocol": "postgres", "address": "127.0.0.1:6543", "auth": "scram-sha-256"}],
        "clusters": [
            {
                "name": "cluster1",
                "protocol": "postgres",
                "servers": [{"address": "db1:5432"}, {"address": "db2:5433"}],
                "pool": pool,
                "auth_query": lookup,
            },
            {
                "name": "cluster2",
                "protocol": "postgres",
                "servers": [{"address": "db1:5432"}],
                "pool": pool,
                "auth_query": lookup,
            },
        ],
        "databases": [
            {"name": "shop", "cluster": "cluster1", "dbname": "shop_2", "pool": {"mode": "session"}},
            {"name": "stock", "cluster": "cluster2"},
        ],
        "users": [
            {"name": "app", "password": "env://APP_PASSWORD", "pool": app},
            {
                "name": "other",
                "password": "env://OTHER_PASSWORD",
                "server_password": "env://OTHER_SERVER_PASSWORD",
                "databases": ["stock"],
                "server_user": "joe",
            },
        ],
        "limits": {"drain": "20s", "login_attempts": 30},
        "tcp": {"keepalive_idle": "5s", "user_timeout": "1500ms"},
    }
    said = told(found)
    assert {said[f"pgcat.toml {name}"] for name in ("pools.sharded.shards", "pools.shop.default_role")} == {
        "not yet"
    }
    assert said["pgcat.toml pools.shop.shards.0"] == said["pgcat.toml general"] == "differs"
    assert said["pgcat.toml general.no_such_thing"] == "unknown"
    assert (
        said["pgcat.toml general.admin_password"] == said["pgcat.toml pools.shop.users.0.password"] == "to do"
    )
    assert "hunter" not in found.toml + str(found.remarks)


def test_pgdog(tmp_path: Path) -> None:
    found = imported(tmp_path, "pgdog", PGDOG)
    pool = {
        "mode": "transaction", "size": 15, "min_size": 1, "wait": "1s", "server_idle": "1m", "server_lifetime": "1d",
    }  # fmt: skip
    cluster = {"protocol": "postgres", "tls": {"mode": "disable"}, "pool": pool}
    assert usable(found, tmp_path) == {
        "listeners": [{"protocol": "postgres", "address": "127.0.0.1:6543", "auth": "scram-sha-256"}],
        "clusters": [
            {"name": "cluster1", "servers": [{"address": "db1:5432"}, {"address": "db2:5432"}], **cluster},
            {"name": "cluster2", "servers": [{"address": "db1:5432"}], **cluster},
        ],
        "databases": [
            {"name": "shop", "cluster": "cluster1"},
            {"name": "stock", "cluster": "cluster2", "dbname": "stock_2", "pool": {"mode": "session"}},
        ],
        "users": [
            {"name": "app", "password": "env://APP_PASSWORD"},
            {
                "name": "other",
                "password": "env://OTHER_PASSWORD",
                "databases": ["stock"],
                "server_user": "joe",
                "pool": {"size": 3},
            },
        ],
        "limits": {"drain": "1m", "login_attempts": 30},
        "tcp": {"keepalive_count": 3, "keepalive_idle": "0s"},
    }
    assert told(found) == {
        "pgdog.toml limits.login_attempts": "differs",
        "pgdog.toml general.workers": "not needed",
        "pgdog.toml general.openmetrics_port": "to do",
        "pgdog.toml databases[0]": "differs",
        "pgdog.toml databases[2].lock_timeout": "to do",
        "pgdog.toml databases[3]": "not yet",
        "pgdog.toml admin": "to do",
        "users.toml users[0].password": "to do",
        "users.toml users[2].password": "to do",
        "users.toml users[3]": "not yet",
    }
    assert "hunter" not in found.toml + str(found.remarks)


def test_less_than_was_asked_for_is_not_written(tmp_path: Path) -> None:
    general = "[general]\nserver_tls = true\nverify_server_certificate = true\n"
    found = imported(tmp_path, "pgcat", PGCAT.replace("[general]\n", general))
    with pytest.raises(ConfigError, match='"verify-full" needs an authority'):
        usable(found, tmp_path)
    assert told(found)["pgcat.toml general.verify_server_certificate"] == "to do"


def test_its_name_tells_whose_a_file_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for kind, text in (("pgcat", PGCAT), ("pgdog", PGDOG)):
        imported(tmp_path, kind, text)
        assert main(["import", str(tmp_path / f"{kind}.toml")]) == 0
        assert f"# From {kind}.toml" in capsys.readouterr().out
    assert main(["import", "--from", "pgcat", str(tmp_path / "pgdog.toml")]) == 0
    assert "unknown: databases" in capsys.readouterr().err


# --- properties ----------------------------------------------------------------------------------

VALUES: st.SearchStrategy[Any] = st.one_of(
    st.integers(-5, 10**13), st.booleans(), st.text("abc: .*/", max_size=6),
    st.sampled_from(["session", "transaction", "127.0.0.1", "trust", "md5", "verify_full", "prefer"]),
)  # fmt: skip
GENERAL = st.dictionaries(
    st.sampled_from(
        ["host", "port", "pool_mode", "pooler_mode", "connect_timeout", "idle_timeout", "default_pool_size", "min_pool_size",
         "auth_type", "server_lifetime", "checkout_timeout", "auth_query", "auth_query_user", "auth_query_password",
         "shutdown_timeout", "tcp_keepalives_idle", "tcp_user_timeout", "client_login_timeout", "autoreload", "server_tls", "other"]
    ), VALUES, max_size=5,
)  # fmt: skip
LEVEL = st.dictionaries(
    st.sampled_from(
        ["pool_size", "min_pool_size", "pool_mode", "pooler_mode", "server_lifetime", "lock_timeout"]
    ),
    VALUES,
    max_size=4,
)
NAMES = st.sampled_from(["a", "b", "articdbm", "", "x" * 64, "ü"])


def lines(values: dict[str, Any]) -> str:
    return toml({}, {"log": values}, "").split("[log]\n")[-1] if values else ""


@given(
    GENERAL,
    st.lists(st.tuples(NAMES, LEVEL, st.integers(0, 1)), max_size=3),
    st.lists(st.tuples(NAMES, NAMES, LEVEL), max_size=3),
)
def test_whatever_pgdog_is_told_what_is_written_can_be_used(
    tmp_path_factory: pytest.TempPathFactory,
    general: dict[str, Any],
    databases: list[tuple[str, dict[str, Any], int]],
    logins: list[tuple[str, str, dict[str, Any]]],
) -> None:
    folder = tmp_path_factory.mktemp("pgdog")
    text = f"[general]\n{lines(general)}\n"
    for name, level, shard in databases:
        text += f'[[databases]]\nname = "{name}"\nhost = "db"\nshard = {shard}\n{lines(level)}\n'
    users = ""
    for name, database, level in logins:
        users += (
            f'[[users]]\nname = "{name}"\ndatabase = "{database}"\npassword = "hunter2"\n{lines(level)}\n'
        )
    found = imported(folder, "pgdog", text, users)
    usable(found, folder)
    assert "hunter2" not in found.toml + str(found.remarks)


@given(
    GENERAL,
    st.dictionaries(
        NAMES.filter(bool), st.tuples(LEVEL, st.lists(st.tuples(NAMES, LEVEL), max_size=2)), max_size=3
    ),
)
def test_whatever_pgcat_is_told_what_is_written_can_be_used(
    tmp_path_factory: pytest.TempPathFactory,
    general: dict[str, Any],
    pools: dict[str, tuple[dict[str, Any], list[tuple[str, dict[str, Any]]]]],
) -> None:
    folder = tmp_path_factory.mktemp("pgcat")
    text = f"[general]\n{lines(general)}\n"
    for name, (level, logins) in pools.items():
        text += f'[pools."{name}"]\n{lines(level)}\n[pools."{name}".shards.0]\nservers = [["db", 5432, "primary"]]\n'
        for index, (user, own) in enumerate(logins):
            text += (
                f'[pools."{name}".users.{index}]\nusername = "{user}"\npassword = "hunter2"\n{lines(own)}\n'
            )
    found = imported(folder, "pgcat", text)
    usable(found, folder)
    assert "hunter2" not in found.toml + str(found.remarks)


Tree = dict[str, Any]
TREES: st.SearchStrategy[Any] = st.recursive(
    VALUES, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(
        st.sampled_from(["general", "pools", "users", "shards", "servers", "databases", "name", "host", "a"]), inner, max_size=3)),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.parametrize("read", [pgcat.read, pgdog.read])
@given(st.dictionaries(st.sampled_from(["general", "pools", "databases", "users"]), TREES, max_size=4))
def test_any_tree_at_all_is_read_or_refused(
    read: Callable[[Path], Imported], tmp_path_factory: pytest.TempPathFactory, tree: Tree
) -> None:
    folder = tmp_path_factory.mktemp("any")
    text = toml({}, {"log": {"all": tree}}, "").split("all = ")[-1].strip()
    for name in ("any.toml", "users.toml"):
        (folder / name).write_text(
            "".join(f"{key} = {lines({'x': value})[4:]}" for key, value in tree.items()) if text else ""
        )
    try:
        found = read(folder / "any.toml")
    except ConfigError as error:
        found = Imported(toml=str(error)[:0], remarks=(), secrets={})
    tomllib.loads(found.toml)
