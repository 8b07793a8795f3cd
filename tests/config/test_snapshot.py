"""The snapshot: defaults, look-ups, merged pools, and that two can be compared."""

import ast
from pathlib import Path

import msgspec
import pytest

from config.loader import load
from config.quantities import Duration
from config.secret import Secret
from config.sections.databases import Database
from config.sections.limits import Limits
from config.sections.pool import PoolOptions, PoolSettings, merge
from config.sections.users import User
from config.snapshot import Snapshot
from tests.config.ground import ENVIRONMENT, PASSWORD, VERIFIER

CASES = Path(__file__).parent / "cases"
ROOT = Path(__file__).parents[2]


def test_the_smallest_file_has_sensible_defaults() -> None:
    snapshot = load(CASES / "smallest.toml", ENVIRONMENT).snapshot
    (listener,), (cluster,), (database,), (user,) = (
        snapshot.listeners,
        snapshot.clusters,
        snapshot.databases,
        snapshot.users,
    )
    assert (listener.auth, listener.tls, listener.address.loopback) == ("scram-sha-256", None, True)
    assert (cluster.tls.mode, cluster.max_connections, cluster.connect_timeout) == (
        "prefer",
        0,
        Duration(5_000),
    )
    assert (database.remote, *user.at_servers(database)) == (
        "shop",
        "app",
        Secret(PASSWORD, "env://APP_PASSWORD"),
    )
    assert snapshot.pool_for(database, user) == PoolSettings()
    assert (snapshot.limits, snapshot.watch, snapshot.admin.users) == (Limits(), False, ())


@pytest.fixture
def everything(ground: Path) -> Snapshot:
    file = ground / "everything.toml"
    file.write_text((CASES / "everything.toml").read_text())
    return load(file, ENVIRONMENT).snapshot


def test_look_ups(everything: Snapshot) -> None:
    snapshot = everything
    assert snapshot.cluster("main") is snapshot.clusters[0]
    assert snapshot.database("shop") is snapshot.databases[0]
    assert snapshot.user("app") is snapshot.users[0]
    assert (snapshot.cluster("x"), snapshot.database("x"), snapshot.user("x")) == (None, None, None)
    assert snapshot.is_admin("app")
    assert not snapshot.is_admin("x")
    assert [snapshot.users[0].may_use(name) for name in ("shop", "Ünïcode name", "x")] == [True, False, False]


def test_pools_are_merged_from_the_cluster_up(everything: Snapshot) -> None:
    user = everything.users[0]
    shop, other = (everything.pool_for(database, user) for database in everything.databases)
    assert (shop.mode, other.mode) == ("transaction", "session")
    assert (shop.size, shop.wait, shop.sharing) == (10, Duration(90_000), False)
    assert merge(PoolOptions(size=1), PoolOptions(), PoolOptions(size=3, mode="session")) == PoolSettings(
        size=3, mode="session"
    )
    assert merge(PoolOptions(sharing=False, reserve=4), PoolOptions(reserve=0)) == PoolSettings(
        sharing=False, reserve=0
    )


def test_pool_settings_are_the_cores_one_for_one() -> None:
    page = ast.parse((ROOT / "proxy" / "_core.pyi").read_text())
    (open_pool,) = (node for node in page.body if isinstance(node, ast.ClassDef) and node.name == "OpenPool")
    (made,) = (node for node in open_pool.body if isinstance(node, ast.FunctionDef))
    asked = [one.arg for one in made.args.kwonlyargs if one.arg not in ("label", "group", "group_size")]
    settings, options = (msgspec.structs.fields(kind) for kind in (PoolSettings, PoolOptions))
    assert [one.name + ("_ms" if one.type is Duration else "") for one in settings] == asked
    assert [one.name for one in options] == [one.name for one in settings]


def test_equal_files_are_equal_and_changed_secrets_and_certificates_are_not(ground: Path) -> None:
    file = ground / "compared.toml"
    file.write_text((CASES / "everything.toml").read_text())
    first = load(file, ENVIRONMENT)
    assert load(file, ENVIRONMENT) == first
    assert load(file, ENVIRONMENT | {"APP_PASSWORD": "another"}).snapshot != first.snapshot
    authority = ground / "authority.crt"
    before = authority.read_bytes()
    authority.write_bytes(before + b"\n")
    try:
        changed = load(file, ENVIRONMENT).snapshot
    finally:
        authority.write_bytes(before)
    assert changed.clusters != first.snapshot.clusters
    assert (changed.users, changed.databases) == (first.snapshot.users, first.snapshot.databases)
    assert set(first.files) == {
        file,
        *(ground / name for name in ("server.crt", "server.key", "authority.crt")),
    }


def test_nothing_in_it_changes() -> None:
    snapshot = load(CASES / "smallest.toml", ENVIRONMENT).snapshot
    for part, name in ((snapshot, "watch"), (snapshot.users[0], "name"), (snapshot.clusters[0].tls, "mode")):
        with pytest.raises(AttributeError):
            setattr(part, name, getattr(part, name))
    assert isinstance(hash(snapshot), int)


def test_what_a_user_can_prove_to_a_server() -> None:
    shop = Database(name="shop", cluster="main")
    assert User(name="a").at_servers(shop) == ("a", None)
    assert User(name="a", password=Secret("x")).at_servers(shop) == ("a", Secret("x"))
    assert User(name="a", password=Secret(VERIFIER)).at_servers(shop) == ("a", None)
    known = User(name="a", password=Secret(VERIFIER), server_password=Secret("y"))
    assert known.at_servers(shop) == ("a", Secret("y"))
    # The database's own, for those who bring none.
    one = Database(name="shop", cluster="main", server_user="all", server_password=Secret("z"))
    assert User(name="a", password=Secret("x")).at_servers(one) == ("all", Secret("z"))
    assert known.at_servers(one) == ("a", Secret("y"))
    assert User(name="a", server_user="b").at_servers(one) == ("b", None)


def test_carriers() -> None:
    assert Limits().carrier_threads(cores=6) == 6
    assert Limits(carriers=0).carrier_threads(cores=6) == 0
    assert Limits(carriers=2).carrier_threads(cores=6) == 2
