"""Passwords that others judge: a real OpenLDAP, and the real PAM with services of the test's own.

The users `ada` and `bob` are roles of the server; PostgreSQL knows nothing of the passwords they give here, but where a
test says so.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.conftest import StartProxy
from tests.integration.tls import identity, listener, stranger
from tests.servers import ports, slapd
from tests.servers.certificates import Authority, Identity
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy
from tests.servers.slapd import BASE, PEOPLE, Directory

__all__ = ["identity", "stranger"]

SECRETS = {"APP_PASSWORD": "app-password", "BIND_PASSWORD": "bob-password"}
LOOPBACK = 'address = "127.0.0.1:@port@"\n'
ODD = "x,y+z"


@pytest.fixture(scope="module")
def directory() -> Iterator[Directory]:
    with slapd.start() as running:
        yield running


@pytest.fixture(scope="module")
def server(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    """With roles whose password nobody knows."""
    with psycopg.connect(postgres_server.local(), autocommit=True) as line:
        for role in (*PEOPLE, slapd.TWICE):
            line.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'nobody knows'").format(sql.Identifier(role)))
    yield postgres_server
    with psycopg.connect(postgres_server.local(), autocommit=True) as line:
        for role in (*PEOPLE, slapd.TWICE):
            line.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def configuration(server: PostgresServer, door: str, users: str = "", more: str = "") -> str:
    own = 'server_user = "app"\nserver_password = "env://APP_PASSWORD"\n'
    named = "".join(f'[[users]]\nname = "{name}"\n{own}' for name in (*PEOPLE, slapd.TWICE))
    return (
        f'[[listeners]]\nprotocol = "postgres"\n{door}\n'
        f'[[clusters]]\nname = "main"\nprotocol = "postgres"\n'
        f'servers = [{{ address = "{server.host}:{server.port}" }}]\n'
        '[[databases]]\nname = "shop"\ncluster = "main"\n'
        f'[[users]]\nname = "app"\npassword = "env://APP_PASSWORD"\n{users or named}{more}'
    )


def who(proxy: Proxy, user: str, password: str) -> tuple[object, ...] | None:
    with psycopg.connect(proxy.dsn("shop", user, password), autocommit=True) as line:
        return line.execute("SELECT session_user").fetchone()


def refusal(proxy: Proxy, user: str, password: str) -> str:
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect(proxy.dsn("shop", user, password), connect_timeout=30)
    return str(caught.value).rpartition("FATAL:")[2].strip()


def wrong(user: str) -> str:
    return f'password authentication failed for user "{user}"'


# --- LDAP -------------------------------------------------------------------------------------------

SIMPLE = f'dn = "uid=$username,ou=people,{BASE}"'
SEARCH = f'base_dn = "{BASE}", bind_dn = "uid=bob,ou=people,{BASE}", bind_password = "env://BIND_PASSWORD"'
WAYS: dict[str, Callable[[Directory], str]] = {
    "simple bind, ldaps": lambda one: f'urls = ["{one.tls}"], {SIMPLE}',
    "simple bind, StartTLS": lambda one: f'urls = ["{one.plain}"], starttls = true, {SIMPLE}',
    "simple bind, loopback": lambda one: f'urls = ["{one.plain}"], {SIMPLE}',
    "search and bind": lambda one: f'urls = ["{one.tls}"], {SEARCH}',
    "a filter, and a first server that is down": lambda one: (
        f'urls = ["ldap://127.0.0.1:1", "{one.tls}"], {SEARCH}, search_filter = "(&(uid=$username)(sn=*))"'
    ),
}


def ldap(directory: Directory, way: str, more: str = "", ca: Authority | None = None) -> str:
    authority = (ca or directory.authority).certificate_file
    return f'auth = "ldap"\nldap = {{ {WAYS[way](directory)}, ca = "{authority}"{more} }}\n'


@pytest.mark.parametrize("way", WAYS)
def test_a_directory_says_who_comes_in(
    way: str, directory: Directory, server: PostgresServer, start_proxy: StartProxy
) -> None:
    proxy = start_proxy(configuration(server, LOOPBACK + ldap(directory, way)), SECRETS)
    for user, password in PEOPLE.items():
        assert who(proxy, user, password) == ("app",)
        assert refusal(proxy, user, password + "x") == wrong(user)
    for user in ("mallory", "*", "ada)(uid=*", slapd.TWICE if "search" in way else "nobody", "ada "):
        assert refusal(proxy, user, PEOPLE["ada"]) == wrong(user)
    assert not any(password in proxy.log_text() for password in PEOPLE.values())


def test_over_tls_only(
    directory: Directory, server: PostgresServer, start_proxy: StartProxy, identity: Identity
) -> None:
    """What a client sends is its password: a listener that others can reach has to have TLS."""
    door = 'address = "0.0.0.0:@port@"\n' + ldap(directory, "search and bind")
    with pytest.raises(AssertionError, match="would send passwords in clear text"):
        start_proxy(configuration(server, door), SECRETS)
    secured = listener(identity, "require", auth="ldap")
    ask = ldap(directory, "search and bind").partition("\n")[2]
    proxy = start_proxy(configuration(server, f'address = "0.0.0.0:@port@"\n{secured}\n{ask}'), SECRETS)
    with psycopg.connect(proxy.dsn("shop", "ada", PEOPLE["ada"], sslmode="require")) as line:
        assert line.execute("SELECT session_user").fetchone() == ("app",)
    assert "TLS only" in refusal_of(proxy.dsn("shop", "ada", PEOPLE["ada"], sslmode="disable"))


def refusal_of(dsn: str) -> str:
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect(dsn)
    return str(caught.value)


def test_rules_ask_different_directories_and_others_nobody(
    directory: Directory, server: PostgresServer, start_proxy: StartProxy
) -> None:
    rules = (
        f'rules = [{{ users = ["app"], auth = "scram-sha-256" }},\n'
        f'{{ users = ["bob"], auth = "ldap", ldap = {{ urls = ["{directory.plain}"], '
        f'dn = "uid=$username,ou=others,{BASE}" }} }},\n{{ auth = "ldap" }}]\n'
    )
    ask = ldap(directory, "simple bind, ldaps").partition("\n")[2]
    proxy = start_proxy(configuration(server, LOOPBACK + ask + rules), SECRETS)
    assert who(proxy, "app", "app-password") == ("app",)
    assert who(proxy, "ada", PEOPLE["ada"]) == ("app",)
    assert refusal(proxy, "bob", PEOPLE["bob"]) == wrong("bob")


def test_a_directory_nobody_should_trust_is_told_no_password(
    directory: Directory, server: PostgresServer, start_proxy: StartProxy, stranger: Authority
) -> None:
    door = LOOPBACK + ldap(directory, "simple bind, ldaps", ca=stranger)
    proxy = start_proxy(configuration(server, door), SECRETS)
    assert "cannot be asked now" in refusal(proxy, "ada", PEOPLE["ada"])
    assert "no directory answers" in proxy.log_text()


def test_what_was_given_here_opens_the_server_too(
    directory: Directory, server: PostgresServer, start_proxy: StartProxy
) -> None:
    """Without it there would be no password for the server; a changed one is used from the next log-in on."""
    users = '[[users]]\nname = "ada"\npool = { server_idle = "100ms" }\n'
    set_password(server, "ada", PEOPLE["ada"])
    without = start_proxy(
        configuration(server, LOOPBACK + ldap(directory, "search and bind"), users), SECRETS
    )
    assert "none is known" in refusal(without, "ada", PEOPLE["ada"])
    door = LOOPBACK + ldap(directory, "search and bind", ", pass_password = true")
    proxy = start_proxy(configuration(server, door, users), SECRETS)
    assert who(proxy, "ada", PEOPLE["ada"]) == ("ada",)
    try:
        directory.password("ada", "another one")
        set_password(server, "ada", "another one")
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ada'")
        assert refusal(proxy, "ada", PEOPLE["ada"]) == wrong("ada")
        assert who(proxy, "ada", "another one") == ("ada",)
    finally:
        directory.password("ada", PEOPLE["ada"])
        set_password(server, "ada", "nobody knows")
    assert "another one" not in proxy.log_text()


def set_password(server: PostgresServer, role: str, password: str) -> None:
    with psycopg.connect(server.local(), autocommit=True) as line:
        line.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), password))


def test_a_directory_that_stops_holds_up_nobody_else(server: PostgresServer, start_proxy: StartProxy) -> None:
    with slapd.start() as directory:
        rules = 'rules = [{ users = ["app"], auth = "scram-sha-256" }, { auth = "ldap" }]\n'
        ask = ldap(directory, "search and bind", ', timeout = "1500ms"').partition("\n")[2]
        proxy = start_proxy(configuration(server, LOOPBACK + ask + rules), SECRETS)
        assert who(proxy, "ada", PEOPLE["ada"]) == ("app",)
        os.kill(directory.process.pid, signal.SIGSTOP)
        try:
            # More than are asked about at a time: those who wait in the queue end in time, too.
            with ThreadPoolExecutor(20) as clients:
                said = [clients.submit(refusal, proxy, "ada", PEOPLE["ada"]) for _ in range(20)]
                assert who(proxy, "app", "app-password") == ("app",)
                assert not any(one.done() for one in said)
                assert all("cannot be asked now" in one.result(30) for one in said)
        finally:
            os.kill(directory.process.pid, signal.SIGCONT)
        # That is nobody's failed attempt, and over when the directory is back.
        assert ports.wait(lambda: comes_in(proxy), 20)


def comes_in(proxy: Proxy) -> bool:
    try:
        return who(proxy, "ada", PEOPLE["ada"]) == ("app",)
    except psycopg.OperationalError:
        return False


def test_guesses_are_counted_however_many_come_at_once(
    directory: Directory, server: PostgresServer, start_proxy: StartProxy
) -> None:
    door = LOOPBACK + ldap(directory, "simple bind, ldaps")
    limits = '[limits]\nlogin_attempts = 5\nlogin_window = "1h"\n'
    proxy = start_proxy(configuration(server, door, more=limits), SECRETS)
    with ThreadPoolExecutor(40) as clients:
        said = list(clients.map(lambda n: refusal(proxy, "ada", f"guess {n}"), range(40)))
    judged = said.count(wrong("ada"))
    # Those that were under way when the limit was reached, and no more.
    assert 5 <= judged <= 5 + 8
    assert all("too many failed log-ins" in one for one in said if one != wrong("ada"))
    assert "too many failed log-ins" in refusal(proxy, "ada", PEOPLE["ada"])


# --- PAM --------------------------------------------------------------------------------------------


@pytest.fixture
def services(tmp_path: Path) -> Path:
    """A folder of PAM services: a password file (pam_userdb), a program (pam_exec), one that never ends."""
    folder = tmp_path / "pam.d"
    folder.mkdir()
    accounts = tmp_path / "accounts.txt"
    accounts.write_text("".join(f"{name}\n{password}\n" for name, password in PAM.items()))
    load = next(path for path in ("/usr/bin/db5.3_load", "/usr/bin/db_load") if Path(path).exists())
    subprocess.run([load, "-T", "-t", "hash", "-f", accounts, tmp_path / "accounts.db"], check=True)
    locked = tmp_path / "locked"
    locked.write_text("locked\n")
    program = tmp_path / "program"
    program.write_text(
        f"#!/bin/sh\nenv >{tmp_path}/environment\nread -r given\n"
        '[ "$PAM_USER" = ada ] && [ "$given" = "from the program" ] && [ "$PAM_RHOST" = 127.0.0.1 ]\n'
    )
    program.chmod(0o755)
    sleeper = tmp_path / "sleeper"
    sleeper.write_text(f"#!/bin/sh\necho $$ >{tmp_path}/sleeping\nexec sleep 600\n")
    sleeper.chmod(0o755)
    (folder / "file").write_text(
        f"auth required pam_userdb.so db={tmp_path}/accounts crypt=none\n"
        f"account required pam_listfile.so item=user sense=deny file={locked} onerr=fail\n"
    )
    for name, run in (("program", program), ("sleeper", sleeper)):
        (folder / name).write_text(
            f"auth required pam_exec.so expose_authtok quiet {run}\naccount required pam_permit.so\n"
        )
    (folder / "broken").write_text("auth required pam_no_such_module.so\n")
    return folder


PAM = {"ada": "from the file", "locked": "also right"}


def pam(services: Path, service: str, more: str = "") -> str:
    return f'auth = "pam"\npam = {{ service = "{service}", directory = "{services}"{more} }}\n'


PAM_USERS = "".join(
    f'[[users]]\nname = "{name}"\nserver_user = "app"\nserver_password = "env://APP_PASSWORD"\n'
    for name in PAM
)


def test_pam_says_who_comes_in(services: Path, server: PostgresServer, start_proxy: StartProxy) -> None:
    proxy = start_proxy(configuration(server, LOOPBACK + pam(services, "file"), PAM_USERS), SECRETS)
    assert who(proxy, "ada", PAM["ada"]) == ("app",)
    assert refusal(proxy, "ada", "wrong") == wrong("ada")
    assert refusal(proxy, "mallory", PAM["ada"]) == wrong("mallory")
    # The password is right and the account is not: nobody is told which.
    assert refusal(proxy, "locked", PAM["locked"]) == wrong("locked")
    assert PAM["ada"] not in proxy.log_text()


def test_pam_runs_with_nothing_of_the_proxys_own(
    services: Path, server: PostgresServer, start_proxy: StartProxy, tmp_path: Path
) -> None:
    proxy = start_proxy(configuration(server, LOOPBACK + pam(services, "program"), PAM_USERS), SECRETS)
    assert who(proxy, "ada", "from the program") == ("app",)
    assert refusal(proxy, "ada", "wrong") == wrong("ada")
    seen = (tmp_path / "environment").read_text()
    assert "PAM_SERVICE=program" in seen
    assert "APP_PASSWORD" not in seen


def test_pam_that_never_ends_is_ended(
    services: Path, server: PostgresServer, start_proxy: StartProxy, tmp_path: Path
) -> None:
    rules = 'rules = [{ users = ["app"], auth = "scram-sha-256" }, { auth = "pam" }]\n'
    ask = pam(services, "sleeper", ', timeout = "1s"').partition("\n")[2]
    proxy = start_proxy(configuration(server, LOOPBACK + ask + rules, PAM_USERS), SECRETS)
    said: list[str] = []
    late = threading.Thread(target=lambda: said.append(refusal(proxy, "ada", PAM["ada"])))
    late.start()
    assert ports.wait((tmp_path / "sleeping").exists, 20)
    assert who(proxy, "app", "app-password") == ("app",)
    late.join(30)
    assert "cannot be asked now" in said[0]
    assert "pam gave no answer" in proxy.log_text()
    sleeping = int((tmp_path / "sleeping").read_text())
    assert ports.wait(lambda: not runs(sleeping), 10)


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("service", ["broken", "missing"])
def test_a_service_that_cannot_work_lets_nobody_in(
    service: str, services: Path, server: PostgresServer, start_proxy: StartProxy
) -> None:
    proxy = start_proxy(configuration(server, LOOPBACK + pam(services, service), PAM_USERS), SECRETS)
    said = refusal(proxy, "ada", PAM["ada"])
    assert "cannot be asked now" in said or said == wrong("ada")
