"""Clients until they are admitted: start-up, proof of identity, the right to a database, and a truthful greeting.

It owns every client log-in under way. It never speaks of whether a user exists before the exchange is over, and
keeps nothing of a client once it is admitted or gone. Longer than most rooms: its steps are one after the other on one
client's state, and a reader wants to see that none can be skipped.
"""

import logging
from collections.abc import Callable
from functools import lru_cache, partial

import msgspec

from plugins.blocked import Blocked
from protocols.postgres import messages
from protocols.postgres.auth import ClientAuth
from protocols.postgres.credential import Credential
from protocols.postgres.errors import AuthFailed, Known, UpstreamError, WireError, problem
from protocols.postgres.session import Startup as Asked
from protocols.postgres.session import read
from protocols.postgres.types import Problem, Step
from proxy.attempts import Attempts, host
from proxy.bases import Base, Bases
from proxy.directory import Directory, Place
from proxy.entrant import UNASKED, Entrant, exchange, name_of, parsed, received
from proxy.greeting import Introductions, console
from proxy.lines import Lines
from proxy.log import note
from proxy.lookups import Lookups
from proxy.native import Admit, AuthMessage, Close, Closed, Send, Startup, Tie
from proxy.outside import Commands, Outside
from proxy.profiles import Outcome, Profiles
from proxy.proofs import ELSEWHERE, NO_VERDICT, Judge, NoVerdict
from proxy.rules import decide
from proxy.serverlogin import Made
from proxy.trials import Trials
from proxy.upstream import Upstream

logger = logging.getLogger(__name__)

LONGEST_KEPT = 1024
KEPT = 256
"""So many startup packets, none longer, are understood once: clients of one program send the same."""

Then = Callable[[Credential | None], Commands]


class LogIns:
    """All client log-ins of the process."""

    def __init__(
        self,
        outside: Outside,
        directory: Directory,
        upstream: Upstream,
        trials: Trials,
        profiles: Profiles,
        bases: Bases,
        lookups: Lookups,
        lines: Lines,
        asks: Judge,
        blocked: Blocked,
        *,
        nonce: Callable[[int], bytes],
        secret: bytes,
        version: str,
    ) -> None:
        self._version = version
        self._outside = outside
        self._directory = directory
        self._upstream = upstream
        self._trials = trials
        self._profiles = profiles
        self._bases = bases
        self._lookups = lookups
        self._lines = lines
        self._asks = asks
        self._blocked = blocked
        self._nonce = nonce
        self._secret = secret
        self._attempts = Attempts(outside.now)
        self._clients: dict[int, Entrant] = {}
        self._credentials: dict[str, tuple[str, Credential]] = {}
        self._deriving: dict[tuple[str, str], list[tuple[Entrant, Then]]] = {}
        """Who waits for a credential that is being worked out: once for all who come meanwhile."""
        self._introductions = Introductions()
        self._kept = lru_cache(KEPT)(read)

    @property
    def under_way(self) -> int:
        """Log-ins that have not ended."""
        return len(self._clients)

    # --- events ----------------------------------------------------------------------------------

    def startup(self, event: Startup) -> Commands:
        pause = self._locked_out(event.peer)
        if pause is not None:
            return self._refuse(event.conn, event.peer, pause)
        if len(self._clients) >= self._directory.most_clients:
            return self._refuse(event.conn, event.peer, problem(Known.TOO_MANY_CLIENTS))
        door = self._directory.door(event.listener)
        if door is None:
            return self._refuse(event.conn, event.peer, problem(Known.STOPPED))
        try:
            short = len(event.body) <= LONGEST_KEPT
            asked = (self._kept if short else read)(event.version, event.body)
        except WireError as error:
            return self._refuse(event.conn, event.peer, error.problem)
        rule = decide(
            door.ways,
            peer=event.peer,
            local=event.uid is not None,
            database=None if asked.replication == "physical" else self._directory.called(asked.database),
            user=asked.user,
            tls=event.tls,
        )
        if isinstance(rule, Problem):
            return self._refuse(event.conn, event.peer, rule, asked)
        client = Entrant(event.conn, event.peer, door, rule, asked)
        self._clients[event.conn] = client
        if client.method == "peer":
            return self._is_peer(client, event.uid)
        return self._with_credential(client, partial(self._begin, client, tls=event.tls, cert=event.cert))

    def message(self, event: AuthMessage) -> Commands:
        client = self._clients.get(event.conn)
        if client is None:
            return []
        if client.auth is None or client.auth.done or client.busy:
            said = problem(Known.PROTOCOL, what="unexpected message during log-in")
            return self._fail(client, said)
        if client.method in ELSEWHERE:
            return self._ask_elsewhere(client, client.auth, event)
        step = partial(received, client.auth, event.kind, event.body)
        if client.method != "password":
            return self._stepped(client, step())
        # A password in clear is checked by deriving the keys anew: too long for the loop.
        client.busy = True
        self._outside.compute(step, partial(self._stepped, client))
        return []

    def closed(self, event: Closed) -> Commands:
        client = self._clients.get(event.conn)
        if client is not None:
            self._drop(client)
        self._left(event.conn)
        return []

    def abandon(self, conn: int) -> None:
        """The caller closed it."""
        if conn in self._clients:
            self._drop(self._clients[conn])
        self._left(conn)

    def _left(self, conn: int) -> None:
        self._directory.seats.leave(conn)
        self._lines.left(conn)

    # --- proof -----------------------------------------------------------------------------------

    def _with_credential(self, client: Entrant, then: Then) -> Commands:
        user = client.asked.user
        stored = self._directory.stored(user)
        if client.method in UNASKED or client.method in ELSEWHERE:
            return then(None)
        if stored is None:
            return self._looked_up(client, then)
        kept = self._credentials.get(user)
        if kept is not None and kept[0] == stored:
            return then(kept[1])

        def derived(credential: Credential | None) -> Commands:
            if credential is not None and self._directory.stored(user) == stored:
                self._credentials[user] = (stored, credential)
            commands: Commands = []
            for one, go_on in self._deriving.pop((user, stored), []):
                one.busy = False
                if self._clients.get(one.conn) is one:
                    commands += go_on(credential)
            return commands

        client.busy = True
        waiting = self._deriving.setdefault((user, stored), [])
        waiting.append((client, then))
        if len(waiting) == 1:
            self._outside.compute(partial(parsed, stored, user, self._secret), derived)
        return []

    def _looked_up(self, client: Entrant, then: Then) -> Commands:
        asked = client.asked
        physical = asked.replication == "physical"
        client.where, commands = self._directory.lookup(asked.database, asked.user, physical=physical)
        if client.where is None:
            return then(None)

        def found(outcome: Credential | Problem | None) -> Commands:
            client.busy = False
            if client.conn not in self._clients:
                return []
            return self._fail(client, outcome) if isinstance(outcome, Problem) else then(outcome)

        client.busy = True
        return commands + self._lookups.find(client.where, asked.user, client.conn, found)

    def _doubt(self, client: Entrant) -> None:
        """What was looked up for it may be of yesterday."""
        if client.where is not None:
            self._lookups.doubt(client.where.section, client.asked.user)

    def _is_peer(self, client: Entrant, uid: int | None) -> Commands:
        """Whether the process at the other end is the system's user of that name."""

        def named(name: str | None) -> Commands:
            client.busy = False
            if client.conn not in self._clients:
                return []
            if name is None or name != client.asked.user:
                failed = AuthFailed(problem(Known.PEER_FAILED, user=client.asked.user))
                return self._stepped(client, failed)
            return self._begin(client, None, tls=False, cert=None)

        client.busy = True
        # The system may have to ask a directory.
        self._outside.compute(partial(name_of, uid), named)
        return []

    def _ask_elsewhere(self, client: Entrant, auth: ClientAuth, event: AuthMessage) -> Commands:
        """The password is for somebody else to judge."""
        try:
            password = auth.password(event.kind, event.body)
        except WireError as error:
            return self._stepped(client, error)
        client.busy = True
        self._outside.start(self._judge(client, auth, password))
        return []

    async def _judge(self, client: Entrant, auth: ClientAuth, password: bytes) -> Commands:
        user = client.asked.user

        def wanted() -> bool:
            return client.conn in self._clients and self._locked_out(client.peer) is None

        try:
            right = await self._asks(client.rule, user, password, host(client.peer), wanted)
        except NoVerdict as why:
            # Who guesses with many connections at once has passed the first look with all of them.
            pause = self._locked_out(client.peer)
            if pause is not None or client.conn not in self._clients:
                return self._stepped(client, UpstreamError(pause or NO_VERDICT))
            note(
                logger,
                logging.WARNING,
                "nobody could say whether a password is right",
                connection=client.conn,
                peer=client.peer,
                user=user,
                method=client.method,
                reason=str(why),
            )
            return self._stepped(client, UpstreamError(NO_VERDICT))
        try:
            # Who is unknown here was asked about all the same: it takes as long.
            step = auth.judged(right=right and self._directory.knows(user))
        except WireError as error:
            return self._stepped(client, error)
        client.keep(password)
        return self._stepped(client, step)

    def _locked_out(self, peer: str) -> Problem | None:
        """Too many log-ins from there have failed."""
        limits = self._directory.snapshot.limits
        return self._attempts.refusal(peer, limits.login_attempts, limits.login_window.seconds)

    def _begin(
        self, client: Entrant, credential: Credential | None, *, tls: bool, cert: bytes | None
    ) -> Commands:
        user = client.asked.user
        try:
            if client.method in UNASKED and not self._directory.knows(user):
                raise AuthFailed(problem(Known.UNKNOWN_ROLE, user=user))
            client.auth, first = ClientAuth.begin(
                exchange(client, credential),
                user,
                credential,
                tls=tls,
                binding=client.door.binding,
                nonce=self._nonce,
                secret=self._secret,
                cert=cert,
            )
        except WireError as error:
            return self._stepped(client, error)
        return self._stepped(client, Step(client.asked.answer + first, client.auth.done))

    def _stepped(self, client: Entrant, outcome: Step | WireError) -> Commands:
        client.busy = False
        if client.conn not in self._clients:
            return []
        if isinstance(outcome, WireError):
            if isinstance(outcome, AuthFailed):
                limits = self._directory.snapshot.limits
                if self._attempts.failed(client.peer, limits.login_window.seconds) == limits.login_attempts:
                    note(
                        logger,
                        logging.WARNING,
                        "an address is refused unheard: too many failed log-ins (limits.login_attempts)",
                        address=host(client.peer),
                        user=client.asked.user,
                        seconds=limits.login_window.seconds,
                    )
                self._doubt(client)
            return self._fail(client, outcome.problem)
        sent: Commands = [Send(client.conn, outcome.send)] if outcome.send else []
        return sent + self._enter(client) if outcome.done else sent

    # --- the database ----------------------------------------------------------------------------

    def _enter(self, client: Entrant) -> Commands:
        asked = client.asked
        console_of_ours = not asked.replication and self._directory.is_console(asked.database)
        if self._blocked.keeps_out(asked.user) and not console_of_ours:
            return self._fail(client, problem(Known.BLOCKED))
        if asked.replication:
            return self._replicate(client)
        if console_of_ours:
            if not self._directory.watches(asked.user):
                return self._fail(client, problem(Known.NO_ACCESS, database=asked.database))
            return self._admit(client, 0, console(asked, self._version), [], admin=True)
        place, commands = self._directory.place(client.conn, asked.database, asked.user)
        if isinstance(place, Problem):
            return self._fail(client, place)
        client.place = place
        if place.fixed:
            free = {name: value for name, value in asked.settings.items() if name not in place.fixed}
            client.asked = msgspec.structs.replace(asked, settings=free)
        if place.keyed and client.auth is not None and client.auth.keys is not None:
            self._upstream.show_keys(place.pool, client.auth.keys)
        if place.keyed and client.password is not None:
            self._upstream.show_password(place.pool, client.password)
        commands += self._upstream.profile(place.pool, client.conn, partial(self._has_own, client))
        if place.wait and client.conn in self._clients:
            # Most need not wait.
            client.timer = self._outside.later(place.wait, partial(self._late, client))
        return commands

    def _replicate(self, client: Entrant) -> Commands:
        asked = client.asked
        physical = asked.replication == "physical"
        place, commands = self._directory.line(client.conn, asked.database, asked.user, physical=physical)
        if isinstance(place, Problem):
            return self._fail(client, place)
        keys = client.auth.keys if client.auth is not None and place.keyed else None
        client.busy = True
        then = partial(self._has_line, client, place)
        return commands + self._lines.open(client.conn, asked, place, keys, client.password, then)

    def _has_line(self, client: Entrant, place: Place, outcome: Made | Problem) -> Commands:
        if client.conn not in self._clients:
            return [Close(outcome.conn, messages.TERMINATE)] if isinstance(outcome, Made) else []
        if isinstance(outcome, Problem):
            self._doubt(client)
            return self._fail(client, outcome)
        asked = client.asked
        base = self._bases.number(Base(client.door.name, asked.user, place.database))
        if base is None:
            refused = self._fail(client, problem(Known.TOO_MANY_CLIENTS))
            return [*refused, Close(outcome.conn, messages.TERMINATE)]
        self._drop(client)
        note(
            logger,
            logging.INFO,
            "client replicates",
            peer=client.peer,
            user=asked.user,
            database=place.database,
            kind=asked.replication,
        )
        shown = b"".join(messages.parameter_status(name, value) for name, value in outcome.reported.items())
        return [
            Tie(
                client.conn,
                outcome.conn,
                base=base,
                greeting=shown,
                pid=outcome.pid,
                secret=outcome.secret,
                key_bytes=asked.key_bytes,
            )
        ]

    def _has_own(self, client: Entrant, outcome: Outcome) -> Commands:
        if isinstance(outcome, Problem):
            self._doubt(client)
            return self._fail(client, outcome)
        if client.place is None:
            return []
        client.own = outcome
        place, then = client.place, partial(self._has_all, client)
        try:
            client.settings = self._introductions.doubtful(client.asked.settings, outcome)
            if not client.settings:
                return then(outcome)
            return self._trials.profile(place.pool, client.settings, outcome, place.wait, client.conn, then)
        except WireError as error:
            return self._fail(client, error.problem)

    def _has_all(self, client: Entrant, outcome: Outcome) -> Commands:
        if isinstance(outcome, Problem):
            return self._fail(client, outcome)
        if client.place is None:
            return []
        try:
            settings, shown = self._introductions.words(client.asked, client.settings, client.own, outcome)
        except WireError as error:
            return self._fail(client, error.problem)
        return self._admit(client, client.place.pool, shown, settings)

    def _late(self, client: Entrant) -> Commands:
        if client.place is None or client.conn not in self._clients:
            return []
        waited = self._profiles.why((client.place.pool, client.settings))
        return self._fail(client, waited or problem(Known.POOL_WAIT_TIMEOUT))

    # --- the end ---------------------------------------------------------------------------------

    def _admit(
        self,
        client: Entrant,
        pool: int,
        shown: bytes,
        settings: list[tuple[str, str]],
        *,
        admin: bool = False,
    ) -> Commands:
        asked = client.asked
        database = client.place.database if client.place is not None else asked.database
        base = self._bases.number(Base(client.door.name, asked.user, database, admin))
        if base is None:
            return self._fail(client, problem(Known.TOO_MANY_CLIENTS))
        self._drop(client)
        note(
            logger,
            logging.DEBUG,
            "client admitted",
            connection=client.conn,
            peer=client.peer,
            user=asked.user,
            database=asked.database,
        )
        return [
            Admit(
                client.conn,
                pool=pool,
                base=base,
                greeting=shown,
                settings=settings,
                key_bytes=asked.key_bytes,
            )
        ]

    def _fail(self, client: Entrant, said: Problem) -> Commands:
        self._drop(client)
        self._left(client.conn)
        return self._refuse(client.conn, client.peer, said, client.asked)

    def _refuse(self, conn: int, peer: str, said: Problem, asked: Asked | None = None) -> Commands:
        who = {"user": asked.user, "database": asked.database} if asked is not None else {}
        note(
            logger,
            logging.INFO,
            "log-in refused",
            connection=conn,
            peer=peer,
            **who,
            code=said.code,
            reason=said.message,
        )
        fatal = Problem("FATAL", said.code, said.message, said.detail, said.hint)
        return [Close(conn, messages.error(fatal))]

    def _drop(self, client: Entrant) -> None:
        self._clients.pop(client.conn, None)
        if client.timer is not None:
            client.timer.cancel()
        if client.where is not None:
            self._lookups.leave(client.where.section, client.asked.user, client.conn)
        if client.place is not None:
            self._profiles.leave((client.place.pool, ()), client.conn)
            self._trials.leave(client.place.pool, client.settings, client.conn)
