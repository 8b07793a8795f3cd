"""What clients do to each other's detriment: leaving in the midst, cancelling, running out of time, reading slowly.

Acts as in `tests/load/work.py`; none of them may be felt by another client.
"""

import asyncio
from contextlib import suppress

from tests.load import wire
from tests.load.wire import Gone
from tests.load.work import Act, Caller, Wrong, consider, expect, filler


async def leave_waiting(caller: Caller) -> int:
    """Gone before the answer came, perhaps before the statement is sent on."""
    mark = caller.mark()
    caller.wire.send(
        caller.chance.choice(
            (
                wire.query(f"SELECT '{mark}', pg_sleep(0.01)"),
                wire.query(f"SELECT '{mark}'"),
                wire.query(f"SELECT '{mark}'")[:-5],
                wire.query("BEGIN") + wire.query(f"SELECT '{mark}'"),
                wire.parse("p0", f"SELECT '{mark}'") + wire.FLUSH,
                wire.parse("", f"SELECT '{mark}', pg_sleep(0.01)")
                + wire.bind("", [])
                + wire.execute()
                + wire.SYNC,
                wire.query("COPY (SELECT generate_series(1, 100000)) TO STDOUT"),
            )
        )
    )
    await asyncio.sleep(caller.chance.choice((0, 0, 0.005)))
    caller.hang_up()
    await caller.open()
    return 0


async def leave_reading(caller: Caller) -> int:
    """Gone in the middle of a large result."""
    mark = caller.mark()
    caller.wire.send(wire.query(f"SELECT '{mark}', repeat('x', 2000) FROM generate_series(1, 1000)"))
    await caller.wire.something()
    caller.hang_up()
    await caller.open()
    return 0


async def leave_politely(caller: Caller) -> int:
    caller.wire.leave()
    caller.line = None
    await caller.open()
    return 0


async def read_slowly(caller: Caller) -> int:
    """More than any buffer holds, not read for a while."""
    mark, count = caller.mark(), 2_500
    text = filler(mark, 3_000)
    caller.wire.narrow(65_536)
    caller.wire.pause()
    statement = f"SELECT '{mark}', g, repeat('{text[:1]}', {len(text)}) FROM generate_series(1, {count}) g"
    caller.wire.send(wire.query(statement))
    await asyncio.sleep(0.1)
    caller.wire.resume()
    (answer,) = await caller.wire.replies()
    expect(caller, answer, [[mark, str(g), text] for g in range(1, count + 1)])
    return 1


async def time_out(caller: Caller) -> int:
    """The server's own statement timeout, for one transaction."""
    mark = caller.mark()
    text = f"BEGIN; SET LOCAL statement_timeout = 10; SELECT '{mark}', pg_sleep(20)"
    answer = await caller.wire.ask(wire.query(text))
    if answer.error is None or answer.error.code != "57014" or "timeout" not in answer.error.message:
        consider(caller, answer)
        raise Wrong(f"{caller.doing}: {answer.error or answer.rows} instead of the statement timeout")
    expect(caller, await caller.wire.ask(wire.query("ROLLBACK")), [])
    return 2


async def cancel_running(caller: Caller) -> int:
    """A long statement ends by its own client's request."""
    if not may_cancel(caller):
        return 0
    mark, heard = caller.mark(), asyncio.Event()
    caller.wire.send(wire.query(f"SELECT '{mark}', pg_sleep(60)"))
    asking = asyncio.create_task(_cancel_until(heard, caller))
    try:
        (answer,) = await caller.wire.replies()
        heard.set()
        await asking
    finally:
        asking.cancel()
    if answer.error is None or answer.error.code != "57014" or "user request" not in answer.error.message:
        consider(caller, answer)
        raise Wrong(f"{caller.doing}: {answer.error or answer.rows} instead of the cancellation")
    return await _settle(caller) + 1


async def cancel_short(caller: Caller) -> int:
    """A request that may come too late, for a statement that may ride with others': its own answer or the error."""
    if not may_cancel(caller):
        return 0
    mark = caller.mark()
    caller.wire.send(wire.query(f"SELECT '{mark}'"))
    await wire.cancel(caller.port, caller.wire.key)
    (answer,) = await caller.wire.replies()
    if answer.error is None:
        expect(caller, answer, [[mark]])
    elif answer.error.code != "57014":
        consider(caller, answer)
        raise Wrong(f"{caller.doing}: {answer.error} for {mark}")
    return await _settle(caller) + 1


def may_cancel(caller: Caller) -> bool:
    """Most clients never ask for it: what is cancelled of theirs was a neighbour's request."""
    return caller.number % 4 == 3


async def _cancel_until(heard: asyncio.Event, caller: Caller) -> None:
    """A request that arrives while the statement is not running yet may rightly be without effect."""
    while not heard.is_set():
        await wire.cancel(caller.port, caller.wire.key)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await heard.wait()


async def _settle(caller: Caller) -> int:
    """The request was taken before we went on: it may have been late for its statement, and is forgotten then."""
    for attempt in range(20):
        mark = caller.mark()
        answer = await caller.wire.ask(wire.query(f"SELECT '{mark}'"))
        if answer.error is None:
            expect(caller, answer, [[mark]])
            return attempt + 1
        if answer.error.code == "57014":
            continue
        consider(caller, answer)
        raise Wrong(f"{caller.doing}: {answer.error} after a cancel request")
    raise Wrong(f"{caller.doing}: cancelled again and again")


async def die_by_server(caller: Caller) -> int:
    """Its server connection is ended from the server's side, in its own transaction: it is told, and nobody else is."""
    caller.wire.send(wire.query("BEGIN; SELECT pg_terminate_backend(pg_backend_pid())"))
    try:
        await caller.wire.replies()
    except Gone as gone:
        if gone.said is None or gone.said.code != "57P01":
            raise Wrong(f"{caller.doing}: {gone} instead of the server's own words") from gone
    else:
        raise Wrong(f"{caller.doing}: an answer from a connection that was ended")
    caller.hang_up()
    await caller.open()
    return 1


TROUBLE: dict[Act, int] = {
    leave_waiting: 3,
    leave_reading: 1,
    leave_politely: 1,
    read_slowly: 1,
    time_out: 1,
    cancel_running: 2,
    cancel_short: 6,
    die_by_server: 1,
}
"""How often each is done, relative to the others and to `ACTS`."""
