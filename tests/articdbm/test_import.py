"""`articdbm import`: what it makes of PgBouncer's files can be used, says what was meant, and tells what was not."""

import json
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from articdbm.importing import hba, pgbouncer, userlist
from articdbm.importing import pgbouncer_settings as known
from articdbm.importing.ini import Entry, entries, pairs
from articdbm.importing.remark import Imported
from articdbm.main import main
from config.errors import ConfigError
from config.loader import load

VERIFIER = "SCRAM-SHA-256$4096:c2FsdA==$" + "A" * 43 + "=:" + "B" * 43 + "="
MD5 = "md5" + "0" * 32
INI = """\
; a comment
[databases]
shop = host=db.internal port=5433 dbname=shop_2 pool_size=7 pool_mode=transaction
stock = host=db.internal port=5433 connect_query='SELECT ''hunter2'''
"odd ""name" = host=::1

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = 6543
auth_type = scram-sha-256
auth_file = userlist.txt
admin_users = app
pool_mode = statement
default_pool_size = 11
min_pool_size = 9
query_wait_timeout = 0.5
server_idle_timeout = 90
max_client_conn = 333

[users]
app = pool_mode=session max_user_connections=3
"""
USERLIST = f'"app" "hunter2"\n"told" "{VERIFIER}" ignored\n; "nobody" "x"\n"old" "{MD5}"\n"nothing" ""\n'

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(ini: str = INI, users: str = USERLIST, **others: str) -> Path:
        for name, text in {"pgbouncer.ini": ini, "userlist.txt": users, **others}.items():
            (tmp_path / name).write_text(text)
        return tmp_path / "pgbouncer.ini"

    return written


def tree(imported: Imported) -> dict[str, Any]:
    return tomllib.loads(imported.toml)


def told(imported: Imported) -> dict[str, str]:
    return {remark.setting: remark.state for remark in imported.remarks}


def usable(imported: Imported, folder: Path) -> None:
    """`articdbm check` finds no error in it, once each environment variable it names holds something."""
    file = folder / "imported.toml"
    file.write_text(imported.toml)
    named = [
        str(user[what]).removeprefix("env://")
        for user in tree(imported).get("users", ())
        for what in ("password", "server_password")
        if str(user.get(what, "")).startswith("env://")
    ]
    load(file, dict.fromkeys(named, "something"))


def test_what_is_written(write: Write, tmp_path: Path) -> None:
    imported = pgbouncer.read(write())
    pool = {"mode": "statement", "size": 11, "wait": "500ms", "server_idle": "90s", "min_size": 9}
    cluster = {"protocol": "postgres", "connect_timeout": "15s", "login_retry": "15s", "pool": pool}
    found = tree(imported)
    assert found == {
        "listeners": [{"protocol": "postgres", "address": "127.0.0.1:6543", "auth": "scram-sha-256"}],
        "clusters": [
            {"name": "cluster1", "servers": [{"address": "db.internal:5433"}], **cluster},
            {"name": "cluster2", "servers": [{"address": "[::1]:5432"}], **cluster},
        ],
        "databases": [
            {
                "name": "shop",
                "cluster": "cluster1",
                "dbname": "shop_2",
                "pool": {"mode": "transaction", "size": 7, "min_size": 7},
            },
            {"name": "stock", "cluster": "cluster1"},
            {"name": 'odd "name', "cluster": "cluster2"},
        ],
        "users": [
            {"name": "app", "password": "env://APP_PASSWORD", "pool": {"mode": "session"}},
            {
                "name": "told",
                "password": "env://TOLD_PASSWORD",
                "server_password": "env://TOLD_SERVER_PASSWORD",
            },
            {"name": "old", "password": "env://OLD_PASSWORD"},
            {"name": "nothing"},
        ],
        "admin": {"users": ["app"]},
        "limits": {"max_clients": 333},
    }
    usable(imported, tmp_path)
    assert told(imported) == {
        "[databases] stock: connect_query": "not yet",
        "min_pool_size": "differs",
        "[users] app: max_user_connections": "not yet",
        "app: password": "to do",
        "told: password": "to do",
        "told: server_password": "to do",
        "old: password": "to do",
    }


@pytest.mark.parametrize(
    ("setting", "remark", "state"),
    [
        ("auth_query = SELECT 1", "[pgbouncer] auth_query", "not yet"),
        ("server_round_robin = 1", "[pgbouncer] server_round_robin", "no equivalent"),
        (
            "ignore_startup_parameters = extra_float_digits",
            "[pgbouncer] ignore_startup_parameters",
            "not needed",
        ),
        ("no_such_thing = 1", "[pgbouncer] no_such_thing", "unknown"),
        ("server_lifetime = 0", "[pgbouncer] server_lifetime", "differs"),
        ("default_pool_size = many", "[pgbouncer] default_pool_size", "unknown"),
        ("listen_addr = *", "[pgbouncer] listen_addr", "differs"),
        ("listen_addr = *, 127.0.0.1", "[pgbouncer] listen_addr", "differs"),
        ("listen_addr =", "[pgbouncer] listen_addr", "differs"),
        ("auth_type = pam", "[pgbouncer] auth_type", "differs"),
        ("auth_type = md5", "[pgbouncer] auth_type", "differs"),
        ("admin_users = stranger", "[pgbouncer] admin_users", "no equivalent"),
        ("max_prepared_statements = 0", "[pgbouncer] max_prepared_statements", "differs"),
        ("[databases]\n* = host=127.0.0.1", "[databases] *", "not yet"),
        ("[databases]\npgbouncer = host=127.0.0.1", "[databases] pgbouncer", "no equivalent"),
        ("[databases]\nx = host=/tmp", "[databases] x: host", "differs"),
        ("[databases]\nx = host=127.0.0.1,127.0.0.2", "[databases] x: host", "differs"),
        ("[databases]\nx = host=127.0.0.1 timezone=UTC", "[databases] x: timezone", "no equivalent"),
        ("[databases]\nx = host=127.0.0.1 user=joe", "[databases] x: user", "not yet"),
        ("[databases]\nx = host=127.0.0.1 port=99999", "[databases] x: host, port", "unknown"),
        ("[users]\nstranger = pool_mode=session", "[users] stranger", "not yet"),
        ("[elsewhere]\na = b", "[elsewhere] a", "unknown"),
    ],
)
def test_what_is_told(write: Write, tmp_path: Path, setting: str, remark: str, state: str) -> None:
    if not setting.startswith("["):
        setting = f"[pgbouncer]\n{setting}"
    imported = pgbouncer.read(write(f"{INI}\n{setting}\n"))
    assert told(imported)[remark] == state
    usable(imported, tmp_path)


def test_every_setting_that_is_known_is_told_once_in_one_way() -> None:
    taken = [known.POOL, known.CLUSTER, known.LIMITS, known.PREPARED]
    assert sum(map(len, taken)) == len(set().union(*taken))
    assert not set().union(*taken) & set(known.OTHERS)
    assert not set(known.LEVEL) & set(known.DATABASE_OTHERS)


def test_a_place_is_listened_at_once(write: Write, tmp_path: Path) -> None:
    imported = pgbouncer.read(write(f"{INI}\n[pgbouncer]\nlisten_addr = localhost, 127.0.0.1, ::1\n"))
    assert [one["address"] for one in tree(imported)["listeners"]] == ["localhost:6543", "[::1]:6543"]
    usable(imported, tmp_path)


def test_a_bound_on_a_database_is_its_clusters(write: Write) -> None:
    ini = "[databases]\na = host=h\nb = host=h max_db_connections=5\nc = host=h\n"
    found = tree(pgbouncer.read(write(ini)))
    assert [database["cluster"] for database in found["databases"]] == ["cluster1", "cluster2", "cluster1"]
    assert [cluster.get("max_connections") for cluster in found["clusters"]] == [None, 5]


def test_one_server_user_for_all_databases(write: Write, tmp_path: Path) -> None:
    imported = pgbouncer.read(
        write("[databases]\na = host=h user=joe password=hunter3\n[pgbouncer]\nauth_file = userlist.txt\n"),
    )
    assert {(user["server_user"], user["server_password"]) for user in tree(imported)["users"]} == {
        ("joe", "env://JOE_SERVER_PASSWORD")
    }
    usable(imported, tmp_path)


@pytest.mark.parametrize(
    ("user", "reference", "known"),
    [
        ("app", "env://APP_SERVER_PASSWORD", {"app_server_password": "hunter2"}),
        ("told", "env://TOLD_SERVER_PASSWORD", {}),
        ("nothing", None, {}),
        ("stranger", None, {}),
    ],
)
def test_a_server_user_without_a_password_has_that_of_the_userlist(
    write: Write, tmp_path: Path, user: str, reference: str | None, known: dict[str, str]
) -> None:
    file = write(f"[databases]\na = host=h user={user}\n[pgbouncer]\nauth_file = userlist.txt\n")
    imported = pgbouncer.read(file)
    old = next(one for one in tree(imported)["users"] if one["name"] == "old")
    assert (old["server_user"], old.get("server_password")) == (user, reference)
    usable(imported, tmp_path)
    files = pgbouncer.read(file, tmp_path / "secrets").secrets
    assert {name: secret for name, secret in files.items() if name.endswith("server_password")} == known


def test_hba_rules_narrow_users_to_their_databases(write: Write, tmp_path: Path) -> None:
    ini = (
        "[databases]\na = host=h\nb = host=h\n"
        "[pgbouncer]\nauth_type = hba\nauth_file = userlist.txt\nauth_hba_file = hba.conf\n"
    )
    rules = (
        "host a app 10.0.0.0 255.0.0.0 md5\nhost all told all reject\nhost all told,old all scram-sha-256\n"
        "host replication app all md5\n"
    )
    imported = pgbouncer.read(write(ini, **{"hba.conf": f"# who\n{rules}"}))
    assert {user["name"]: user.get("databases") for user in tree(imported)["users"]} == {
        "app": ["a"], "told": [], "old": None, "nothing": [],
    }  # fmt: skip
    assert told(imported)["host a app 10.0.0.0/255.0.0.0 md5"] == "not yet"
    assert told(imported)["host replication app all md5"] == "to do"
    usable(imported, tmp_path)


@pytest.mark.parametrize(
    ("ini", "line", "what"),
    [
        ("[databases]\nnonsense\n", 2, "neither a section nor a setting"),
        ("[databases\n", 1, "this section has no end"),
        ("[databases]\na = host='x\n", 2, "a: the quotes of host do not end"),
        ("[databases]\na = hunter2\n", 2, "a: this is no connection string"),
        ("%include pgbouncer.ini\n", 1, "files include each other without end"),
        ("%include elsewhere.ini\n", 0, "cannot read it: No such file"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(write: Write, ini: str, line: int, what: str) -> None:
    with pytest.raises(ConfigError) as raised:
        pgbouncer.read(write(ini))
    (problem,) = raised.value.problems
    assert problem.line == line
    assert what in problem.what
    assert "hunter2" not in str(problem)


def test_the_command(write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, output, secrets = write(), tmp_path / "articdbm.toml", tmp_path / "secrets"
    command = ["import", str(file), "-o", str(output), "--secrets", str(secrets)]
    assert main(command) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert f"{file}:4: not yet: [databases] stock: connect_query: " in said.err
    assert "hunter2" not in said.err + output.read_text()
    assert {one.name: one.read_text() for one in secrets.iterdir()} == {
        "app_password": "hunter2\n", "told_password": f"{VERIFIER}\n",
    }  # fmt: skip
    assert {stat.S_IMODE(one.stat().st_mode) for one in secrets.iterdir()} == {0o600}
    assert main(["check", str(output)]) == 1  # two passwords are nowhere to be had
    checked = capsys.readouterr().out
    assert "TOLD_SERVER_PASSWORD is not set" in checked
    assert "OLD_PASSWORD is not set" in checked
    assert checked.count("error") == 2
    before = output.read_text()
    assert main(command) == 1  # nothing is overwritten
    assert "nothing is overwritten" in capsys.readouterr().err
    assert output.read_text() == before


def test_for_programs_and_for_pipes(write: Write) -> None:
    file = write()
    for more in ((), ("--json",)):
        done = subprocess.run(
            [sys.executable, "-m", "articdbm", "import", *more, file],
            capture_output=True,
            text=True,
            check=True,
        )
        assert "hunter2" not in done.stdout + done.stderr
        if more:
            said = json.loads(done.stdout)
            assert "not yet" in {remark["state"] for remark in said["remarks"]}
            tomllib.loads(said["configuration"])
            assert done.stderr == ""
        else:
            tomllib.loads(done.stdout)
            assert done.stderr.count("\n") == 7


# --- properties ----------------------------------------------------------------------------------

LINE = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)
WORD = st.text("abcdefghijklmnopqrstuvwxyz_0123456789", min_size=1, max_size=8)


@given(st.dictionaries(WORD, LINE, max_size=5))
def test_connection_strings_are_read_as_they_were_written(written: dict[str, str]) -> None:
    text = " ".join(f"{key} = '" + value.replace("'", "''") + "'" for key, value in written.items())
    assert pairs(Entry(Path("x"), 1, "databases", "x", text)) == written


@given(st.dictionaries(LINE.filter(bool), LINE, max_size=5))
def test_userlists_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, written: dict[str, str]
) -> None:
    file = tmp_path_factory.mktemp("userlist") / "userlist.txt"
    quoted = ((part.replace('"', '""') for part in pair) for pair in written.items())
    file.write_text("".join(f'  "{name}"\t"{secret}" more\n' for name, secret in quoted))
    assert {account.name: account.secret for account in userlist.accounts(file)} == written


NUMBERS = st.sampled_from(["0", "1", "2.5", "7", "50", "100000", "9999999999", "-1", "x", ""])
HOSTS = st.sampled_from(
    ["127.0.0.1", "::1", "h", "*", "", "localhost", "/tmp", "a b", "h,127.0.0.1", "*,127.0.0.1"]
)
SETTINGS = st.one_of(
    st.tuples(
        st.sampled_from([*known.POOL, *known.CLUSTER, *known.LIMITS, *known.PREPARED, "max_db_connections"]),
        NUMBERS,
    ),
    st.tuples(st.sampled_from(sorted(known.OTHERS)), LINE),
    st.tuples(st.just("pool_mode"), st.sampled_from(["session", "transaction", "statement", "none"])),
    st.tuples(
        st.just("auth_type"),
        st.sampled_from(["md5", "scram-sha-256", "plain", "trust", "any", "cert", "pam"]),
    ),
    st.tuples(st.just("listen_addr"), HOSTS),
    st.tuples(st.just("admin_users"), st.sampled_from(["app", "app, app", "old,x", ","])),
)
LEVELS = st.dictionaries(
    st.sampled_from([*known.LEVEL, *known.DATABASE_OTHERS, "max_db_connections"]),
    NUMBERS.filter(bool),
    max_size=3,
)
DATABASES = st.dictionaries(
    st.sampled_from(["shop", "*", "articdbm", "a.b", "ünï", "x" * 70]),
    st.tuples(
        HOSTS.filter(lambda host: " " not in host),
        st.sampled_from(["", " user=joe", " user=jim password=p"]),
        LEVELS,
    ),
    max_size=3,
)


@given(st.lists(SETTINGS, max_size=8), DATABASES, LEVELS)
def test_whatever_is_asked_for_what_is_written_can_be_used(
    tmp_path_factory: pytest.TempPathFactory,
    settings: list[tuple[str, str]],
    databases: dict[str, tuple[str, str, dict[str, str]]],
    user: dict[str, str],
) -> None:
    def level(values: dict[str, str]) -> str:
        return "".join(f" {name}={value}" for name, value in values.items())

    folder = tmp_path_factory.mktemp("import")
    (folder / "userlist.txt").write_text(USERLIST)
    lines = [
        "[pgbouncer]",
        *(f"{name} = {value}" for name, value in settings),
        "auth_file = userlist.txt",
        "[databases]",
    ]
    lines += [f'"{name}" = host={host}{who}{level(own)}' for name, (host, who, own) in databases.items()]
    lines += ["[users]", f"app ={level(user)}"]
    (folder / "pgbouncer.ini").write_text("\n".join(lines))
    imported = pgbouncer.read(folder / "pgbouncer.ini")
    usable(imported, folder)
    assert "hunter2" not in imported.toml + str(imported.remarks)


@given(st.text(st.sampled_from("[]databsepgounr=\"'; %#\n\t*,.1/ü"), max_size=80))
def test_any_text_at_all_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.mktemp("any") / "pgbouncer.ini"
    file.write_text(text)
    try:
        found = list(entries(file))
    except ConfigError:
        return
    assert all(entry.key and 0 < entry.line <= text.count("\n") + 1 for entry in found)


@given(st.text(st.sampled_from('hostlca md5/,"#0.: \n'), max_size=60))
def test_any_hba_file_at_all_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.mktemp("any") / "hba.conf"
    file.write_text(text)
    try:
        found = tuple(hba.rules(file))
    except ConfigError:
        return
    assert all(rule.method for rule in found)
