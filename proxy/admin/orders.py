"""What the console does: pausing and resuming, letting nobody in, ending connections, settings, the end of the process.

Each order says what it wants of the core, and when it counts as done. Who may give it was decided before.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from config.change import change
from config.errors import RefusedError
from protocols.postgres import messages, replies
from protocols.postgres.errors import Known, problem
from proxy import native
from proxy.admin import connections
from proxy.admin.place import Answer, Denied, Ending, Found, House, Listing, Until, database_of
from proxy.holds import Hold
from proxy.native import Close, Kill, PoolFigures, Recycle
from proxy.outside import Commands

ENDED = messages.error(problem(Known.STOPPED))
SOON = 0.1
"""Seconds in which the answer to SHUTDOWN goes out before the process does."""


def pause(house: House, database: str | None, commands: Commands) -> Answer:
    """Done when no server connection is left."""
    holds = house.pools.holds
    if database is None:
        _everything(house, "paused", "already suspended/paused", commands)
    else:
        holds.pause(database_of(house, database, "pause"))
        _hold(house, database, commands)
    gone = partial(_none, house, database, _connections)
    back = partial(_is_free, house, database)
    return Until(gone, replies.done("PAUSE"), back)


def suspend(house: House, _: str | None, commands: Commands) -> Answer:
    """Done when every statement and transaction under way has ended."""
    if house.pools.holds.any_paused:
        raise Denied(Known.COMMAND_FAILED, "cannot suspend with paused databases", "RESUME them first.")
    _everything(house, "suspended", "already suspended/paused", commands)
    still = partial(_none, house, None, lambda pool: pool.servers_active)
    return Until(still, replies.done("SUSPEND"), partial(_is_free, house, None))


def resume(house: House, database: str | None, commands: Commands) -> Answer:
    holds = house.pools.holds
    if database is None:
        if holds.everything == "none":
            hint = "A database that was paused by name is resumed by name." if holds.any_paused else ""
            raise Denied(Known.COMMAND_FAILED, "pooler is not paused/suspended", hint)
        holds.everything = "none"
    elif not holds.paused(database_of(house, database, "resume")):
        raise Denied(Known.COMMAND_FAILED, f"database {database} is not paused")
    else:
        holds.resume(database)
    _hold(house, database, commands)
    for pool in house.pools.of(database):
        if house.pools.held(pool) == "none":
            commands += house.upstream.resumed(pool)
    return replies.done("RESUME")


def disable(house: House, database: str | None, _: Commands) -> Answer:
    house.pools.holds.disable(database_of(house, _required(database), "disable"))
    return replies.done("DISABLE")


def enable(house: House, database: str | None, _: Commands) -> Answer:
    house.pools.holds.enable(database_of(house, _required(database), "enable"))
    return replies.done("ENABLE")


def kill(house: House, database: str | None, commands: Commands) -> Answer:
    """The database stays paused, so that who comes back waits until it is resumed."""
    name = database_of(house, _required(database), "kill")
    house.pools.holds.pause(name)
    _hold(house, name, commands)
    commands += [Kill(pool, ENDED) for pool in (*house.pools.of(name), *house.pools.lines_of(name))]
    return replies.done("KILL")


def kill_client(_house: House, which: str | None, _: Commands) -> Answer:
    if which is None or not which.isascii() or not which.isdecimal() or len(which) > 19:
        raise Denied(Known.BAD_COMMAND, "the id of a client is required", "SHOW CLIENTS has it as id.")
    conn = int(which)

    def found(all_of_them: Found) -> tuple[Commands, bytes]:
        if not connections.is_client(all_of_them, conn):
            return [], replies.failure(problem(Known.UNKNOWN_OBJECT, what="client not found"))
        return [Close(conn, ENDED)], replies.done("KILL_CLIENT")

    return Listing(found)


def reconnect(house: House, database: str | None, commands: Commands) -> Answer:
    if database is not None:
        database_of(house, database, "reconnect")
    commands += [Recycle(pool) for pool in house.pools.of(database)]
    return replies.done("RECONNECT")


def wait_close(house: House, database: str | None, _: Commands) -> Answer:
    """Done when the connections that a RECONNECT or a RELOAD outdated have closed."""
    if database is not None:
        database_of(house, database, "wait in")
    return Until(partial(_none, house, database, lambda pool: pool.servers_old), replies.done("WAIT_CLOSE"))


def reload(house: House, _: str | None, commands: Commands) -> Answer:
    commands += house.reloader.reload()
    return replies.done("RELOAD")


def set_value(house: House, said: str | None, commands: Commands) -> Answer:
    """`said` is key and value, a line each."""
    key, _, written = (said or "").partition("\n")
    try:
        snapshot = change(house.directory.snapshot, key, written, datetime.now(UTC))
    except RefusedError as why:
        raise Denied(Known.COMMAND_FAILED, f"{key}: {why.what}", why.fix) from why
    commands += house.reloader.change(key, snapshot, written)
    return replies.done("SET")


def shutdown(house: House, how: str | None, commands: Commands) -> Answer:
    endings: dict[str | None, Ending] = {
        None: "now",
        "WAIT_FOR_CLIENTS": "clients",
        "WAIT_FOR_SERVERS": "servers",
    }
    ending = endings.get(how.upper() if how is not None else None)
    if ending is None:
        raise Denied(Known.BAD_COMMAND, "the end may wait for clients or for servers",
                     "SHUTDOWN, SHUTDOWN WAIT_FOR_CLIENTS or SHUTDOWN WAIT_FOR_SERVERS.")  # fmt: skip
    if ending == "servers":
        house.pools.holds.everything = "paused"
        _hold(house, None, commands)

    def leave() -> Commands:
        house.end(ending)
        return []

    house.outside.later(SOON, leave)
    return replies.done("SHUTDOWN")


def _required(database: str | None) -> str:
    if database is None:
        raise Denied(Known.BAD_COMMAND, "a database is required")
    return database


def _everything(house: House, hold: Hold, already: str, commands: Commands) -> None:
    if house.pools.holds.everything != "none":
        raise Denied(Known.COMMAND_FAILED, already, "RESUME ends that.")
    house.pools.holds.everything = hold
    _hold(house, None, commands)


def _hold(house: House, database: str | None, commands: Commands) -> None:
    commands += [native.Hold(pool, house.pools.held(pool)) for pool in house.pools.of(database)]


def _is_free(house: House, database: str | None) -> bool:
    holds = house.pools.holds
    return (holds.everything if database is None else holds.of(database)) == "none"


def _connections(pool: PoolFigures) -> int:
    return pool.servers_active + pool.servers_idle + pool.servers_opening


def _none(house: House, database: str | None, of: Callable[[PoolFigures], int]) -> bool:
    numbers = set(house.pools.of(database))
    return not any(of(pool) for pool in house.source.pools() if pool.pool in numbers)
