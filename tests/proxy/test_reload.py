"""A new configuration in place of the old one, as conversations: all of it, or none."""

import socket
from collections.abc import Iterator

import pytest

from config.address import address
from config.errors import ConfigError, Problem
from config.loader import Loaded
from config.quantities import Duration
from config.secret import Secret
from config.sections.admin import Admin
from config.sections.clusters import Server
from config.sections.limits import Limits
from config.sections.listeners import Listener
from config.sections.plugins import Plugins
from config.sections.pool import PoolOptions
from config.snapshot import Snapshot
from plugins.api import PluginSettings
from proxy import sockets
from proxy.bases import Base
from proxy.native import Admit, ForgetPlans, Learn, Listen, OpenPool, PlanNeeded, Recycle
from proxy.reload import Refused
from tests.proxy.town import SNAPSHOT, Town, changed, loaded, refusal
from tests.proxy.world import only


@pytest.fixture
def town() -> Town:
    """With the pool of app on shop open, number 1."""
    made = Town()
    made.server_up()
    return made


@pytest.fixture
def taken() -> Iterator[int]:
    """A port somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        yield one.getsockname()[1]


def reload(town: Town, snapshot: Snapshot) -> list[str]:
    """Reload; gives the kinds of commands in their order, closing what was bound for nobody."""
    town.next = lambda: loaded(snapshot)
    commands = town.rooms.reloader.reload()
    for command in commands:
        if isinstance(command, Listen):
            sockets.close(command.fds)
    town.commands = commands
    return [type(command).__name__ for command in commands]


def cluster_with(**changes: object) -> Snapshot:
    return changed(SNAPSHOT, clusters=(changed(SNAPSHOT.clusters[0], **changes),))


def test_the_same_again_changes_nothing_and_keeps_plans(town: Town) -> None:
    assert reload(town, SNAPSHOT) == []


def forgotten(town: Town, snapshot: Snapshot) -> list[int] | str | None:
    """Whose plans a reload has made anew: those of these bases, of all, or of nobody."""
    reload(town, snapshot)
    said = [one for one in town.commands if isinstance(one, ForgetPlans)]
    assert len(said) < 2
    return said[0].bases or "all" if said else None


def test_what_all_plans_depend_on_has_them_made_anew(town: Town) -> None:
    budget = Plugins(settings=(("session", PluginSettings(budget=Duration(500))),))
    for other in (
        changed(SNAPSHOT, plugins=budget),
        changed(SNAPSHOT, log=changed(SNAPSHOT.log, slow=Duration(5))),
    ):
        assert forgotten(town, other) == "all"
        assert reload(town, other) == []
        assert forgotten(town, SNAPSHOT) == "all"


def test_only_plans_that_depend_on_what_changed_are_made_anew() -> None:
    town = Town()
    bases = town.rooms.reloader._bases
    who = {
        (user, database): bases.number(Base("door", user, database, admin=database == "articdbm"))
        for user, database in (("app", "shop"), ("app", "books"), ("root", "shop"), ("root", "articdbm"))
    }
    apps = [who["app", "shop"], who["app", "books"]]
    first, *others = SNAPSHOT.users
    for other, concerned in (
        (changed(SNAPSHOT, users=(changed(first, password=Secret("another")), *others)), apps),
        (changed(SNAPSHOT, users=(changed(first, pool=PoolOptions(size=3)), *others)), None),
        (changed(SNAPSHOT, users=SNAPSHOT.users[1:]), apps),
        (changed(SNAPSHOT, databases=SNAPSHOT.databases[:1]), [who["app", "books"]]),
        (changed(SNAPSHOT, admin=Admin()), [who["root", "articdbm"]]),
        (cluster_with(servers=(Server(address=address("127.0.0.1:5009")),)), [*apps, who["root", "shop"]]),
        (cluster_with(pool=PoolOptions(size=5)), None),
    ):
        for snapshot in (other, SNAPSHOT):
            assert forgotten(town, snapshot) == concerned


def test_a_plugin_that_cannot_be_had_refuses_the_reload(town: Town) -> None:
    with pytest.raises(Refused, match='no installed package offers a plugin "nowhere"'):
        reload(town, changed(SNAPSHOT, plugins=Plugins(load=("nowhere",))))
    assert town.rooms.directory.snapshot is SNAPSHOT


def test_a_limit_changes_the_pool_and_no_connection(town: Town) -> None:
    assert reload(town, cluster_with(pool=PoolOptions(size=5))) == ["OpenPool"]
    assert (town.commands[0].pool, town.commands[0].size) == (1, 5)


def test_another_server_makes_the_old_connections_yesterdays(town: Town) -> None:
    moved = cluster_with(servers=(Server(address=address("127.0.0.1:5009")),))
    assert reload(town, moved) == ["OpenPool", "Recycle", "ForgetPlans"]
    _, said = town.log_in(user="app", database="shop")
    assert town.net.dialled[-1] == ("127.0.0.1:5009", False)
    assert [command.pool for command in town.serve(said) if isinstance(command, Admit)] == [1]


def test_another_password_recycles_and_is_asked_of_clients(town: Town) -> None:
    users = tuple(changed(user, password=Secret("new one")) for user in SNAPSHOT.users)
    assert reload(town, changed(SNAPSHOT, users=users)) == ["OpenPool", "Recycle", "ForgetPlans"]
    conn, said = town.start(user="app", database="shop")
    assert refusal(town.prove(conn, said, "open sesame"))[0] == "28P01"
    conn, said = town.start(user="app", database="shop")
    assert town.prove(conn, said, "new one")[0] is not None


def test_a_user_who_is_gone_cannot_log_in_and_whose_statements_are_denied(town: Town) -> None:
    assert reload(town, changed(SNAPSHOT, users=SNAPSHOT.users[1:])) == ["Recycle", "ForgetPlans"]
    conn, said = town.start(user="app", database="shop")
    assert refusal(town.prove(conn, said, "open sesame"))[0] == "28P01"
    asked = PlanNeeded(1, b"k" * 16, 1, [], None, [], False, b"SELECT 1")
    assert only(town.handle(asked), Learn).plan.action == "deny"
    assert reload(town, SNAPSHOT) == ["OpenPool", "ForgetPlans"]
    assert only(town.handle(asked), Learn).plan.action == "forward"


def test_a_pool_kept_warm_is_opened_without_a_client(town: Town) -> None:
    commands = reload(town, changed(SNAPSHOT, databases=(
        changed(SNAPSHOT.databases[0], pool=PoolOptions(min_size=2)), SNAPSHOT.databases[1],
    )))  # fmt: skip
    assert commands == ["OpenPool", "OpenPool", "OpenPool"]
    assert [command.min_size for command in town.commands[:3]] == [2, 2, 2]


def test_listeners_come_and_go(town: Town) -> None:
    other = Listener(protocol="postgres", address=address("127.0.0.2:0"), auth="trust")
    assert reload(town, changed(SNAPSHOT, listeners=(*SNAPSHOT.listeners, other))) == ["Listen"]
    assert reload(town, changed(SNAPSHOT, listeners=(other,))) == ["Unlisten"]
    assert town.commands[0].listener == 1
    assert refusal(town.start(user="app")[1])[0] == "57P01"


def test_how_a_listener_asks_changes_for_the_next_client(town: Town) -> None:
    trusting = tuple(changed(one, auth="trust") for one in SNAPSHOT.listeners)
    assert reload(town, changed(SNAPSHOT, listeners=trusting)) == []
    _, said = town.start(user="app", database="shop")
    assert isinstance(said[-1], Admit)


def test_an_address_that_is_taken_refuses_everything(town: Town, taken: int) -> None:
    new = changed(
        cluster_with(pool=PoolOptions(size=5)),
        listeners=(
            *SNAPSHOT.listeners,
            Listener(protocol="postgres", address=address("127.0.0.1:0"), auth="trust"),
            Listener(protocol="postgres", address=address(f"127.0.0.1:{taken}")),
        ),
    )
    with pytest.raises(Refused, match="address is in use"):
        reload(town, new)
    assert town.rooms.directory.snapshot is SNAPSHOT
    assert town.rooms.pools.settings(1).size == 20


def test_a_broken_file_refuses_everything_with_every_reason(town: Town) -> None:
    def broken() -> Loaded:
        raise ConfigError([Problem(file="a.toml", line=3, key="users[0].nmae", what="unknown", fix="name")])

    town.next = broken
    with pytest.raises(Refused, match=r"a\.toml:3"):
        town.rooms.reloader.reload()
    assert town.rooms.reloader.quietly() == []
    assert town.rooms.directory.snapshot is SNAPSHOT


def test_the_refusal_counts_the_errors_and_leaves_warnings_to_the_log(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    errors = [Problem(file="a.toml", line=line, key="x", what="unknown", fix="name it") for line in (3, 9)]
    doubt = Problem(file="a.toml", line=5, key="y", what="doubtful", fix="look", severity="warning")
    stays = "the new configuration is refused, the old one stays: "
    for wrong, told in (
        (errors, f"{stays}2 errors\n{errors[0]}\n{errors[1]}"),
        (errors[:1], f"{stays}{errors[0]}"),
    ):

        def broken(wrong: list[Problem] = wrong) -> Loaded:
            raise ConfigError([wrong[0], doubt, *wrong[1:]])

        town.next = broken
        caplog.clear()
        with pytest.raises(Refused) as refused:
            town.rooms.reloader.reload()
        assert str(refused.value) == told
        facts = [record.__dict__["facts"] for record in caplog.records]
        assert facts == [{"problem": str(doubt)}, {"reason": told.removeprefix(stays)}]


def test_what_needs_a_restart_is_said(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("WARNING")
    reload(town, changed(SNAPSHOT, limits=Limits(max_clients=7)))
    assert "next start" in caplog.text


def test_a_pool_keeps_its_number_while_others_come_and_go(town: Town) -> None:
    reload(town, changed(SNAPSHOT, databases=SNAPSHOT.databases[1:]))
    _, said = town.log_in(user="app", database="books")
    numbers = [command.pool for command in said if isinstance(command, OpenPool)]
    reload(town, SNAPSHOT)
    back = [command.pool for command in town.commands if isinstance(command, OpenPool)]
    assert (numbers, back) == ([2], [1])
    assert not [command for command in town.commands if isinstance(command, Recycle)]
    assert isinstance(town.commands[-1], ForgetPlans)
