"""Takes a statement of the console, gives its reply: at once, when every carrier has answered, or when something holds.

It owns the answers that are still to come, and their bounds.
"""

import logging
from functools import partial

import msgspec

from protocols.postgres import replies
from protocols.postgres.errors import Known, problem
from proxy.admin.commands import Command, table_of
from proxy.admin.extended import Extended, Unit
from proxy.admin.figures import Statistics
from proxy.admin.place import Answer, Denied, Found, House, Listing, Until
from proxy.admin.words import read
from proxy.log import note
from proxy.native import AnswerNeeded, List, Listed, Reply, UnitNeeded
from proxy.outside import Commands, Timer
from proxy.reload import Refused

logger = logging.getLogger(__name__)

MOST = 64
"""Answers to come: further commands that take time are refused."""
LOOK_AGAIN = 0.05
SELDOM = 0.5
"""Seconds after which it is looked again whether something holds: at first, and in the long run."""
PATIENCE = 10.0
"""Seconds for the carriers to list their connections."""
_OF_TWO = frozenset({"SHOW", "BLOCK", "UNBLOCK"})
"""Words of which the next is a part of the command."""


class _Question(msgspec.Struct, frozen=True):
    """A command, and who asks."""

    conn: int
    ticket: int
    base: int
    text: bytes
    unit: Unit | None = None
    """What it came in, where that was the extended protocol."""


class _Asked:
    """A listing under way."""

    def __init__(self, event: _Question, listing: Listing) -> None:
        self.event = event
        self.listing = listing
        self.found = Found([])
        self.timer: Timer | None = None


class Console:
    """The administrator's console."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._table = table_of(Statistics(house.outside.now()))
        self._extended = Extended(self._columns)
        self._asked: dict[int, _Asked] = {}
        self._tickets = 0
        self._waiting = 0

    def answer(self, event: AnswerNeeded) -> Commands:
        return self._answer(_Question(event.conn, event.ticket, event.base, event.text))

    def unit(self, event: UnitNeeded) -> Commands:
        """A command in the extended protocol."""
        unit = self._extended.unit(event.conn, event.unit)
        return self._go_on(_Question(event.conn, event.ticket, event.base, b"", unit), unit.after())

    def _reply(self, event: _Question, data: bytes) -> Commands:
        """The command has its reply: then the next one of its unit."""
        if event.unit is None:
            return [Reply(event.conn, event.ticket, data)]
        return self._go_on(event, event.unit.after(data))

    def _go_on(self, event: _Question, text: bytes | None) -> Commands:
        if text is not None:
            return self._answer(_Question(event.conn, event.ticket, event.base, text, event.unit))
        return [Reply(event.conn, event.ticket, event.unit.said)] if event.unit is not None else []

    def _columns(self, text: bytes) -> tuple[tuple[str, int], ...] | None:
        try:
            return self._find(read(text))[0].shows
        except Denied:
            return None

    def _answer(self, event: _Question) -> Commands:
        commands: Commands = []
        try:
            found = self._run(event, commands)
        except Denied as denied:
            found = replies.failure(denied.problem)
        except Refused as refused:
            found = replies.failure(problem(Known.COMMAND_FAILED, what=str(refused)))
        return [*commands, *self._deliver(event, found)]

    def listed(self, event: Listed) -> Commands:
        """One carrier's answer."""
        asked = self._asked.get(event.ticket)
        if asked is None:
            return []
        asked.found.parts.append(event)
        if len(asked.found.parts) < event.of:
            return []
        del self._asked[event.ticket]
        if asked.timer is not None:
            asked.timer.cancel()
        commands, reply = asked.listing.reply(asked.found)
        return [*commands, *self._reply(asked.event, reply)]

    def _run(self, event: _Question, commands: Commands) -> Answer:
        base = self._house.bases.base(event.base)
        directory = self._house.directory
        if base is None or not base.admin or not directory.watches(base.user):
            raise Denied(Known.COMMAND_DENIED, "this needs a user of admin.users or admin.stats_users")
        words = read(event.text)
        command, rest = self._find(words)
        if not command.watchers and not directory.administers(base.user):
            raise Denied(
                Known.COMMAND_DENIED, "this needs a user of admin.users", "stats_users may only look."
            )
        if not command.watchers:
            # Of SET the key alone.
            about = rest.partition("\n")[0] if rest is not None else ""
            note(
                logger,
                logging.INFO,
                "an order of the console",
                user=base.user,
                order=words[0].upper() if words else "",
                about=about,
            )
        return command.run(self._house, rest, commands)

    def _find(self, words: tuple[str, ...] | None) -> tuple[Command, str | None]:
        """The command, and what follows its words."""
        words = words or ()
        if len(words) == 3 and words[0] == "SET":
            return self._table["SET",], "\n".join(words[1:])
        if len(words) == 4 and words[0] == "EXPLAIN":
            return self._table["EXPLAIN", "PLAN", "FOR"], "\n".join(words[1:])
        length = 2 if words and words[0].upper() in _OF_TWO else 1
        command = self._table.get(tuple(word.upper() for word in words[:length]))
        rest = words[length:]
        if command is None or len(rest) > (1 if command.takes else 0) or command.takes == "key = value":
            hint = "SHOW HELP lists the commands."
            raise Denied(Known.BAD_COMMAND, "the console has no such command", hint)
        return command, rest[0] if rest else None

    def _deliver(self, event: _Question, answer: Answer) -> Commands:
        match answer:
            case bytes():
                return self._reply(event, answer)
            case Until():
                return self._wait(event, answer)
            case Listing():
                return self._ask(event, answer)

    def _ask(self, event: _Question, listing: Listing) -> Commands:
        if len(self._asked) >= MOST:
            return self._busy(event)
        self._tickets += 1
        ticket, asked = self._tickets, _Asked(event, listing)
        self._asked[ticket] = asked
        asked.timer = self._house.outside.later(PATIENCE, partial(self._late, ticket))
        return [List(ticket)]

    def _late(self, ticket: int) -> Commands:
        asked = self._asked.pop(ticket, None)
        if asked is None:
            return []
        said = problem(Known.COMMAND_FAILED, what="a carrier did not say in time which connections it has")
        return self._reply(asked.event, replies.failure(said))

    def _wait(self, event: _Question, until: Until) -> Commands:
        if until.holds():
            return self._reply(event, until.reply)
        if self._waiting >= MOST:
            return self._busy(event)
        self._waiting += 1
        self._house.outside.later(LOOK_AGAIN, partial(self._look, event, until, LOOK_AGAIN))
        return []

    def _look(self, event: _Question, until: Until, pause: float) -> Commands:
        if until.void():
            self._waiting -= 1
            said = problem(Known.COMMAND_FAILED, what="it was resumed meanwhile")
            return self._reply(event, replies.failure(said))
        if not until.holds():
            pause = min(SELDOM, 1.2 * pause)
            self._house.outside.later(pause, partial(self._look, event, until, pause))
            return []
        self._waiting -= 1
        return self._reply(event, until.reply)

    def _busy(self, event: _Question) -> Commands:
        what = f"{MOST} commands of the console wait already; what this one began goes on"
        return self._reply(event, replies.failure(problem(Known.COMMAND_FAILED, what=what)))
