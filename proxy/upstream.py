"""Server connections until they stand in a pool: dialling, log-in, the choice of the primary, back-off.

It owns every log-in to a server that is under way. What the core asked for ends in AdmitServer or Fail, exactly
once; after an AdmitServer that came too late, the connection being lost meanwhile, in a Fail. Nothing here knows
clients, other than that some wait for what a pool's connections report, and that those who replicate have one made for
them alone, which ends in one call.

One room though it is long: every step of a log-in ends in another of its steps, and a check is a log-in that stops
earlier.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from config.address import Address
from protocols.postgres import messages
from protocols.postgres.auth import ServerAuth
from protocols.postgres.binding import certificate_binding
from protocols.postgres.errors import Known, WireError, problem
from protocols.postgres.scram import Keys
from protocols.postgres.types import Problem
from proxy import dial, refusals, target
from proxy.log import note
from proxy.native import (
    AdmitServer,
    Attach,
    Close,
    Fail,
    Send,
    ServerLost,
    ServerMessage,
    ServerNeeded,
    ServerOpened,
)
from proxy.outside import Commands, Outside
from proxy.pools import listens_for
from proxy.profiles import Profiles, Then
from proxy.serverlogin import Demand, LogIn, Made, Own, Verdict
from proxy.servers import Servers
from proxy.target import Target
from proxy.tokens import NoToken, Tokens
from proxy.trouble import Troubles

logger = logging.getLogger(__name__)

MOST_DIALS = 32
"""Log-ins under way for one pool at a time; the rest of what it asked for follows as they end."""
MOST_NAMES = 10_000
MOST_ADMITTED = 1_000
LOST = "08006"
FIRST_RETRY = 0.2
ALIVE = messages.frame(b"Q", b"SELECT 1\0")
IN_RECOVERY = messages.frame(b"Q", b"SELECT pg_catalog.pg_is_in_recovery()\0")


class Upstream:
    """All server log-ins of the process."""

    def __init__(
        self,
        outside: Outside,
        target_of: Callable[[int], Target | None],
        profiles: Profiles,
        *,
        connect: dial.Connect = dial.connect,
        tokens: Tokens | None = None,
        chance: Callable[[], float],
        nonce: Callable[[int], bytes],
        held: Callable[[int], bool] = lambda _pool: False,
        servers: Servers | None = None,
    ) -> None:
        self._outside = outside
        self._target_of = target_of
        self._connect = connect
        self._tokens = tokens or Tokens(outside.now)
        self._chance = chance
        self._nonce = nonce
        self._held = held
        self._profiles = profiles
        self._troubles = Troubles(outside.now)
        self.servers = servers or Servers(outside.now)
        self._demand: dict[int, Demand] = {}
        self._open: dict[int, LogIn] = {}
        self._primary: dict[tuple[Address, ...], Address] = {}
        self._names: dict[str, str] = {}
        self._keys: dict[int, Keys] = {}
        self._passwords: dict[int, str] = {}
        self._tickets = 0
        self._admitted: OrderedDict[int, bool] = OrderedDict()
        """Tickets admitted of late, and whether the core had asked for the connection."""

    # --- what others ask -------------------------------------------------------------------------

    def needed(self, event: ServerNeeded) -> Commands:
        """The core wants one more connection for a pool."""
        self._demand.setdefault(event.pool, Demand()).asked += 1
        return self._meet(event.pool)

    def profile(self, pool: int, conn: int, then: Then) -> Commands:
        """Call `then` with what the connections of `pool` report, or with the problem."""
        known = self._profiles.known((pool, ()))
        if known is not None:
            return then(known)
        self._profiles.wait((pool, ()), conn, then)
        return self._look(pool)

    def resumed(self, pool: int) -> Commands:
        """The pool is held back no more: who waits to know what its connections report may know it soon."""
        return self._again(pool)

    def forget(self, pool: int) -> None:
        """The pool's target changed: what its old servers said counts no more."""
        self._profiles.forget(pool)
        self._troubles.forget(pool)
        self._keys.pop(pool, None)
        self._passwords.pop(pool, None)
        if pool in self._demand:
            self._demand[pool].failures = 0

    def show_keys(self, pool: int, keys: Keys) -> None:
        """A client of the pool proved itself with these: where no password is known, they are tried at the servers."""
        to = self._target_of(pool)
        if to is not None and to.keyed:
            self._keys[pool] = keys

    def show_password(self, pool: int, password: str) -> None:
        """A client of the pool proved itself with it to somebody who knows: where no other is known, servers get it."""
        to = self._target_of(pool)
        if to is not None and to.keyed and self._passwords.get(pool) != password:
            self._passwords[pool] = password
            # Those of a password that was changed would go on failing.
            self._keys.pop(pool, None)

    def name_of(self, line: str) -> str:
        """The host name behind a numeric address that was dialled, for a certificate to be checked against."""
        return self._names.get(line, "")

    def dialled(self, host: str) -> list[str]:
        """The numeric addresses that this name has led to."""
        return [line for line, name in self._names.items() if name == host]

    def check(self, pool: int, server: Address, seconds: float, then: Verdict) -> Commands:
        """Log in as the pool would, ask something, and leave: `then` hears what came of it."""
        to = self._target_of(pool)
        if to is None:
            return then(None, False)
        tries = [(server, tls) for tls in target.attempts(to.tls, server)]
        login = self._new(pool, to, tries)
        login.seconds, login.then = seconds, then
        self._outside.start(self._dial(login))
        return []

    # --- the log-in ------------------------------------------------------------------------------

    def opened(self, event: ServerOpened) -> Commands:
        login = self._open.get(event.ticket)
        if login is None:
            return [Close(event.conn)]
        login.conn = event.conn
        to = login.target
        binding = certificate_binding(event.cert) if event.cert is not None else None
        # Keys that a server has proved right before spare deriving them: milliseconds, on this thread.
        known = login.own.keys if login.own is not None else self._keys.get(listens_for(login.pool))
        keys = known if to.token is None else None
        tls = event.cert is not None
        login.auth = ServerAuth(
            to.user, login.password, binding=binding, tls=tls, nonce=self._nonce, keys=keys
        )
        own = login.own.parameters if login.own is not None else {}
        said = {**own, **dict(to.parameters), "user": to.user, "database": own.get("database", to.database)}
        return [Send(event.conn, messages.startup(said))]

    def message(self, event: ServerMessage) -> Commands:
        login = self._open.get(event.ticket)
        if login is None:
            return [Close(event.conn)]
        try:
            return self._understand(login, event.conn, event.kind, event.body)
        except WireError as error:
            return [
                Close(event.conn),
                *self._next(login, refusals.of_server(error.problem), tls_may_help=False),
            ]

    def lost(self, event: ServerLost) -> Commands:
        """A connection ended. One that was in the pool is the core's affair; it will ask for another."""
        login = self._open.get(event.ticket)
        if login is None:
            if event.admitted:
                note(
                    logger,
                    logging.WARNING,
                    "a server connection was lost",
                    pool=event.pool,
                    reason=event.reason,
                )
            elif self._admitted.pop(event.ticket, False):
                # Lost while our word was on its way: the core still counts it as one that is being opened.
                return [Fail(event.pool, code=LOST, message=event.reason, final=False, retry_ms=1)]
            return []
        server, tls = login.tries[0]
        # Before ServerOpened only TLS can have failed: then `prefer` may go on without.
        if tls and login.conn is None:
            why = refusals.of_handshake(str(server), login.target.cluster, event.reason)
        else:
            what = f"the connection to server {server} ended during the log-in: {event.reason}"
            why = problem(Known.SERVER_DOWN, what=what)
        return self._next(login, why, tls_may_help=login.conn is None)

    def abandon(self, ticket: int) -> Commands:
        """A defect of ours hit this log-in; the caller closes the connection."""
        login = self._open.get(ticket)
        return [] if login is None else self._next(login, problem(Known.INTERNAL), tls_may_help=False)

    def _understand(self, login: LogIn, conn: int, kind: int, body: bytes) -> Commands:
        match chr(kind):
            # A server that has not proven who it is may report an error, give a notice, and nothing else.
            case other if login.auth is not None and (other == "R" or not (login.auth.done or other in "EN")):
                step = login.auth.receive(kind, body)
                new = login.own is None and login.target.token is None
                if step.done and login.auth.keys is not None and new:
                    self._keys[login.pool] = login.auth.keys
                return [Send(conn, step.send)] if step.send else []
            case "S":
                name, value = messages.parse_parameter_status(body)
                login.parameters[name] = value
            case "K":
                login.key = messages.parse_key_data(body)
            case "D" if not login.preparing:
                login.parameters["in_hot_standby"] = "on" if body[6:7] == b"t" else "off"
            case "E":
                said = messages.parse_error(body)
                if login.target.token is not None and said.code.startswith("28"):
                    self._tokens.forget(login.target.token, login.password or "")
                    if not login.token_is_new:
                        self._end(login)
                        self._outside.start(self._dial(login))
                        return [Close(conn)]
                if login.own is not None and not login.preparing:
                    why = refusals.of_server(said)
                else:
                    why = refusals.of_log_in(said, login.target, preparing=login.preparing)
                return [Close(conn), *self._next(login, why, tls_may_help=said.code == "28000")]
            case "Z" if login.preparing and body != b"I":
                what = f"the connect_query of database {login.target.database} left a transaction open"
                why = problem(Known.SERVER_REFUSED, what=what)
                return [Close(conn), *self._next(login, why, tls_may_help=False)]
            case "Z":
                return self._idle(login, conn)
            case "G" | "H" | "W":
                what = f"the connect_query of database {login.target.database} began a COPY"
                why = problem(Known.SERVER_REFUSED, what=what)
                return [Close(conn), *self._next(login, why, tls_may_help=False)]
            case _:
                pass  # notices, and the frame around the answer to IN_RECOVERY
        return []

    def _idle(self, login: LogIn, conn: int) -> Commands:
        if login.then is not None:
            if not login.asked:
                login.asked = True
                return [Send(conn, ALIVE)]
            self._end(login)
            return [Close(conn, messages.TERMINATE), *login.then(None, False)]
        if len(login.target.servers) > 1:
            standby = login.parameters.get("in_hot_standby")
            if standby is None and login.own is not None and login.own.physical:
                what = "a server before PostgreSQL 14 does not tell in physical replication whether it is the primary"
                why = problem(Known.SERVER_REFUSED, what=f"{what}: give its cluster one server only")
                return [Close(conn, messages.TERMINATE), *self._next(login, why, tls_may_help=False)]
            if standby is None:  # before PostgreSQL 14
                return [Send(conn, IN_RECOVERY)]
            if standby != "off":
                where = f"server {login.tries[0][0]} of cluster {login.target.cluster}"
                what = f"{where} is a standby; no primary was found"
                return [
                    Close(conn, messages.TERMINATE),
                    *self._next(login, problem(Known.SERVER_DOWN, what=what), tls_may_help=False),
                ]
            self._primary[login.target.servers] = login.tries[0][0]
        speaks_sql = login.own is None or not login.own.physical
        if login.target.connect_query and speaks_sql and not login.preparing:
            login.preparing = True
            return [Send(conn, messages.frame(b"Q", login.target.connect_query.encode() + b"\0"))]
        self._end(login)
        reported = login.parameters
        if login.own is not None:
            self._troubles.over(login.pool, login.target)
            return login.own.then(Made(conn, *login.key, reported))
        demand = self._demand[login.pool]
        demand.running -= 1
        self._admitted[login.ticket] = demand.asked > 0
        while len(self._admitted) > MOST_ADMITTED:
            self._admitted.popitem(last=False)
        demand.asked = max(0, demand.asked - 1)
        demand.failures = 0
        self.servers.up(login.target, login.tries[0][0])
        self._troubles.over(login.pool, login.target)
        pid, secret = login.key
        admit = AdmitServer(conn, pid=pid, secret=secret, parameters=list(reported.items()))
        return [admit, *self._profiles.learn((login.pool, ()), reported), *self._meet(login.pool)]

    # --- starting and failing --------------------------------------------------------------------

    def dedicate(self, pool: int, own: Own) -> Commands:
        """One connection for one client, which is told of it, or of the problem, exactly once. It does not wait for a
        server to come back: who replicates tries again by itself."""
        to = self._target_of(pool)
        if to is None:
            return own.then(_gone())
        login = LogIn(pool, to, self._tries(to))
        login.own = own
        login.password = own.password if to.keyed else login.password
        self._outside.start(self._dial(login))
        return []

    def _look(self, pool: int) -> Commands:
        """See to it that what somebody waits for will be known."""
        demand = self._demand.setdefault(pool, Demand())
        if demand.running or self._held(pool):
            return []
        demand.running += 1
        return self._begin(pool)

    def _meet(self, pool: int) -> Commands:
        demand = self._demand[pool]
        commands: Commands = []
        while demand.running < min(demand.asked, MOST_DIALS):
            pause = self._pause(pool)
            if pause:
                if not demand.paced:
                    demand.paced = True
                    self._outside.later(pause, partial(self._unpaced, pool))
                break
            demand.running += 1
            commands += self._begin(pool)
        return commands

    def _pause(self, pool: int) -> float:
        """Seconds until one more log-in for it may begin."""
        to = self._target_of(pool)
        if to is None or not to.slow_start:
            return 0.0
        running = wanted = 0
        for number, demand in self._demand.items():
            other = self._target_of(number)
            if other is not None and other.cluster == to.cluster:
                running += demand.running
                wanted += max(0, demand.asked - demand.running)
        return self.servers.pause(to, running, wanted)

    def _unpaced(self, pool: int) -> Commands:
        self._demand[pool].paced = False
        return self._meet(pool)

    def _begin(self, pool: int) -> Commands:
        to = self._target_of(pool)
        if to is None:
            return self._failed(LogIn(pool, _NOWHERE, []), _gone())
        self._outside.start(self._dial(self._new(pool, to, self._tries(to))))
        return []

    def _tries(self, to: Target) -> list[tuple[Address, bool]]:
        first = self._primary.get(to.servers)
        servers = sorted(to.servers, key=lambda server: server != first)
        return [(server, tls) for server in servers for tls in target.attempts(to.tls, server)]

    def _new(self, pool: int, to: Target, tries: list[tuple[Address, bool]]) -> LogIn:
        login = LogIn(pool, to, tries)
        if to.keyed:
            login.password = self._passwords.get(listens_for(pool))
        return login

    async def _dial(self, login: LogIn) -> Commands:
        server, ask_tls = login.tries[0]
        to = login.target
        if to.token is not None:
            try:
                login.password, login.token_is_new = await self._tokens.token(to.token)
            except NoToken as error:
                return self._next(login, problem(Known.SERVER_DOWN, what=str(error)), tls_may_help=False)
        # The second attempt of `allow` is made because the server wanted TLS.
        needs_tls = target.must(to.tls, server) or (ask_tls and to.tls.mode == "allow")
        try:
            line = await self._connect(
                server, ask_tls=ask_tls, needs_tls=needs_tls, seconds=login.seconds, greeting=to.greeting
            )
        except dial.TlsRefused as error:
            return self._next(login, problem(Known.SERVER_UNVERIFIED, what=str(error)), tls_may_help=False)
        except dial.Unreachable as error:
            why = problem(Known.SERVER_DOWN, what=str(error))
            silent = isinstance(error, dial.Late) and (error.connected or login.then is not None)
            return self._next(login, why, tls_may_help=False, silent=silent)
        self._tickets += 1
        login.ticket = self._tickets
        login.conn = None
        login.preparing = False
        login.parameters = {}
        self._open[login.ticket] = login
        login.asked = False
        login.timer = self._outside.later(login.seconds, partial(self._late, login.ticket))
        if len(self._names) >= MOST_NAMES:
            self._names.clear()
        if login.then is None:
            self._names[str(line.address)] = server.host
        if ask_tls and not line.tls:
            # `prefer`, and the server has no TLS: the plain attempt is this one.
            login.tries[:2] = [(server, False)]
        return [
            Attach(
                pool=login.pool,
                ticket=login.ticket,
                fd=line.fd,
                address=str(line.address),
                tls=target.native(to.tls) if line.tls else None,
                server_name=server.host if login.then is None else self.name_of(str(server)) or server.host,
                near=login.own.client if login.own is not None else None,
            )
        ]

    def _late(self, ticket: int) -> Commands:
        login = self._open.get(ticket)
        if login is None:
            return []
        conn = login.conn
        what = f"server {login.tries[0][0]} accepted the connection but did not finish the log-in in time"
        why = problem(Known.SERVER_DOWN, what=what)
        commands = self._next(login, why, tls_may_help=False, silent=True)
        return [Close(conn), *commands] if conn is not None else commands

    def _next(self, login: LogIn, why: Problem, *, tls_may_help: bool, silent: bool = False) -> Commands:
        """This attempt failed: try what is left to try, or give up."""
        self._end(login)
        server = login.tries.pop(0)[0]
        if login.then is None:
            self.servers.failed(login.target, server, why, silent=silent)
        if not tls_may_help or not login.tries or login.tries[0][0] != server:
            login.tries = [one for one in login.tries if one[0] != server]
            if not refusals.of_one_server(why):
                login.tries = []
        if not refusals.final(why):
            login.passing = why
        if not login.tries and login.then is not None:
            return login.then(why, silent)
        if login.tries:
            self._outside.start(self._dial(login))
            return []
        if login.passing is not None and refusals.of_one_server(why):
            why = login.passing  # while one server may come back, those who wait do so
        return self._failed(login, why)

    def _end(self, login: LogIn) -> None:
        self._open.pop(login.ticket, None)
        if login.timer is not None:
            login.timer.cancel()

    def _failed(self, login: LogIn, why: Problem) -> Commands:
        to, now = login.target, self._target_of(login.pool)
        if login.own is None and now is not None and now != to and refusals.final(why):
            # What it logged in with is not what holds now, and nobody who waits has to hear of it.
            self._demand[login.pool].running -= 1
            return self._meet(login.pool)
        self._troubles.failed(login.pool, to, why)
        if login.own is not None:
            return login.own.then(why)
        demand = self._demand[login.pool]
        demand.running -= 1
        demand.failures += 1
        # Longer each time, and never the same for all.
        longest = min(to.login_retry, FIRST_RETRY * 2.0 ** min(demand.failures, 20))
        pause = longest * (0.5 + self._chance() / 2)
        commands: Commands = []
        if demand.asked:
            demand.asked -= 1
            retry = max(1, int(pause * 1000))
            commands.append(
                Fail(
                    login.pool, code=why.code, message=why.message, final=refusals.final(why), retry_ms=retry
                )
            )
        return [*commands, *self._disappoint(login.pool, why, pause), *self._meet(login.pool)]

    def _disappoint(self, pool: int, why: Problem, pause: float) -> Commands:
        """Tell those who wait to know what the pool's connections report, unless trying again may help them."""
        if refusals.final(why):
            return self._profiles.release((pool, ()), why)
        if self._profiles.waited_for((pool, ())):
            self._profiles.postpone((pool, ()), why)
            self._outside.later(pause, partial(self._again, pool))
        return []

    def _again(self, pool: int) -> Commands:
        return self._look(pool) if self._profiles.waited_for((pool, ())) else []


def _gone() -> Problem:
    return problem(Known.SERVER_REFUSED, what="this database or user is no longer configured")


_NOWHERE = Target("", (), "", "", None, target.TlsRule(), 0.0, 5.0)
