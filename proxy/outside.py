"""What the rooms of the brain need of the world: time, work that takes time, and word to the core.

It owns no decision. The real one drives the event loop; tests give one they turn by hand, so that a
conversation has no clock and no chance in it.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Protocol, TypeVar

from proxy.native import Command

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")
Commands = list[Command]


class Timer(Protocol):
    """Something that will happen, unless cancelled."""

    def cancel(self) -> None: ...


class Outside(Protocol):
    """The world, as far as the brain needs it."""

    def now(self) -> float:
        """Seconds on a clock that never goes back."""
        ...

    def later(self, seconds: float, call: Callable[[], Commands]) -> Timer:
        """Apply what `call` returns after so many seconds, unless cancelled."""
        ...

    def start(self, work: Coroutine[object, object, Commands]) -> None:
        """Let `work` run beside everything else and apply what it returns."""
        ...

    def compute(self, work: Callable[[], Answer], then: Callable[[Answer], Commands]) -> None:
        """Run CPU-heavy `work` off the loop, then apply what `then` makes of its answer."""
        ...


class Loop:
    """Outside on the running event loop. Work that raises is logged: it must never end the process."""

    def __init__(self, apply: Callable[[Commands], None]) -> None:
        self._apply = apply
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    def now(self) -> float:
        return self._loop.time()

    def later(self, seconds: float, call: Callable[[], Commands]) -> Timer:
        return self._loop.call_later(seconds, self._deliver, call)

    def start(self, work: Coroutine[object, object, Commands]) -> None:
        task = self._loop.create_task(self._finish(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def compute(self, work: Callable[[], Answer], then: Callable[[Answer], Commands]) -> None:
        async def through_a_thread() -> Commands:
            return then(await self._loop.run_in_executor(None, work))

        self.start(through_a_thread())

    async def close(self) -> None:
        """Abandon what is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _finish(self, work: Coroutine[object, object, Commands]) -> None:
        try:
            self._apply(await work)
        except Exception:
            logger.exception("a defect: work of the brain failed")

    def _deliver(self, call: Callable[[], Commands]) -> None:
        try:
            self._apply(call())
        except Exception:
            logger.exception("a defect: a timer of the brain failed")
