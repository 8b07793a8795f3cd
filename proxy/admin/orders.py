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
from protocols.postgres.types import Problem
from proxy import native
from proxy.admin import connections
from proxy.admin.place import Answer, Denied, Ending, Found, House, Listing, Until, database_of, held_or_used
from proxy.admin.words import written
from proxy.holds import Hold
from proxy.native import Close, Kill, PoolFigures, Recycle
from proxy.outside import Commands

ENDED = messages.error(problem(Known.STOPPED))
SOON = 0.1
"""Seconds in which the answer to SHUTDOWN goes out before the process does."""


def pause(house: House, database: str | None, commands: Commands) -> Answer:
    """Done when no server connection is left."""
    said = b""
    if database is None:
        _everything(house, "paused", "already suspended/paused", commands)
    else:
        database = database_of(house, database, "pause")
        said = _unheard_of(house, database, f"RESUME {written(database)} takes this back.")
        house.pools.holds.pause(database)
        _hold(house, database, commands)
    gone = partial(_none, house, database, _connections)
    back = partial(_is_free, house, database)
    return Until(gone, said + replies.done("PAUSE"), back)


def suspend(house: House, _: str | None, commands: Commands) -> Answer:
    """Done when every statement and transaction under way has ended."""
    paused = house.pools.holds.all_paused
    if paused:
        hint = f"RESUME them first: {', '.join(map(written, paused))}."
        raise Denied(Known.COMMAND_FAILED, "cannot suspend with paused databases", hint)
    _everything(house, "suspended", "already suspended/paused", commands)
    still = partial(_none, house, None, lambda pool: pool.servers_active)
    return Until(still, replies.done("SUSPEND"), partial(_is_free, house, None))


def resume(house: House, database: str | None, commands: Commands) -> Answer:
    holds = house.pools.holds
    if database is None:
        if holds.everything == "none":
            paused = ", ".join(map(written, holds.all_paused))
            hint = f"A database that was paused by name is resumed by name: {paused}." if paused else ""
            raise Denied(Known.COMMAND_FAILED, "pooler is not paused/suspended", hint)
        holds.everything = "none"
    else:
        database = _known(house, database, "resume")
        if not holds.paused(database):
            raise Denied(Known.COMMAND_FAILED, f"database {database} is not paused")
        holds.resume(database)
    _hold(house, database, commands)
    for pool in house.pools.of(database):
        if house.pools.held(pool) == "none":
            commands += house.upstream.resumed(pool)
    return replies.done("RESUME")


def disable(house: House, database: str | None, _: Commands) -> Answer:
    name = database_of(house, _required(database), "disable")
    said = _unheard_of(house, name, f"ENABLE {written(name)} takes this back.")
    house.pools.holds.disable(name)
    return said + replies.done("DISABLE")


def enable(house: House, database: str | None, _: Commands) -> Answer:
    house.pools.holds.enable(_known(house, _required(database), "enable"))
    return replies.done("ENABLE")


def kill(house: House, database: str | None, commands: Commands) -> Answer:
    """The database stays paused, so that who comes back waits until it is resumed."""
    name = database_of(house, _required(database), "kill")
    said = _unheard_of(
        house, name, f"It is paused now, as after every KILL: RESUME {written(name)} takes this back."
    )
    house.pools.holds.pause(name)
    _hold(house, name, commands)
    commands += [Kill(pool, ENDED) for pool in (*house.pools.of(name), *house.pools.lines_of(name))]
    return said + replies.done("KILL")


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
    said = b""
    if database is not None:
        database = database_of(house, database, "reconnect")
        said = _unheard_of(house, database)
    commands += [Recycle(pool) for pool in house.pools.of(database)]
    return said + replies.done("RECONNECT")


def wait_close(house: House, database: str | None, _: Commands) -> Answer:
    """Done when the connections that a RECONNECT or a RELOAD outdated have closed."""
    said = b""
    if database is not None:
        database = database_of(house, database, "wait in")
        said = _unheard_of(house, database)
    gone = partial(_none, house, database, lambda pool: pool.servers_old)
    return Until(gone, said + replies.done("WAIT_CLOSE"))


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


def _known(house: House, database: str, verb: str) -> str:
    """As database_of, where a name of `*` that nobody has used is no database either, as PgBouncer has it."""
    name = database_of(house, database, verb)
    if not held_or_used(house, name):
        raise Denied(Known.UNKNOWN_OBJECT, f"no such database: {database}")
    return name


def _unheard_of(house: House, name: str, hint: str = "") -> bytes:
    """A warning before the answer, where an order is for a name of `*` that may be a slip. It is carried out all the
    same, as PgBouncer does it: a database can be held before its first client comes."""
    if held_or_used(house, name):
        return b""
    what = f'nobody has used database "{name}" since the start: only "*" makes it one'
    return messages.notice(Problem("WARNING", "01000", what, hint=hint))


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
