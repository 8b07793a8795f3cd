"""Who gets in, by which name, and as whom at the server: wildcards, aliases, look-ups, keys passed on, limits.

Every user here has the password `PASSWORD` at the server, and none in the proxy's file.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator

import asyncpg  # type: ignore[import-untyped]
import psycopg
import pytest
from psycopg import sql

from protocols.postgres import messages
from tests.conftest import StartProxy
from tests.integration.wire import Line as Raw
from tests.servers import ports
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy

Line = psycopg.Connection[tuple[object, ...]]
PASSWORD = "known to the server only"
CHANGED = "changed at the server"
SECRETS = {"ADMIN_PASSWORD": "admin-password", "APP_PASSWORD": "app-password"}
LOOK_UP = (
    'auth_query = { user = "admin", password = "env://ADMIN_PASSWORD", dbname = "postgres", cache = "1h" }'
)


@pytest.fixture(params=["15", "17"])
def server(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    """A server with roles and databases that the proxy's file does not name."""
    found: PostgresServer = request.getfixturevalue(
        "postgres_server" if request.param == "15" else "postgres17_server"
    )
    with psycopg.connect(found.local(), autocommit=True) as line:
        for role in ("ada", "bob", "gone"):
            line.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), PASSWORD))
        line.execute("CREATE ROLE group_only PASSWORD 'x'")
        line.execute("ALTER ROLE gone VALID UNTIL '2001-01-01'")
        line.execute("CREATE DATABASE tenant")
    yield found
    with psycopg.connect(found.local(), autocommit=True) as line:
        line.execute("DROP DATABASE tenant WITH (FORCE)")
        for role in ("ada", "bob", "gone", "group_only"):
            line.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))
            line.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def configuration(
    server: PostgresServer,
    databases: str = '[[databases]]\nname = "*"\ncluster = "main"\n',
    users: str = '[[users]]\nname = "*"\n',
    *,
    cluster: str = LOOK_UP,
    listener: str = "",
    more: str = "",
) -> str:
    return (
        f'[[listeners]]\nprotocol = "postgres"\naddress = "127.0.0.1:@port@"\n{listener}\n'
        f'[[clusters]]\nname = "main"\nprotocol = "postgres"\n'
        f'servers = [{{ address = "{server.host}:{server.port}" }}]\n{cluster}\n{databases}{users}{more}'
    )


def ask(
    proxy: Proxy, statement: str, database: str, user: str, password: str = PASSWORD
) -> tuple[object, ...]:
    with psycopg.connect(proxy.dsn(database, user, password), autocommit=True) as line:
        row = line.execute(statement.encode()).fetchone()
        assert row is not None
        return row


def refusal(proxy: Proxy, database: str, user: str, password: str = PASSWORD) -> str:
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect(proxy.dsn(database, user, password), connect_timeout=20)
    return str(caught.value).rpartition("FATAL:")[2].strip()


# --- look-ups, wildcards and keys -----------------------------------------------------------------


def test_any_user_of_the_server_on_any_database_without_a_stored_password(
    server: PostgresServer, start_proxy: StartProxy
) -> None:
    """The verifier is the server's, the keys that log in there are the client's own proof."""
    proxy = start_proxy(configuration(server), SECRETS)
    for user in ("ada", "bob"):
        for database in ("shop", "tenant"):
            assert ask(proxy, "SELECT session_user, current_database()", database, user) == (user, database)
    assert PASSWORD not in proxy.log_text()


def test_a_verifier_in_the_file_serves_a_listener_that_asks_for_md5(
    postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    """As PostgreSQL does: its client is asked for SCRAM."""
    ((verifier,),) = postgres_server.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'app'")
    users = '[[users]]\nname = "app"\npassword = "env://VERIFIER"\n'
    config = configuration(postgres_server, users=users, cluster="", listener='auth = "md5"')
    proxy = start_proxy(config, {"VERIFIER": str(verifier)})
    assert ask(proxy, "SELECT session_user", "shop", "app", SECRETS["APP_PASSWORD"]) == ("app",)
    assert refusal(proxy, "shop", "app", "wrong") == 'password authentication failed for user "app"'
    assert "doubtful" not in proxy.log_text()


def test_asyncpg_logs_in_too(server: PostgresServer, start_proxy: StartProxy) -> None:
    proxy = start_proxy(configuration(server), SECRETS)

    async def sum_up() -> object:
        line = await asyncpg.connect(
            host=proxy.host, port=proxy.port, user="ada", password=PASSWORD, database="tenant"
        )
        try:
            return await line.fetchval("SELECT $1::int + 1", 41)
        finally:
            await line.close()

    assert asyncio.run(sum_up()) == 42


@pytest.mark.parametrize("user", ["ada", "nobody at all", "group_only", "gone"])
def test_who_cannot_log_in_hears_the_same_as_one_with_a_wrong_password(
    server: PostgresServer, start_proxy: StartProxy, user: str
) -> None:
    proxy = start_proxy(configuration(server), SECRETS)
    password = "wrong" if user == "ada" else PASSWORD
    for _ in range(2):
        assert refusal(proxy, "shop", user, password) == f'password authentication failed for user "{user}"'


@pytest.mark.parametrize("auth", ["scram-sha-256", "md5"])
def test_the_first_answer_is_of_the_same_kind_for_those_who_are_there_and_those_who_are_not(
    postgres_server: PostgresServer, start_proxy: StartProxy, auth: str
) -> None:
    proxy = start_proxy(configuration(postgres_server, listener=f'auth = "{auth}"'), SECRETS)
    asked = set()
    for user in ("app", "other", "nobody", "somebody"):
        with Raw(proxy.host, proxy.port) as line:
            line.send(messages.startup({"user": user, "database": "shop"}))
            asked.add(line.receive())
    assert [messages.parse_authentication(one.body)[0] for one in asked] == [10]


def test_a_name_is_a_parameter_and_never_sql(server: PostgresServer, start_proxy: StartProxy) -> None:
    proxy = start_proxy(configuration(server), SECRETS)
    for user in ("ada' OR '1'='1", "'; DROP ROLE bob; --", '"ada"', "$1"):
        assert "password authentication failed" in refusal(proxy, "shop", user)
    assert ask(proxy, "SELECT session_user", "shop", "bob") == ("bob",)


def test_a_changed_password_holds_after_one_failure(server: PostgresServer, start_proxy: StartProxy) -> None:
    proxy = start_proxy(configuration(server, cluster=LOOK_UP.replace("1h", "1d")), SECRETS)
    assert ask(proxy, "SELECT 1", "shop", "ada") == (1,)
    server.execute(f"ALTER ROLE ada PASSWORD '{CHANGED}'")
    assert "password authentication failed" in refusal(proxy, "shop", "ada", CHANGED)
    assert ask(proxy, "SELECT session_user", "tenant", "ada", CHANGED) == ("ada",)
    assert "password authentication failed" in refusal(proxy, "shop", "ada", PASSWORD)


def test_a_look_up_that_fails_lets_nobody_in_and_tells_no_more(
    server: PostgresServer, start_proxy: StartProxy
) -> None:
    query = 'query = "SELECT rolname, rolpassword FROM no_such_table WHERE rolname = $1"'
    proxy = start_proxy(configuration(server, cluster=LOOK_UP.replace(" }", f", {query} }}")), SECRETS)
    said = {refusal(proxy, "shop", user) for user in ("ada", "nobody")}
    assert said == {"who may log in cannot be looked up at the server now; the proxy's log says why"}
    assert "no_such_table" in proxy.log_text()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 'bob', rolpassword FROM pg_authid WHERE rolname = $1",
        "SELECT $1::text, rolpassword FROM pg_authid WHERE rolname IN ('ada', 'bob')",
        "SELECT rolpassword FROM pg_authid WHERE rolname = $1",
        "SELECT $1::text, NULL",
        "SELECT $1::text, ''",
        "SELECT $1::text, 'SCRAM-SHA-256$nonsense'",
    ],
)
def test_an_answer_that_is_not_about_this_user_alone_is_none(
    postgres_server: PostgresServer, start_proxy: StartProxy, query: str
) -> None:
    lookup = LOOK_UP.replace(" }", f', query = "{query}" }}')
    proxy = start_proxy(configuration(postgres_server, cluster=lookup), SECRETS)
    said = refusal(proxy, "shop", "other", "other-password")
    assert said == 'password authentication failed for user "other"'


def test_each_database_asks_its_own_server_only(server: PostgresServer, start_proxy: StartProxy) -> None:
    """Two tenants, each with a table of its own: a user of one is nobody at the other."""
    for database, user in (("shop", "ada"), ("tenant", "bob")):
        server.execute("CREATE TABLE people (name text, secret text)", database)
        server.execute(
            f"INSERT INTO people SELECT rolname, rolpassword FROM pg_authid WHERE rolname = '{user}'",
            database,
        )
    lookup = (
        '{ user = "admin", password = "env://ADMIN_PASSWORD", '
        'query = "SELECT name, secret FROM people WHERE name = $1" }'
    )
    databases = "".join(
        f'[[databases]]\nname = "{name}"\ncluster = "main"\nauth_query = {lookup}\n'
        for name in ("shop", "tenant")
    )
    try:
        proxy = start_proxy(configuration(server, databases, cluster=""), SECRETS)
        for _ in range(2):
            assert ask(proxy, "SELECT 1", "shop", "ada") == (1,)
            assert ask(proxy, "SELECT 1", "tenant", "bob") == (1,)
            assert "password authentication failed" in refusal(proxy, "shop", "bob")
            assert "password authentication failed" in refusal(proxy, "tenant", "ada")
    finally:
        server.execute("DROP TABLE people", "shop")


def test_keys_of_a_stored_verifier_serve_at_the_server(
    server: PostgresServer, start_proxy: StartProxy
) -> None:
    ((verifier,),) = server.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'ada'")
    users = '[[users]]\nname = "ada"\npassword = "env://VERIFIER"\n'
    config = configuration(server, users=users, cluster="")
    proxy = start_proxy(config, {"VERIFIER": str(verifier)})
    assert ask(proxy, "SELECT session_user", "shop", "ada") == ("ada",)
    # Another verifier of the same password is good here, and proves nothing there.
    server.execute(f"ALTER ROLE ada PASSWORD '{PASSWORD}'")
    assert "changed its SCRAM salt" in refusal(proxy, "tenant", "ada")


# --- names, credentials, parameters -----------------------------------------------------------------


def test_an_alias_is_the_same_database(server: PostgresServer, start_proxy: StartProxy) -> None:
    databases = (
        '[[databases]]\nname = "orders"\ncluster = "main"\ndbname = "shop"\naliases = ["old_orders"]\n'
        "pool = { size = 1, sharing = false }\n"
    )
    users = (
        '[[users]]\nname = "app"\npassword = "env://APP_PASSWORD"\ndatabases = ["orders"]\n'
        '[[users]]\nname = "other"\npassword = "env://APP_PASSWORD"\ndatabases = []\n'
    )
    proxy = start_proxy(configuration(server, databases, users, cluster=""), SECRETS)
    pids = {
        ask(proxy, "SELECT current_database(), pg_backend_pid()", name, "app", "app-password")
        for name in ("orders", "old_orders")
    }
    assert len(pids) == 1
    assert refusal(proxy, "shop", "app", "app-password") == 'database "shop" does not exist'
    assert "permission denied" in refusal(proxy, "old_orders", "other", "app-password")


def test_a_database_has_a_log_in_of_its_own_for_all(server: PostgresServer, start_proxy: StartProxy) -> None:
    databases = (
        '[[databases]]\nname = "shop"\ncluster = "main"\n'
        'server_user = "app"\nserver_password = "env://APP_PASSWORD"\n'
    )
    proxy = start_proxy(configuration(server, databases), SECRETS)
    assert ask(proxy, "SELECT session_user", "shop", "ada") == ("app",)
    assert ask(proxy, "SELECT session_user", "shop", "bob") == ("app",)


def test_parameters_are_the_configurations_and_not_the_clients(
    server: PostgresServer, start_proxy: StartProxy
) -> None:
    databases = (
        '[[databases]]\nname = "shop"\ncluster = "main"\n'
        'parameters = [{ name = "search_path", value = "pg_catalog, shared" }, { name = "work_mem", value = "7MB" }]\n'
    )
    users = (
        '[[users]]\nname = "*"\nparameters = [{ name = "WORK_MEM", value = "9MB" }, '
        '{ name = "application_name", value = "fixed" }]\n'
    )
    proxy = start_proxy(configuration(server, databases, users), SECRETS)
    shown = "SELECT current_setting('search_path'), current_setting('work_mem'), current_setting('application_name')"
    options = {"options": "-c search_path=evil -c statement_timeout=1234", "application_name": "mine"}
    with psycopg.connect(proxy.dsn("shop", "ada", PASSWORD, **options), autocommit=True) as line:
        assert line.execute(shown.encode()).fetchone() == ("pg_catalog, shared", "9MB", "fixed")
        assert line.execute("SHOW statement_timeout").fetchone() == ("1234ms",)
        line.execute("SET work_mem = '1MB'")
        line.execute("RESET ALL")
        assert line.execute("SHOW work_mem").fetchone() == ("9MB",)


def test_a_parameter_that_the_server_refuses_is_no_fault_of_the_client(
    server: PostgresServer, start_proxy: StartProxy
) -> None:
    databases = '[[databases]]\nname = "shop"\ncluster = "main"\nparameters = [{ name = "work_mem", value = "much" }]\n'
    proxy = start_proxy(configuration(server, databases), SECRETS)
    assert refusal(proxy, "shop", "ada").startswith(
        "the server refuses the configured parameters: invalid value"
    )


def test_a_connect_query_has_run_before_anybody_comes(
    server: PostgresServer, start_proxy: StartProxy
) -> None:
    text = "SELECT set_config('house.key', 'on', false); SELECT true"
    databases = f'[[databases]]\nname = "shop"\ncluster = "main"\nconnect_query = "{text}"\n'
    proxy = start_proxy(configuration(server, databases), SECRETS)
    assert ask(proxy, "SELECT current_setting('house.key')", "shop", "ada") == ("on",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SELECT nonsense", "failed: column"),
        ("BEGIN", "left a transaction open"),
        ("COPY pg_class TO STDOUT", "began a COPY"),
        ("COPY pg_class FROM STDIN", "began a COPY"),
    ],
)
def test_a_connect_query_that_goes_wrong_is_told(
    postgres_server: PostgresServer, start_proxy: StartProxy, text: str, said: str
) -> None:
    databases = (
        f'[[databases]]\nname = "shop"\ncluster = "main"\nconnect_query = "{text}"\n'
        'server_user = "admin"\nserver_password = "env://ADMIN_PASSWORD"\n'
    )
    users = '[[users]]\nname = "app"\npassword = "env://APP_PASSWORD"\n'
    proxy = start_proxy(configuration(postgres_server, databases, users, cluster=""), SECRETS)
    assert said in refusal(proxy, "shop", "app", "app-password")


# --- limits -----------------------------------------------------------------------------------------


def test_each_database_and_each_user_has_so_many_clients(
    server: PostgresServer, start_proxy: StartProxy
) -> None:
    databases = (
        '[[databases]]\nname = "shop"\ncluster = "main"\nmax_clients = 3\n'
        '[[databases]]\nname = "*"\ncluster = "main"\n'
    )
    users = '[[users]]\nname = "*"\nmax_clients = 2\n'
    proxy = start_proxy(configuration(server, databases, users), SECRETS)

    def connect(database: str, user: str) -> Line:
        return psycopg.connect(proxy.dsn(database, user, PASSWORD), autocommit=True)

    lines = [connect("shop", "ada"), connect("tenant", "ada"), connect("shop", "bob")]
    assert refusal(proxy, "shop", "ada") == 'too many connections for role "ada"'
    lines.append(connect("shop", "bob"))
    assert refusal(proxy, "shop", "app", "app-password") == 'too many connections for database "shop"'
    # Whoever leaves makes room, however it leaves.
    lines.pop(0).close()
    lines.append(_soon(lambda: connect("shop", "ada")))
    for line in lines:
        line.close()


def _soon(connect: Callable[[], Line]) -> Line:
    """A seat is free when the proxy has seen its client leave, which may be a moment later."""
    made: list[Line] = []

    def tried() -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            made.append(connect())
        return bool(made)

    assert ports.wait(tried, 10)
    return made[0]
