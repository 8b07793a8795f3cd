"""Somebody who works on while others misbehave."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.load import wire
from tests.load.house import until
from tests.load.wire import Wire


@asynccontextmanager
async def neighbour(port: int) -> AsyncIterator[None]:
    """Asks all the time, on one connection, and checks every answer. Whoever harms it fails the block."""
    over = asyncio.Event()
    count = 0

    async def work() -> None:
        nonlocal count
        line = await Wire.open(port)
        while not over.is_set():
            count += 1
            answer = await line.ask(wire.query(f"SELECT 'mark {count}', repeat('x', 100)"))
            assert answer.rows == [[f"mark {count}", "x" * 100]], answer
            await asyncio.sleep(0.002)
        line.leave()

    task = asyncio.create_task(work())
    try:
        yield
        before = count

        async def works_on() -> bool:
            return count >= before + 3 or task.done()

        assert await until(works_on)
    finally:
        over.set()
        async with asyncio.timeout(30):
            await task
