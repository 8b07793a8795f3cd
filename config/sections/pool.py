"""Pool settings: as a cluster, a database or a user may give them, and merged as a pool runs on them."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from config.quantities import Duration
from config.setting import Section, setting


class PoolSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What one pool (one user on one database) runs on: every setting decided."""

    mode: Literal["session", "transaction", "statement"] = "transaction"
    size: int = 20
    min_size: int = 0
    reserve: int = 0
    reserve_after: Duration = Duration(5_000)
    wait: Duration = Duration(120_000)
    max_waiting: int = 0
    statement: Duration = Duration(0)
    idle_transaction: Duration = Duration(0)
    client_idle: Duration = Duration(0)
    server_lifetime: Duration = Duration(3_600_000)
    server_idle: Duration = Duration(600_000)
    sharing: bool = True
    share_depth: int = 16
    prepared: int = 200


class PoolOptions(Section, frozen=True):
    """`pool` in a cluster, a database or a user: what is not given is taken from the level above, and at last from
    the defaults.
    """

    mode: Annotated[
        Literal["session", "transaction", "statement"] | UnsetType,
        setting(
            "How long a client keeps a server connection: for its session, a transaction, or one statement.",
            "at once",
        ),
    ] = UNSET
    size: Annotated[
        int | UnsetType,
        setting("Server connections for one user on one database.", "at once", least=1, most=100_000),
    ] = UNSET
    min_size: Annotated[
        int | UnsetType,
        setting("Connections kept open even when idle; at most `size`.", "at once", least=0, most=100_000),
    ] = UNSET
    reserve: Annotated[
        int | UnsetType,
        setting(
            "Connections beyond `size`, opened when clients have waited for `reserve_after`.",
            "at once",
            least=0,
            most=100_000,
        ),
    ] = UNSET
    reserve_after: Annotated[
        Duration | UnsetType,
        setting("How long a client waits before the reserve is used.", "at once"),
    ] = UNSET
    wait: Annotated[
        Duration | UnsetType,
        setting(
            "How long a statement may wait for a connection before the client gets an error; 0 is without limit.",
            "at once",
        ),
    ] = UNSET
    max_waiting: Annotated[
        int | UnsetType,
        setting(
            "Most clients waiting for a connection; the next one gets an error at once. 0 is without limit.",
            "at once",
            least=0,
            most=1_000_000,
        ),
    ] = UNSET
    statement: Annotated[
        Duration | UnsetType,
        setting("How long a statement may run, waiting included; 0 is without limit.", "at once"),
    ] = UNSET
    idle_transaction: Annotated[
        Duration | UnsetType,
        setting(
            "How long a client may leave a transaction open and do nothing; 0 is without limit.", "at once"
        ),
    ] = UNSET
    client_idle: Annotated[
        Duration | UnsetType,
        setting("How long a client may do nothing outside a transaction; 0 is without limit.", "at once"),
    ] = UNSET
    server_lifetime: Annotated[
        Duration | UnsetType,
        setting("The age at which a server connection is closed, once idle; 0 is without limit.", "at once"),
    ] = UNSET
    server_idle: Annotated[
        Duration | UnsetType,
        setting(
            "How long a server connection beyond `min_size` may be idle before it is closed; 0 is without limit.",
            "at once",
        ),
    ] = UNSET
    sharing: Annotated[
        bool | UnsetType,
        setting(
            "Let short autocommit statements of several clients ride, pipelined, on one server connection.",
            "at once",
        ),
    ] = UNSET
    share_depth: Annotated[
        int | UnsetType,
        setting("Most statements under way on a shared connection.", "at once", least=1, most=10_000),
    ] = UNSET
    prepared: Annotated[
        int | UnsetType,
        setting(
            "Statements kept prepared on one server connection; those not used for longest go first.",
            "at once",
            least=1,
            most=100_000,
        ),
    ] = UNSET


def merge(*layers: PoolOptions) -> PoolSettings:
    """Each layer's given values win over those of the layers before it."""
    given: dict[str, Any] = {}
    for layer in layers:
        given |= {name: value for name, value in msgspec.structs.asdict(layer).items() if value is not UNSET}
    return PoolSettings(**given)
