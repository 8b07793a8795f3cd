"""What the console shows of every single connection: clients, servers, sockets, descriptors.

From what the carriers listed. Columns are PgBouncer's, with `replication`, `prepared_statements` and `id` of its later
versions behind them. Keys, passwords and cancel secrets are columns of `SHOW FDS` too: they are always empty.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from proxy.admin.place import Found, House, Row, columns, table
from proxy.bases import OWN
from proxy.native import ClientRow, ServerRow

_BOTH = (
    "type user database state addr port:int4 local_addr local_port:int4 connect_time request_time wait:int4 "
    "wait_us:int4 close_needed:int4 ptr link remote_pid:int4 tls application_name"
)
_LATER = " replication prepared_statements:int4 id:int8"
CONNECTIONS = columns(_BOTH + _LATER)
SOCKETS = columns(
    _BOTH
    + " recv_pos:int4 pkt_pos:int4 pkt_remain:int4 send_pos:int4 send_remain:int4 pkt_avail:int4 send_avail:int4"
    + _LATER
)
FDS = columns(
    "fd:int4 task user database addr port:int4 cancel:int8 link:int4 client_encoding std_strings datestyle timezone "
    "password scram_client_key:bytea scram_server_key:bytea"
)
_ESCAPED = re.compile(r"\\x([0-9a-f]{2})")


def clients(house: House, found: Found) -> bytes:
    """Those that are logged in."""
    return table(CONNECTIONS, [_client(house, client) for client in _clients(found) if client.base])


def servers(house: House, found: Found) -> bytes:
    return table(CONNECTIONS, [_server(house, server) for server in _servers(found)])


def sockets(house: House, found: Found) -> bytes:
    return _sockets(house, found, idle=True)


def active_sockets(house: House, found: Found) -> bytes:
    return _sockets(house, found, idle=False)


def descriptors(house: House, found: Found) -> bytes:
    secrets = (None,) * 3
    rows: list[Row] = []
    for part in found.parts:
        for number, descriptor in part.doors:
            door = house.doors.door(number)
            where = _split(door.name) if door is not None else (None, None)
            rows.append((descriptor, "pooler", None, None, *where, None, None, *(None,) * 4, *secrets))
    by_id: dict[int | None, int] = {client.conn: client.fd for client in _clients(found)}
    by_id |= {server.conn: server.fd for server in _servers(found)}
    for client in _clients(found):
        who = _who(house, client)
        where = _split(client.address)
        rows.append((client.fd, "client", *who, *where, None, by_id.get(client.link), *(None,) * 4, *secrets))
    for server in _servers(found):
        database, user = _whose(house, server)
        where = _split(server.address)
        rows.append(
            (
                server.fd,
                "server",
                user,
                database,
                *where,
                None,
                by_id.get(server.link),
                *(None,) * 4,
                *secrets,
            )
        )
    return table(FDS, sorted(rows, key=lambda row: (str(row[1]), int(row[0] or 0))))


def is_client(found: Found, conn: int) -> bool:
    """There is a client with this id."""
    return any(client.conn == conn and client.base for client in _clients(found))


def _clients(found: Found) -> Iterator[ClientRow]:
    """Without the proxy's own, which ask servers something now and then."""
    return (row for part in found.parts for row in part.clients if row.base != OWN)


def _servers(found: Found) -> Iterator[ServerRow]:
    return (row for part in found.parts for row in part.servers)


def _who(house: House, client: ClientRow) -> tuple[str | None, str | None]:
    base = house.bases.base(client.base)
    return (base.user, base.database) if base is not None else (None, None)


def _whose(house: House, server: ServerRow) -> tuple[str | None, str | None]:
    return house.pools.key(server.pool) or house.pools.line_key(server.pool) or (None, None)


def _client(house: House, client: ClientRow) -> tuple[str | int | None, ...]:
    seconds, rest = divmod(client.waited_us, 1_000_000)
    return (
        "C", *_who(house, client), client.state, *_split(client.address), *_split(client.local),
        _time(house, client.since_us), _time(house, client.heard_us), seconds, rest, 0,
        _pointer(client.conn), _pointer(client.link), 0, client.tls, _plain(client.application),
        house.lines.kind(client.conn), client.prepared, client.conn,
    )  # fmt: skip


def _server(house: House, server: ServerRow) -> tuple[str | int | None, ...]:
    database, user = _whose(house, server)
    return (
        "S", user, database, server.state, *_split(server.address), *_split(server.local),
        _time(house, server.since_us), _time(house, server.heard_us), 0, 0, int(server.closing),
        _pointer(server.conn), _pointer(server.link), server.pid, server.tls, "",
        house.lines.kind(server.link), server.prepared, server.conn,
    )  # fmt: skip


def _sockets(house: House, found: Found, *, idle: bool) -> bytes:
    rows: list[Row] = []
    for side, kept, unsent, row in (
        *(("cl", one.kept, one.unsent, _client(house, one)) for one in _clients(found)),
        *(("sv", one.kept, one.unsent, _server(house, one)) for one in _servers(found)),
    ):
        state = str(row[3])
        if idle or state != "idle":
            low = (kept, 0, 0, 0, unsent, kept, unsent)
            rows.append((*row[:3], f"{side}_{state}", *row[4:-3], *low, *row[-3:]))
    return table(SOCKETS, rows)


def _split(line: str) -> tuple[str | None, int | None]:
    """Address and port; a Unix socket has none."""
    host, _, port = line.rpartition(":")
    return (host.strip("[]"), int(port)) if port.isdecimal() else (line or None, None)


def _time(house: House, ago_us: int) -> str:
    return datetime.fromtimestamp(house.today() - ago_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _pointer(conn: int | None) -> str:
    return f"0x{conn:x}" if conn is not None else ""


def _plain(sql: str) -> str:
    """What a string constant says."""
    if sql.startswith("E'"):
        return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), sql[2:-1])
    return sql[1:-1].replace("''", "'") if sql.startswith("'") else sql
