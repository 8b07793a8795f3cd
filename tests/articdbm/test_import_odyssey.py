"""`articdbm import` of Odyssey's file: usable, equivalent where it can be, and told where it cannot."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from articdbm.importing import odyssey
from articdbm.importing.remark import Imported
from articdbm.main import main
from config.errors import ConfigError
from config.loader import load

VERIFIER = "SCRAM-SHA-256$4096:c2FsdA==$" + "A" * 43 + "=:" + "B" * 43 + "="
CONF = f"""\
# as delivered
daemonize no
workers 4
keepalive 15
keepalive_probes 5
client_max 500
log_format "%p %t %l [%i %s] (%c) %m\\n" # with {{ "{{" }} in it

listen {{
    host "127.0.0.1"
    port 6543
    tls "disable"
}}
storage "main" {{
    type "remote"
    host "[db1]:5433,db2"
    port 5432
}}
storage "console" {{ type "local"
}}
database "shop" {{
    user "app" {{
        authentication "scram-sha-256"
        password "hunter2"
        storage "main"
        pool "transaction"
        pool_size 7
        pool_timeout 1500
        pool_ttl 60
        pool_discard yes
    }}
    user "told" {{
        authentication "scram-sha-256"
        password "{VERIFIER}"
        storage "main"
        pool "session"
        pool_size 0
    }}
    user "out" {{ authentication "block" }}
    user default {{
        authentication "none"
        storage "main"
    }}
}}
database "renamed" {{
    user "joes" {{
        authentication "md5"
        password "md500000000000000000000000000000000"
        storage "main"
        storage_db "real"
        storage_user "joe"
        storage_password "hunter3"
        pool "statement"
        no_such_thing 1
    }}
    user "elsewhere" {{
        authentication "scram-sha-256"
        storage "main"
        storage_db "other"
        pool "session"
    }}
}}
database default {{
    user default {{ authentication "none"
    }}
}}
database "console" {{
    user "admin" {{
        authentication "none"
        storage "console"
        pool "session"
    }}
}}
"""


def imported(folder: Path, conf: str) -> Imported:
    (folder / "odyssey.conf").write_text(conf)
    return odyssey.read(folder / "odyssey.conf")


def usable(found: Imported, folder: Path) -> dict[str, Any]:
    """What is written, after `articdbm check` found no error in it."""
    tree = tomllib.loads(found.toml)
    (folder / "imported.toml").write_text(found.toml)
    secrets = [
        user[what]
        for user in tree.get("users", ())
        for what in ("password", "server_password")
        if what in user
    ]
    load(folder / "imported.toml", {secret.removeprefix("env://"): "something" for secret in secrets})
    return tree


def test_what_is_written_and_what_is_told(tmp_path: Path) -> None:
    found = imported(tmp_path, CONF)
    assert usable(found, tmp_path) == {
        "listeners": [{"protocol": "postgres", "address": "127.0.0.1:6543", "auth": "scram-sha-256"}],
        "clusters": [
            {
                "name": "main",
                "protocol": "postgres",
                "servers": [{"address": "db1:5433"}, {"address": "db2:5432"}],
                "tls": {"mode": "disable"},
            }
        ],
        "databases": [
            {"name": "shop", "cluster": "main"},
            {"name": "renamed", "cluster": "main", "dbname": "real"},
        ],
        "users": [
            {
                "name": "app",
                "password": "env://APP_PASSWORD",
                "databases": ["shop"],
                "pool": {"mode": "transaction", "size": 7, "wait": "1500ms", "server_idle": "1m"},
            },
            {
                "name": "told",
                "password": "env://TOLD_PASSWORD",
                "databases": ["shop"],
                "pool": {"mode": "session"},
            },
            {
                "name": "joes",
                "password": "env://JOES_PASSWORD",
                "server_password": "env://JOES_SERVER_PASSWORD",
                "databases": ["renamed"],
                "server_user": "joe",
                "pool": {"mode": "statement"},
            },
        ],
        "limits": {"max_clients": 500, "login_attempts": 30},
        "tcp": {"keepalive_idle": "15s", "keepalive_count": 5},
    }
    assert {remark.setting: remark.state for remark in found.remarks} == {
        "limits.login_attempts": "differs",
        "daemonize": "no equivalent",
        "workers": "not needed",
        "log_format": "no equivalent",
        "storage.main": "differs",
        "database": "differs",
        "database.shop.user.app.password": "to do",
        "database.shop.user.app.pool_discard": "not needed",
        "database.shop.user.told.password": "to do",
        "database.shop.user.told.server_password": "differs",
        "database.shop.user.told.pool_size": "differs",
        "database.shop.user.out": "not needed",
        "database.shop.user.default": "to do",
        "database.renamed.user.joes.password": "to do",
        "database.renamed.user.joes.server_password": "to do",
        "database.renamed.user.joes.no_such_thing": "unknown",
        "database.renamed.user.elsewhere": "not yet",
        "database.default": "to do",
        "database.console.user.admin": "to do",
    }
    lines = {remark.setting: remark.line for remark in found.remarks}
    assert (
        CONF.splitlines()[lines["database.renamed.user.joes.no_such_thing"] - 1].strip() == "no_such_thing 1"
    )
    assert "hunter" not in found.toml + str(found.remarks)


@pytest.mark.parametrize(("host", "auth"), [("127.0.0.1", "trust"), ("*", "scram-sha-256")])
def test_trust_ends_at_the_machine(tmp_path: Path, host: str, auth: str) -> None:
    conf = (
        f'listen {{\n host "{host}"\n}}\nstorage "s" {{\n host "db"\n}}\n'
        'database "d" {\n user "u" {\n authentication "none"\n storage "s"\n pool "session"\n }\n}\n'
    )
    assert usable(imported(tmp_path, conf), tmp_path)["listeners"][0]["auth"] == auth


def test_what_is_included_stands_where_it_is_included(tmp_path: Path) -> None:
    (tmp_path / "more.conf").write_text("\n\nno_such_thing 1\nclient_max 7\n")
    found = imported(tmp_path, '\ninclude "more.conf"\n')
    assert tomllib.loads(found.toml)["limits"] == {"max_clients": 7, "login_attempts": 30}
    assert [remark.line for remark in found.remarks if remark.setting == "no_such_thing"] == [2]


@pytest.mark.parametrize(
    ("conf", "line", "what"),
    [
        ('database "a" {\n', 1, "this block does not end"),
        ("}\n", 1, "a } has no {"),
        ('a b\n\npassword "hunter2\n', 3, "a quote does not end"),
        ("{\n}\n", 1, "this block has no name"),
        ("listen 5\nlisten {\n}\n", 2, "listen is a block here and a value elsewhere"),
        ('include "odyssey.conf"\n', 1, "files include each other without end"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(
    tmp_path: Path, conf: str, line: int, what: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        imported(tmp_path, conf)
    (problem,) = raised.value.problems
    assert problem.line == line
    assert what in problem.what
    assert "hunter2" not in str(problem)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    imported(tmp_path, CONF)
    assert main(["import", str(tmp_path / "odyssey.conf")]) == 0
    assert "# From odyssey.conf" in capsys.readouterr().out


WORDS = st.sampled_from(
    ["listen", "storage", "database", "user", "default", '"a"', '"b"', "host", "port", "pool", "pool_size", "5", "0",
     "-1", "yes", '"session"', '"verify_full"', '"127.0.0.1"', '"*"', "password", "min_pool_size", "pool_ttl", "client_max",
     "{", "}", "\n", "\n", "\n"]
)  # fmt: skip


@given(st.lists(WORDS, max_size=40))
def test_any_text_at_all_is_usable_or_refused(
    tmp_path_factory: pytest.TempPathFactory, words: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    try:
        found = imported(folder, " ".join(words))
    except ConfigError:
        return
    usable(found, folder)


LEVEL = st.dictionaries(
    st.sampled_from(["pool_size", "min_pool_size", "pool_ttl", "pool_timeout", "server_lifetime", "pool", "password"]),
    st.sampled_from(["0", "1", "50", "-3", "99999999999", '"session"', '"x"', "yes"]), max_size=4,
)  # fmt: skip
RULES = st.dictionaries(st.sampled_from(['"u"', '"v"', "default"]), LEVEL, max_size=3)


@given(st.dictionaries(st.sampled_from(['"d"', '"e"', "default"]), RULES, max_size=3))
def test_whatever_rules_there_are_what_is_written_can_be_used(
    tmp_path_factory: pytest.TempPathFactory, rules: dict[str, dict[str, dict[str, str]]]
) -> None:
    folder = tmp_path_factory.mktemp("rules")
    conf = 'listen {\n host "127.0.0.1"\n}\nstorage "s" {\n host "db"\n}\n'
    for database, logins in rules.items():
        conf += f"database {database} {{\n"
        for user, level in logins.items():
            own = "".join(f"  {name} {value}\n" for name, value in level.items())
            conf += f' user {user} {{\n  authentication "md5"\n  storage "s"\n{own} }}\n'
        conf += "}\n"
    usable(imported(folder, conf), folder)
