"""The native core's manual page: everything Python can ask of it, and everything it can say.

Data crosses this border, behaviour does not. The core reports Events; the brain answers with Commands.
A connection is named by a handle that is never reused, so a stale one reaches nobody.
"""

from typing import final

# --- events: the core to the brain ---------------------------------------------------------------

@final
class Startup:
    """A client sent its StartupMessage. It waits in the log-in state until Admit or Close."""

    def __init__(
        self,
        conn: int,
        listener: int,
        peer: str,
        version: int,
        body: bytes,
        tls: bool,
        cert: bytes | None,
        uid: int | None,
    ) -> None: ...
    conn: int
    listener: int
    peer: str
    """`address:port`, as the load balancer says it where one is trusted to; `unix/UID` at a Unix socket."""
    version: int
    """The protocol number asked for: major << 16 | minor."""
    body: bytes
    """What follows the number: name NUL value NUL … NUL."""
    tls: bool
    cert: bytes | None
    """The client's certificate (DER), already verified against the listener's authority."""
    uid: int | None
    """The user of the process at the other end of a Unix socket, as the kernel says."""

@final
class AuthMessage:
    """A message from a client that is logging in."""

    def __init__(self, conn: int, kind: int, body: bytes) -> None: ...
    conn: int
    kind: int
    body: bytes

@final
class Closed:
    """A client that the brain knows, admitted or not, is gone. Nothing more will come from this handle."""

    def __init__(self, conn: int, reason: str) -> None: ...
    conn: int
    reason: str

@final
class Discarded:
    """A client that was answered gave up all its session had, with DISCARD ALL."""

    def __init__(self, conn: int) -> None: ...
    conn: int

@final
class PlanNeeded:
    """A statement no plan is known for. Everyone who sends it waits for one Learn."""

    def __init__(
        self,
        scope: int,
        key: bytes,
        base: int,
        settings: list[tuple[str, str]],
        application: str | None,
        networks: list[str],
        exact: bool,
        text: bytes,
    ) -> None: ...
    scope: int
    key: bytes
    """16 bytes of fingerprint. With `scope`, what Learn has to name."""
    base: int
    """The number the brain gave in Admit for listener, user and database."""
    settings: list[tuple[str, str]]
    """The session's settings that change meaning (`search_path`, …), where they are not the pool's own."""
    application: str | None
    """What the client calls itself, as SQL text, where Guard asks for that."""
    networks: list[str]
    """Of those that Guard asks about, the ones its address lies in."""
    exact: bool
    """The fingerprint covers the literals too."""
    text: bytes

@final
class EarNeeded:
    """A client is about to LISTEN in a transaction, in the extended protocol or among other statements. Reply with nothing
    when notifications from these channels are being kept for it: it then goes on. Heard tells what came of it."""

    def __init__(self, conn: int, ticket: int, base: int, channels: list[str]) -> None: ...
    conn: int
    ticket: int
    base: int
    channels: list[str]

@final
class Heard:
    """What of a client's LISTEN (True) and UNLISTEN has come about, in order; no channel is all of them. What was kept for
    it and is not among these is dropped."""

    def __init__(self, conn: int, channels: list[tuple[bool, str | None]]) -> None: ...
    conn: int
    channels: list[tuple[bool, str | None]]

@final
class AnswerNeeded:
    """A statement whose plan says that Python answers. Reply with the whole answer, ReadyForQuery included."""

    def __init__(self, conn: int, ticket: int, base: int, text: bytes) -> None: ...
    conn: int
    ticket: int
    base: int
    text: bytes

@final
class UnitNeeded:
    """Messages of the extended protocol, up to Sync or Flush, from a client without a pool. Reply with all that
    answers them."""

    def __init__(self, conn: int, ticket: int, base: int, unit: bytes) -> None: ...
    conn: int
    ticket: int
    base: int
    unit: bytes

@final
class ServerNeeded:
    """A pool wants one more server connection. Answer with Attach, or with Fail."""

    def __init__(self, pool: int) -> None: ...
    pool: int

@final
class ServerOpened:
    """An attached server connection is ready for its StartupMessage (after TLS, where asked for)."""

    def __init__(self, conn: int, ticket: int, cert: bytes | None) -> None: ...
    conn: int
    ticket: int
    cert: bytes | None
    """The server's certificate (DER) when TLS is on, for channel binding."""

@final
class ServerMessage:
    """A message from a server that is still logging us in."""

    def __init__(self, conn: int, ticket: int, kind: int, body: bytes) -> None: ...
    conn: int
    ticket: int
    kind: int
    body: bytes

@final
class ServerLost:
    """A server connection ended other than by the pool's own decision."""

    def __init__(self, conn: int, ticket: int, pool: int, admitted: bool, reason: str) -> None: ...
    conn: int
    ticket: int
    pool: int
    admitted: bool
    reason: str

@final
class CancelNeeded:
    """Ask the server at `address` to cancel; the connection is held until Cancelled(ticket) is applied."""

    def __init__(self, ticket: int, pool: int, address: str, pid: int, secret: bytes) -> None: ...
    ticket: int
    pool: int
    address: str
    """As given in Attach."""
    pid: int
    secret: bytes

@final
class CancelStray:
    """A cancel request whose key nobody here has. It waits for Close."""

    def __init__(self, conn: int, pid: int, secret: bytes) -> None: ...
    conn: int
    pid: int
    secret: bytes

@final
class Silent:
    """The answer to Survey: a reply of the server at `address` has been awaited for so long. Each carrier says it."""

    def __init__(self, pool: int, address: str) -> None: ...
    pool: int
    address: str
    """As given in Attach."""

@final
class Slow:
    """A statement took longer than SlowAfter says. At most 20 a second are told of by one carrier."""

    def __init__(
        self,
        conn: int,
        pool: int,
        base: int,
        key: bytes,
        queue_us: int,
        server_us: int,
        total_us: int,
        size: int,
        failed: bool,
        untold: int,
        client_us: int,
        parameters: str | None,
    ) -> None: ...
    conn: int
    pool: int
    base: int
    key: bytes
    """The fingerprint it was planned under; zeros where it had no plan of its own (a whole pipeline, say)."""
    queue_us: int
    """Waiting for a server connection."""
    server_us: int
    """At the server, from when it could start there."""
    total_us: int
    """From when a connection was asked for until the client had taken the answer."""
    size: int
    """Bytes of the answer."""
    failed: bool
    untold: int
    """Others on the same carrier since the last that was told of."""
    client_us: int
    """For which the client had not taken all that was there for it."""
    parameters: str | None
    """Of what kind the values were that were bound last (`$1=text(6) $2=null`), where SlowAfter asks for it."""

@final
class ClientRow:
    """A client, as `List` found it. Microseconds are how long ago, or for how long."""

    def __init__(
        self,
        conn: int,
        pool: int,
        base: int,
        state: str,
        address: str,
        local: str,
        fd: int,
        since_us: int,
        heard_us: int,
        waited_us: int,
        link: int | None,
        tls: str,
        application: str,
        prepared: int,
        pinned: bool,
        kept: int,
        unsent: int,
    ) -> None: ...
    conn: int
    pool: int
    """0 where it has none: it logs in, or is a console."""
    base: int
    """0 until it is admitted."""
    state: str
    """login, idle, waiting, active, active_cancel_req or closing."""
    address: str
    local: str
    fd: int
    since_us: int
    heard_us: int
    waited_us: int
    """0 unless it waits for a connection."""
    link: int | None
    """The server connection it is on."""
    tls: str
    application: str
    """application_name as SQL text, where it is not the pool's own."""
    prepared: int
    pinned: bool
    kept: int
    """Bytes from it that are not dealt with, and below those for it that are not sent."""
    unsent: int

@final
class ServerRow:
    """A server connection, as `List` found it."""

    def __init__(
        self,
        conn: int,
        pool: int,
        state: str,
        address: str,
        local: str,
        fd: int,
        since_us: int,
        heard_us: int,
        closing: bool,
        link: int | None,
        pid: int,
        tls: str,
        prepared: int,
        kept: int,
        unsent: int,
    ) -> None: ...
    conn: int
    pool: int
    state: str
    """login, idle, active, tested (something of the proxy's own runs) or being_canceled."""
    address: str
    local: str
    fd: int
    since_us: int
    heard_us: int
    closing: bool
    """It closes as soon as it is free."""
    link: int | None
    """The client it belongs to; none where it is idle or shared."""
    pid: int
    tls: str
    prepared: int
    kept: int
    unsent: int

@final
class Listed:
    """One carrier's answer to List. `of` carriers answer, each once; no two saw the same instant."""

    def __init__(
        self,
        ticket: int,
        of: int,
        clients: list[ClientRow],
        servers: list[ServerRow],
        doors: list[tuple[int, int]],
    ) -> None: ...
    ticket: int
    of: int
    clients: list[ClientRow]
    servers: list[ServerRow]
    doors: list[tuple[int, int]]
    """Number and descriptor of each listening socket."""

@final
class Fault:
    """A defect in the core was caught; the connection it happened on is closed."""

    def __init__(self, message: str) -> None: ...
    message: str

Event = (
    Startup
    | AuthMessage
    | Closed
    | Discarded
    | PlanNeeded
    | EarNeeded
    | Heard
    | AnswerNeeded
    | UnitNeeded
    | ServerNeeded
    | ServerOpened
    | ServerMessage
    | ServerLost
    | CancelNeeded
    | CancelStray
    | Silent
    | Slow
    | Listed
    | Fault
)

# --- what commands carry -------------------------------------------------------------------------

@final
class TlsServer:
    """TLS as a listener offers it. PEM in; the private key never comes back out, in repr either."""

    def __init__(
        self, certificate: bytes, key: bytes, client_ca: bytes | None = None, required: bool = False
    ) -> None:
        """`client_ca` asks clients for a certificate; `required` refuses clients without TLS."""

@final
class TlsClient:
    """TLS towards servers. `mode` is `require`, `verify-ca` or `verify-full`, as libpq means them."""

    def __init__(
        self, mode: str, ca: bytes | None = None, certificate: bytes | None = None, key: bytes | None = None
    ) -> None: ...

_Slot = tuple[str, int, int, bool, str | None]

@final
class Condition:
    """On the values of one execution. A slot is where a value stands: what (`literal`, `parameter`, `fixed`,
    `unreadable`), its place or number, how many literals the statement has, whether a minus sign stands before it, and
    the text of what is fixed (None: NULL). A test holds when it does for any slot. `kind`: number, integer, text,
    boolean, date, timestamp. `utf8`: texts that are more than ASCII may be compared. Beyond a bound: ValueError."""

    @staticmethod
    def within(slots: list[_Slot], kind: str, utf8: bool, values: list[str]) -> Condition:
        """One of a set of at most 65,536."""
    @staticmethod
    def between(
        slots: list[_Slot], kind: str, utf8: bool, low: tuple[str, bool] | None, high: tuple[str, bool] | None
    ) -> Condition:
        """Each bound with whether it is itself within."""
    @staticmethod
    def length(slots: list[_Slot], utf8: bool, least: int, most: int) -> Condition: ...
    @staticmethod
    def like(slots: list[_Slot], utf8: bool, pieces: list[str]) -> Condition:
        """These pieces in their order, anything between them."""
    @staticmethod
    def null(slots: list[_Slot], kind: str) -> Condition: ...
    @staticmethod
    def all(conditions: list[Condition]) -> Condition: ...
    @staticmethod
    def any(conditions: list[Condition]) -> Condition: ...
    @staticmethod
    def negation(condition: Condition) -> Condition: ...

@final
class Branch:
    """What holds where a condition is met, and where it cannot be decided: each `pass`, `alone` or `deny` with its code
    and message."""

    def __init__(
        self, name: str, condition: Condition, then: tuple[str, str, str], unknown: tuple[str, str, str]
    ) -> None: ...

@final
class Plan:
    """What the core does with a statement. Plain data; frozen; equal plans are equal."""

    def __init__(
        self,
        action: str,
        *,
        shareable: bool = False,
        branches: list[Branch] = ...,
        sets: list[tuple[str, str | None]] = ...,
        local_sets: list[tuple[str, str]] = ...,
        resets_all: bool = False,
        point: tuple[str, str] | None = None,
        pin: str | None = None,
        frees: bool = False,
        discards: bool = False,
        channels: list[tuple[bool, str | None]] = ...,
        forgets_prepared: bool = False,
        changes_schema: bool = False,
        names: str | None = None,
        aside: bool = False,
        code: str = "",
        message: str = "",
    ) -> None: ...
    action: str
    """`forward`, `deny` (an error with `code` and `message`) or `answer` (AnswerNeeded)."""
    shareable: bool
    """May ride, pipelined, on a connection with other clients' statements."""
    branches: list[Branch]
    """Decided for each execution by its values, in order; the first denial ends it. At most 32."""
    sets: list[tuple[str, str | None]]
    """Session settings the statement changes when it succeeds: lower-case name and the value as SQL text to put after `SET name =`; None is RESET."""
    local_sets: list[tuple[str, str]]
    """The same until the transaction ends, of settings that change what statements mean."""
    resets_all: bool
    """The statement puts every session setting back to its start (RESET ALL, DISCARD ALL)."""
    point: tuple[str, str] | None
    """What it does to the transaction around it, as far as settings depend on that: `makes`, `frees` or `returns` to the savepoint of this name; `fetches`, from what may be a portal; `passes`, something set until its end; `ends` it; or `unseen`, one of these among other statements."""
    pin: str | None
    """Needs this very connection from now on, and why: reasons with ` + ` between them."""
    frees: bool
    """What pinned may be gone after it: the server is asked."""
    discards: bool
    """DISCARD ALL."""
    channels: list[tuple[bool, str | None]]
    """LISTEN (True) and UNLISTEN, in their order, each of a channel or of all (None). In a session whose connections go round: EarNeeded, Heard."""
    forgets_prepared: bool
    """Drops all prepared statements of the session on the server (DEALLOCATE ALL, DISCARD ALL)."""
    changes_schema: bool
    """Makes prepared statements elsewhere doubtful (DDL)."""
    names: str | None
    """One statement about a prepared one named in SQL: `makes` (PREPARE), `runs` (EXECUTE) or `drops` (DEALLOCATE)."""
    aside: bool
    """Sent alone by the simple protocol, outside a transaction and where connections go round: AnswerNeeded."""
    code: str
    message: str

# --- commands: the brain to the core -------------------------------------------------------------

@final
class Send:
    """Bytes to a peer that is logging in."""

    def __init__(self, conn: int, data: bytes) -> None: ...
    conn: int
    data: bytes

@final
class Close:
    """End a connection, after sending `data` (an ErrorResponse, say)."""

    def __init__(self, conn: int, data: bytes = b"") -> None: ...
    conn: int
    data: bytes

@final
class Admit:
    """The client is in. The core sends `greeting`, then BackendKeyData, then ReadyForQuery."""

    def __init__(
        self,
        conn: int,
        *,
        pool: int,
        base: int,
        greeting: bytes,
        settings: list[tuple[str, str]],
        key_bytes: int = 4,
    ) -> None:
        """`settings`: what the client's startup asked for and the pool's own connections do not have,
        lower-case name and value as SQL text. `key_bytes`: length of the cancel key (4; 32 for protocol 3.2)."""
    conn: int
    pool: int
    base: int
    greeting: bytes
    settings: list[tuple[str, str]]
    key_bytes: int

@final
class Attach:
    """A connected socket to a server: the core owns the descriptor from here and answers ServerOpened or ServerLost."""

    def __init__(
        self,
        *,
        pool: int,
        ticket: int,
        fd: int,
        address: str,
        tls: TlsClient | None = None,
        server_name: str = "",
        near: int | None = None,
    ) -> None: ...
    pool: int
    ticket: int
    fd: int
    address: str
    tls: TlsClient | None
    server_name: str
    near: int | None
    """The client it is for: that one's carrier takes it."""

@final
class Tie:
    """The client is in, and the server connection, logged in for it, is its own: bytes pass as they are until one of them
    goes. The core sends `greeting`, then BackendKeyData, then ReadyForQuery."""

    def __init__(
        self,
        conn: int,
        server: int,
        *,
        base: int,
        greeting: bytes,
        pid: int,
        secret: bytes,
        key_bytes: int = 4,
    ) -> None:
        """`pid` and `secret`: the server's, for cancel requests."""
    conn: int
    server: int
    base: int
    greeting: bytes
    pid: int
    secret: bytes
    key_bytes: int

@final
class AdmitServer:
    """The server accepted our log-in and is idle: into the pool with it."""

    def __init__(self, conn: int, *, pid: int, secret: bytes, parameters: list[tuple[str, str]]) -> None:
        """`parameters`: its ParameterStatus values at the end of log-in."""
    conn: int
    pid: int
    secret: bytes
    parameters: list[tuple[str, str]]

@final
class Fail:
    """A server connection the pool asked for could not be made. Those who wait get the error now if `final`,
    or if it is not, go on waiting; in any case the pool asks again after `retry_ms`."""

    def __init__(self, pool: int, *, code: str, message: str, final: bool, retry_ms: int) -> None: ...
    pool: int
    code: str
    message: str
    final: bool
    retry_ms: int

@final
class Learn:
    """The plan for what PlanNeeded named."""

    def __init__(self, scope: int, key: bytes, plan: Plan) -> None: ...
    scope: int
    key: bytes
    plan: Plan

@final
class Reply:
    """The whole answer to AnswerNeeded (or UnitNeeded), in the client's wire, ReadyForQuery included."""

    def __init__(self, conn: int, ticket: int, data: bytes) -> None: ...
    conn: int
    ticket: int
    data: bytes

@final
class Tell:
    """Whole messages for a client that is in, besides its replies; between two of the server's, whatever it is at. One
    that reads nothing is closed when 4 MiB wait for it."""

    def __init__(self, conn: int, data: bytes) -> None: ...
    conn: int
    data: bytes

@final
class Cancelled:
    """The cancel request of CancelNeeded was delivered (or could not be); its connection may go on."""

    def __init__(self, ticket: int) -> None: ...
    ticket: int

@final
class Adopt:
    """One end of a socket pair becomes a client of `pool` that needs no log-in: the brain itself, asking a server
    something. Its statements are planned under `base`. The core owns the descriptor."""

    def __init__(self, pool: int, *, base: int, fd: int) -> None: ...
    pool: int
    base: int
    fd: int

@final
class Listen:
    """Accept clients on listening sockets; the carriers take them in turn (SO_REUSEPORT: one a carrier).
    The core owns the descriptors. Naming a listener again replaces its TLS and `proxies` for new clients (give no
    descriptors)."""

    def __init__(
        self, listener: int, fds: list[int], tls: TlsServer | None = None, proxies: list[str] = ...
    ) -> None:
        """`proxies`: networks (`10.0.0.0/8`) from which every connection begins with a PROXY protocol header."""
    listener: int
    fds: list[int]
    tls: TlsServer | None
    proxies: list[str]

@final
class Unlisten:
    """Accept no more there. Connected clients stay."""

    def __init__(self, listener: int) -> None: ...
    listener: int

@final
class OpenPool:
    """Make a pool, or change one: limits apply at once, connections above them end when they fall idle.
    Milliseconds; 0 means without limit."""

    def __init__(
        self,
        pool: int,
        *,
        label: str,
        group: int,
        group_size: int,
        mode: str,
        size: int,
        min_size: int,
        reserve: int,
        reserve_after_ms: int,
        wait_ms: int,
        max_waiting: int,
        statement_ms: int,
        idle_transaction_ms: int,
        client_idle_ms: int,
        server_lifetime_ms: int,
        server_idle_ms: int,
        sharing: bool,
        share_depth: int,
        prepared: int,
    ) -> None:
        """`mode`: session, transaction or statement. `group` pools (one cluster's) together hold at most `group_size` connections (0: no limit).
        `prepared`: statements kept prepared on one server connection (LRU)."""
    pool: int
    label: str
    group: int
    group_size: int
    mode: str
    size: int
    min_size: int
    reserve: int
    reserve_after_ms: int
    wait_ms: int
    max_waiting: int
    statement_ms: int
    idle_transaction_ms: int
    client_idle_ms: int
    server_lifetime_ms: int
    server_idle_ms: int
    sharing: bool
    share_depth: int
    prepared: int

@final
class Recycle:
    """The pool's connections are of yesterday (address, credential or TLS changed): each closes when it falls idle."""

    def __init__(self, pool: int) -> None: ...
    pool: int

@final
class TellStrays:
    """Cancel requests for nobody here are told of (CancelStray) from now on; without it they are hung up on."""

    def __init__(self) -> None: ...

@final
class Survey:
    """Tell (Silent) where a connection of the pool has awaited a reply for so long."""

    def __init__(self, pool: int, ms: int) -> None: ...
    pool: int
    ms: int

@final
class Break:
    """The server at `address` (as given in Attach) answers nobody. Connections of the pool on which a reply is awaited
    end with an error (08006), the others close when they fall idle."""

    def __init__(self, pool: int, address: str) -> None: ...
    pool: int
    address: str

@final
class Retire:
    """Connections of the pool to that address close when they are free: nobody gets one of them any more."""

    def __init__(self, pool: int, address: str) -> None: ...
    pool: int
    address: str

@final
class ForgetPlans:
    """The plans of these bases, or all of them, are asked for anew. Statements under way keep theirs."""

    def __init__(self, bases: list[int] | None = None) -> None: ...
    bases: list[int] | None

@final
class Guard:
    """Somebody judges what statements mean. Then function calls by the protocol, statements too large to read, and those
    behind a SET in one unit are refused: nobody could judge them. And what plans depend on besides: what clients call
    themselves, and in which of these networks (`10.0.0.0/8`, or `local`) they are."""

    def __init__(self, on: bool, application: bool = False, networks: list[str] = ...) -> None: ...
    on: bool
    application: bool
    networks: list[str]

@final
class Drain:
    """The process is to stop. Clients between transactions are told so (57P01) and let go, the others when theirs
    ends; what waits for a plan or a connection still gets its answer. `at_once`: all go now. There is no way back."""

    def __init__(self, at_once: bool = False) -> None: ...
    at_once: bool

@final
class SlowAfter:
    """Tell (Slow) of statements that take longer, waiting for a connection included; 0: of none. `parameters`: and of
    what kind the values were that were bound, never of the values."""

    def __init__(self, ms: int, parameters: bool = False) -> None: ...
    ms: int
    parameters: bool

@final
class Hold:
    """`how`: `paused` gives out no connection and closes each when it is free, `suspended` gives out none and keeps
    them, `none` gives them out again. Clients wait meanwhile, for as long as the pool lets them."""

    def __init__(self, pool: int, how: str) -> None: ...
    pool: int
    how: str

@final
class Kill:
    """End the pool's clients, after sending `data`, and its connections, cancelling what runs on them. New clients may
    come; Hold keeps them waiting."""

    def __init__(self, pool: int, data: bytes) -> None: ...
    pool: int
    data: bytes

@final
class List:
    """Ask every carrier for its connections; each answers Listed, a part of its work at a time."""

    def __init__(self, ticket: int) -> None: ...
    ticket: int

Command = (
    Send
    | Close
    | Admit
    | Attach
    | Tie
    | AdmitServer
    | Fail
    | Learn
    | Reply
    | Cancelled
    | Adopt
    | Tell
    | Listen
    | Unlisten
    | OpenPool
    | Recycle
    | TellStrays
    | Survey
    | Break
    | Retire
    | ForgetPlans
    | Guard
    | Drain
    | SlowAfter
    | Hold
    | Kill
    | List
)

# --- figures -------------------------------------------------------------------------------------

@final
class PoolFigures:
    pool: int
    label: str
    mode: str
    clients_active: int
    clients_waiting: int
    clients_idle: int
    clients_streaming: int
    """Replication connections between START_REPLICATION and its end."""
    servers_active: int
    servers_idle: int
    servers_shared: int
    servers_opening: int
    statements: int
    shared_statements: int
    errors: int
    transactions: int
    received: int
    """Bytes from its clients, and below to them, without TLS's own."""
    sent: int
    cancelling: int
    """Cancel requests of its clients on their way to servers."""
    servers_old: int
    """Connections that close when they are free, because of a Recycle or a Hold."""
    oldest_wait_us: int
    waited_us: int
    """All waits for a connection together; in the same way statements and transactions below."""
    served_us: int
    transaction_us: int
    wait_us: list[tuple[int, int]]
    """Histogram of waits for a connection: (upper bound in µs, count), empty buckets left out."""
    statement_us: list[tuple[int, int]]
    """Histogram of statement times as clients saw them."""

@final
class Figures:
    clients: int
    logins: int
    servers: int
    statements: int
    plans: int
    plan_misses: int
    bytes_in: int
    bytes_out: int
    panics: int
    pins: list[tuple[str, int, int, int]]
    """Reason; how often it tied a client to a connection since the start; how often it ended while the client stayed; how many it ties now."""
    plan_us: list[tuple[int, int]]
    client_bytes: int
    """What one of each takes, without what it holds elsewhere."""
    server_bytes: int
    pool_bytes: int
    plan_bytes: int

@final
class CarrierFigures:
    carrier: int
    clients: int
    """Without consoles and those that log in."""
    held: int
    """Connections that belong to one client now, and below those that several share."""
    shared: int
    statements: int
    bytes_in: int
    bytes_out: int
    logins: int
    panics: int
    inbox: int
    """What waits for it."""

@final
class PlanFigures:
    scope: int
    base: int
    """0 where it is no longer known."""
    key: bytes
    action: str
    shareable: bool
    shares: bool
    """Shareable, and short and small enough by its last executions."""
    pin: str | None
    mean_us: int
    """At the server, over the last executions; 0 where there were none."""
    mean_bytes: int
    branches: list[tuple[str, int, int]]
    """Name, how often it was taken, and how often it could not be decided."""

# --- the core ------------------------------------------------------------------------------------

@final
class Core:
    """One process's engine. `carriers` native threads; 0 means that the caller drives it with turn()."""

    def __init__(
        self,
        carriers: int,
        *,
        max_clients: int = 10_000,
        login_ms: int = 60_000,
        max_statement: int = 1_048_576,
        max_plans: int = 10_000,
    ) -> None: ...
    def fileno(self) -> int:
        """Readable when drain() has something to give."""
    def drain(self) -> list[Event]:
        """The events since the last call, oldest first, at most 1,024."""
    def apply(self, commands: list[Command]) -> None:
        """Hand commands over; returns before they are carried out. A handle that is gone makes its command a no-op."""
    def epoll(self) -> int:
        """With `carriers = 0`: the descriptor to watch; when readable, call turn()."""
    def turn(self, timeout_ms: int = 0) -> None:
        """With `carriers = 0`: one turn of the engine."""
    def pulse(self) -> list[int]:
        """How many turns each carrier has made so far; wakes them all, so that who makes none until the next call is stuck."""
    def busiest(self, most: int) -> list[tuple[bytes, int, int, int]]:
        """The statements that took the servers' time, from a sample of one in 16: fingerprint, executions, µs of all of
        them, and of the longest that was sampled. A carrier remembers 512."""
    def figures(self) -> Figures: ...
    def pools(self) -> list[PoolFigures]: ...
    def carriers(self) -> list[CarrierFigures]: ...
    def plans(self) -> list[PlanFigures]:
        """Every plan, in no order: at most `max_plans`."""
    def stop(self) -> None:
        """End every connection and thread. Idempotent."""

def fingerprint(
    text: bytes, *, standard_conforming_strings: bool = True
) -> tuple[bytes, bool, list[tuple[int, int]]]:
    """The statement's key under this process's random key, whether it is exact, and where its literals lie (byte offsets)."""
