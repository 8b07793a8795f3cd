"""Clients that replicate: what a server is asked for in their name, and what becomes of both when one of them goes."""

from functools import partial
from typing import Any

import msgspec
import pytest

from protocols.postgres import messages
from protocols.postgres.types import Problem
from proxy.native import Attach, Close, Closed, Send, ServerOpened, Tie
from tests.proxy.town import REPORTED, SNAPSHOT, Town, changed, loaded, refusal, welcome
from tests.proxy.world import error_in

RIGHT = changed(SNAPSHOT, users=tuple(changed(user, replication=True) for user in SNAPSHOT.users))


def began(town: Town, **parameters: str) -> tuple[int, Attach, dict[str, str]]:
    """A client that is proved: its number, its server connection, and what that is asked for."""
    conn, said = town.log_in(**{"user": "app", "database": "shop", **parameters})
    (attach,) = (one for one in said if isinstance(one, Attach))
    (asked,) = town.handle(ServerOpened(1000 + attach.ticket, attach.ticket, None))
    assert isinstance(asked, Send)
    return conn, attach, messages.parse_startup(asked.data[8:])


def test_the_server_is_asked_for_the_same() -> None:
    town = Town(RIGHT)
    conn, attach, asked = began(town, replication="on", application_name="standby", options="-c geqo=off")
    assert attach.near == conn
    assert asked == {
        "user": "app",
        "database": "replication",
        "replication": "true",
        "application_name": "standby",
        "geqo": "off",
    }
    (tie,) = town.server_says(attach, welcome(REPORTED))
    assert isinstance(tie, Tie)
    assert (tie.conn, tie.server, tie.pid, tie.secret) == (conn, 1000 + attach.ticket, 1, b"kkkk")
    assert all(name.encode() in tie.greeting for name in REPORTED)
    _, _, asked = began(town, replication="database", database="books")
    assert asked == {"user": "app", "database": "ledger", "replication": "database"}


@pytest.mark.parametrize("replication", ["true", "database"])
def test_without_the_right_no_server_is_asked(replication: str) -> None:
    town = Town()
    _, said = town.log_in(user="app", database="shop", replication=replication)
    assert refusal(said) == ("42501", "permission denied to start WAL sender")


def test_a_wrong_password_comes_before_the_right() -> None:
    _, said = Town().log_in("wrong", user="app", database="shop", replication="true")
    assert refusal(said)[0] == "28P01"


def test_the_servers_refusal_is_the_clients() -> None:
    town = Town(RIGHT)
    _, attach, _ = began(town, replication="true")
    full = Problem("FATAL", "53300", "number of requested standby connections exceeds max_wal_senders")
    said = town.server_says(attach, messages.error(full))
    assert [type(one) for one in said] == [Close, Close]
    assert error_in(said[1].data)["M"] == full.message  # type: ignore[union-attr]


def test_a_client_that_leaves_early_leaves_no_connection_behind() -> None:
    town = Town(msgspec.structs.replace(RIGHT, limits=changed(RIGHT.limits, max_replication=1)))
    conn, attach, _ = began(town, replication="true")
    town.handle(Closed(conn, "left"))
    # Until its connection is known to be closed it counts.
    assert refusal(town.log_in(user="app", database="shop", replication="true")[1])[0] == "53300"
    (closed,) = town.server_says(attach, welcome(REPORTED))
    assert isinstance(closed, Close)
    assert closed.conn == 1000 + attach.ticket
    conn, attach, _ = began(town, replication="true")
    assert isinstance(town.server_says(attach, welcome(REPORTED))[0], Tie)
    assert refusal(town.log_in(user="app", database="shop", replication="true")[1])[0] == "53300"
    town.handle(Closed(conn, "left"))
    began(town, replication="true")


def ended(town: Town, **changes: Any) -> list[int]:
    """Whom a reload to this configuration ends."""
    town.next = partial(loaded, msgspec.structs.replace(RIGHT, **changes))
    return [one.conn for one in town.rooms.reloader.reload() if isinstance(one, Close)]


def test_a_reload_ends_who_may_not_or_is_elsewhere() -> None:
    town = Town(RIGHT)
    tied = []
    for parameters in ({"replication": "true"}, {"replication": "database", "database": "books"}):
        conn, attach, _ = began(town, **parameters)
        town.server_says(attach, welcome(REPORTED))
        tied.append(conn)
    assert ended(town) == []
    (cluster,) = RIGHT.clusters
    assert ended(town, clusters=(changed(cluster, max_connections=7),)) == []
    shop, books = RIGHT.databases
    assert ended(town, databases=(shop, changed(books, dbname="another"))) == [tied[1]]
    assert ended(town, databases=(shop,)) == [tied[1]]
    assert ended(town, users=SNAPSHOT.users) == tied
    (server,) = cluster.servers
    moved = changed(cluster, servers=(changed(server, address=changed(server.address, port=1)),))
    assert ended(town, clusters=(moved,)) == tied


def test_a_query_for_new_connections_is_sql_and_only_for_those_that_speak_it() -> None:
    shop, books = RIGHT.databases
    asking = changed(shop, connect_query="SELECT 1")
    town = Town(msgspec.structs.replace(RIGHT, databases=(asking, books)))
    _, attach, _ = began(town, replication="true")
    assert isinstance(town.server_says(attach, welcome(REPORTED))[0], Tie)
    _, attach, _ = began(town, replication="database")
    (asked,) = town.server_says(attach, welcome(REPORTED))
    assert isinstance(asked, Send)
    assert b"SELECT 1" in asked.data
