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
        self, scope: int, key: bytes, base: int, settings: list[tuple[str, str]], exact: bool, text: bytes
    ) -> None: ...
    scope: int
    key: bytes
    """16 bytes of fingerprint. With `scope`, what Learn has to name."""
    base: int
    """The number the brain gave in Admit for listener, user and database."""
    settings: list[tuple[str, str]]
    """The session's settings that change meaning (`search_path`, …), where they are not the pool's own."""
    exact: bool
    """The fingerprint covers the literals too."""
    text: bytes

@final
class AnswerNeeded:
    """A statement whose plan says that Python answers. Reply with the whole answer, ReadyForQuery included."""

    def __init__(self, conn: int, ticket: int, base: int, text: bytes) -> None: ...
    conn: int
    ticket: int
    base: int
    text: bytes

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
    | AnswerNeeded
    | ServerNeeded
    | ServerOpened
    | ServerMessage
    | ServerLost
    | CancelNeeded
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

@final
class Plan:
    """What the core does with a statement. Plain data; frozen; equal plans are equal."""

    def __init__(
        self,
        action: str,
        *,
        shareable: bool = False,
        sets: list[tuple[str, str | None]] = ...,
        resets_all: bool = False,
        pin: str | None = None,
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
    sets: list[tuple[str, str | None]]
    """Session settings the statement changes when it succeeds: lower-case name and the value as SQL text to put after `SET name =`; None is RESET."""
    resets_all: bool
    """The statement puts every session setting back to its start (RESET ALL, DISCARD ALL)."""
    pin: str | None
    """Needs this very connection from now on, and why."""
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
    ) -> None: ...
    pool: int
    ticket: int
    fd: int
    address: str
    tls: TlsClient | None
    server_name: str

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
    """The whole answer to AnswerNeeded, in the client's wire, ReadyForQuery included."""

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
    """Accept clients on listening sockets, one descriptor a carrier (SO_REUSEPORT), or one for all.
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
class ForgetPlans:
    """Every plan is asked for anew. Statements under way keep theirs."""

    def __init__(self) -> None: ...

Command = (
    Send
    | Close
    | Admit
    | Attach
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
    | ForgetPlans
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
    servers_active: int
    servers_idle: int
    servers_shared: int
    servers_opening: int
    statements: int
    shared_statements: int
    errors: int
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
    pins: list[tuple[str, int]]
    """Reason and how many connections it has pinned since the start."""
    plan_us: list[tuple[int, int]]

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
    def figures(self) -> Figures: ...
    def pools(self) -> list[PoolFigures]: ...
    def stop(self) -> None:
        """End every connection and thread. Idempotent."""

def fingerprint(
    text: bytes, *, standard_conforming_strings: bool = True
) -> tuple[bytes, bool, list[tuple[int, int]]]:
    """The statement's key under this process's random key, whether it is exact, and where its literals lie (byte offsets)."""
