"""Names and what they lead to: `*`, aliases, the console, and bounds on what names can make."""

from config.quantities import Duration
from config.sections.auth_query import AuthQuery
from config.sections.databases import Database
from config.sections.limits import Limits
from config.sections.parameters import Parameter
from config.sections.token import Token
from config.sections.users import User
from config.text import Text
from proxy.bases import Base
from proxy.native import Admit, Close, Closed, OpenPool, Send
from proxy.settings import shown
from tests.proxy.town import REPORTED, SNAPSHOT, Town, changed, refusal
from tests.proxy.world import only

WILD = changed(
    SNAPSHOT,
    databases=(*SNAPSHOT.databases, Database(name="*", cluster="main")),
    users=(*SNAPSHOT.users, User(name="*", databases=("shop",))),
)


def test_a_star_takes_the_name_that_was_asked_for() -> None:
    town = Town(WILD)
    _, said = town.log_in(user="app", database="anything")
    pool = next(one for one in said if isinstance(one, OpenPool))
    assert pool.label == "anything/app"
    target = town.rooms.pools.target(pool.pool)
    assert target is not None
    assert (target.database, target.user) == ("anything", "app")


def test_the_console_and_the_star_itself_are_nobodys() -> None:
    for database in ("articdbm", "pgbouncer"):
        _, said = Town(WILD).log_in(user="root", database=database)
        assert isinstance(said[0], Admit)
        assert refusal(Town(WILD).log_in(user="app", database=database)[1])[0] == "42501"
    assert refusal(Town(WILD).log_in(user="app", database="*")[1])[0] == "3D000"
    # Nobody becomes an administrator by being everybody.
    wild = changed(WILD, users=tuple(user for user in WILD.users if user.name != "root"))
    _, said = Town(wild, listener_auth="trust").start(user="root", database="articdbm")
    assert refusal(said[1:] if isinstance(said[0], Send) else said)[0] == "42501"


def test_one_user_cannot_take_every_pool_by_thinking_of_names() -> None:
    town = Town(changed(WILD, limits=Limits(max_pools=20, login_attempts=0)))
    for number in range(2):
        town.log_in(user="app", database=f"number {number}")
    assert refusal(town.log_in(user="app", database="number 3")[1])[0] == "53300"
    # What has a name of its own is no such name, and others have theirs.
    for user, database in (("app", "shop"), ("root", "number 3")):
        assert isinstance(town.log_in(user=user, database=database)[1][0], OpenPool)


def test_there_are_so_many_pools_and_no_more() -> None:
    town = Town(changed(SNAPSHOT, limits=Limits(max_pools=3)))
    for user, database in (("app", "shop"), ("app", "books"), ("root", "shop")):
        assert isinstance(town.log_in(user=user, database=database)[1][0], OpenPool)
    code, message = refusal(town.log_in(user="root", database="books")[1])
    assert (code, message) == ("53300", 'too many connections for database "books"')


def test_an_alias_is_planned_as_the_database_it_is() -> None:
    aliased = changed(SNAPSHOT.databases[0], aliases=("store",))
    town = Town(changed(SNAPSHOT, databases=(aliased, SNAPSHOT.databases[1])))
    town.server_up()
    _, said = town.log_in(user="app", database="store")
    assert only(said, Admit).base == 1
    directory = town.rooms.directory
    assert directory.called("store") == "shop"
    assert directory.permits(Base("127.0.0.1:0", "clerk", "shop"))


def test_a_seat_is_given_back_when_the_client_is_gone_and_when_it_fails_after_its_proof() -> None:
    one = changed(SNAPSHOT.databases[0], max_clients=1)
    town = Town(changed(SNAPSHOT, databases=(one, SNAPSHOT.databases[1])))
    conn, said = town.log_in(user="app", database="shop")
    town.serve(said)
    assert refusal(town.log_in(user="root", database="shop")[1]) == (
        "53300", 'too many connections for database "shop"',
    )  # fmt: skip
    town.handle(Closed(conn, "left"))
    _, said = town.log_in(user="app", database="shop", options="-c seed=1")
    assert isinstance(said[0], Close)
    assert only(town.log_in(user="app", database="shop")[1], Admit)


def test_a_fixed_parameter_is_sent_along_and_a_clients_own_wish_is_not_followed() -> None:
    fixed = (
        Parameter(name="Work_Mem", value=Text("9MB")),
        Parameter(name="application_name", value=Text("x")),
    )
    town = Town(changed(SNAPSHOT, databases=(changed(SNAPSHOT.databases[0], parameters=fixed),)))
    _, said = town.log_in(user="app", database="shop", options="-c work_mem=1MB", application_name="mine")
    admit = next(
        one for one in town.serve(said, {**REPORTED, "application_name": "x"}) if isinstance(one, Admit)
    )
    assert admit.settings == []
    assert b"application_name\0x\0" in admit.greeting


def test_what_is_shown_of_the_configuration_holds_no_argument_of_a_command() -> None:
    token = Token(command=(Text("/bin/x"), Text("hunter2")), lifetime=Duration(1_000))
    lookup = AuthQuery(user="asker")
    users = (changed(SNAPSHOT.users[0], server_token=token),)
    databases = (changed(SNAPSHOT.databases[0], auth_query=lookup),)
    rows = {row.key: row.value for row in shown(changed(SNAPSHOT, users=users, databases=databases))}
    assert rows["users[app].server_token.command"] == "/bin/x"
    assert rows["databases[shop].auth_query.user"] == "asker"
    assert "hunter2" not in str(rows)
    assert "hunter2" not in repr(shown(changed(SNAPSHOT, users=users)))
