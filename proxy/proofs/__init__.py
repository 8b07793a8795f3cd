"""Passwords that somebody outside judges: an LDAP directory, the machine's PAM.

It owns how many are asked about at a time, and that each answer comes within its time. It knows no client and keeps no
password. Who is asked is a room each; what was asked for is a rule of a listener.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from config.sections.rules import Rule
from protocols.postgres.errors import Known, problem
from proxy.proofs import directory, pam
from proxy.proofs.verdict import NoVerdict

__all__ = ["ELSEWHERE", "NO_VERDICT", "Judge", "NoVerdict", "Proofs"]

ELSEWHERE = ("ldap", "pam")
"""The methods whose passwords are judged here."""
NO_VERDICT = problem(Known.SERVER_DOWN, what="who may log in cannot be asked now; the proxy's log says why")
"""What the client hears then; the reason is for the log."""
MOST = 8
"""Asked about at a time: each holds a thread or a process."""
MOST_WAITING = 200
"""In the queue behind them; the next is turned away."""
Answer = TypeVar("Answer")


class Judge(Protocol):
    """`Proofs.judge`, or what a test puts in its place."""

    def __call__(
        self, rule: Rule, user: str, password: bytes, host: str, wanted: Callable[[], bool]
    ) -> Awaitable[bool]: ...


class Proofs:
    """Everybody who is being asked about."""

    def __init__(self, most: int = MOST, most_waiting: int = MOST_WAITING) -> None:
        self._most = most
        self._most_waiting = most_waiting
        self._busy = 0
        self._queue: deque[asyncio.Future[None]] = deque()

    async def judge(
        self, rule: Rule, user: str, password: bytes, host: str, wanted: Callable[[], bool]
    ) -> bool:
        """Whether it is this user's password. `wanted` is asked when its turn has come: is it still of use to know?
        Raises NoVerdict where nobody could say, in time or at all."""
        said = rule.ldap if rule.auth == "ldap" else rule.pam
        if said is None:
            raise NoVerdict(f"nothing is configured to ask for {rule.auth}")
        try:
            async with asyncio.timeout(said.timeout.seconds):
                await self._turn()
                if not wanted():
                    self._over()
                    raise NoVerdict("nobody wants to know any more")
                if rule.auth == "ldap" and rule.ldap is not None:
                    return await self._in_a_thread(directory.asks(rule.ldap, user, password))
                try:
                    assert rule.pam is not None
                    return await pam.ask(rule.pam, user, password, host)
                finally:
                    self._over()
        except TimeoutError:
            raise NoVerdict(f"{rule.auth} gave no answer within {said.timeout}") from None

    async def _turn(self) -> None:
        if self._busy < self._most:
            self._busy += 1
            return
        if len(self._queue) >= self._most_waiting:
            raise NoVerdict("too many passwords wait to be judged")
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._over()  # the turn came in the moment of giving up: it is the next one's
            elif mine in self._queue:
                self._queue.remove(mine)
            raise

    def _over(self) -> None:
        while self._queue:
            following = self._queue.popleft()
            if not following.done():
                following.set_result(None)
                return
        self._busy -= 1

    async def _in_a_thread(self, work: Callable[[], Answer]) -> Answer:
        """A thread that nobody waits for at the end. It keeps its place until it is through, however late."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()

        def settle(outcome: Answer | Exception) -> None:
            self._over()
            if answer.done():
                return
            if isinstance(outcome, Exception):
                answer.set_exception(outcome)
            else:
                answer.set_result(outcome)

        def run() -> None:
            try:
                outcome: Answer | Exception = work()
            except Exception as error:  # noqa: BLE001 - handed on to who waits
                outcome = error
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle, outcome)

        threading.Thread(target=run, name="proof", daemon=True).start()
        return await answer
