"""Every command of the console: its words, what may follow them, and what carries it out."""

from collections.abc import Callable
from functools import partial

import msgspec

from plugins.blocked import WHATS
from proxy.admin import blocks, connections, figures, orders, plans
from proxy.admin.place import Answer, Found, House, Listing, columns, table
from proxy.outside import Commands

HELP = columns("command what")
Run = Callable[[House, str | None, Commands], Answer]


class Command(msgspec.Struct, frozen=True):
    """One command. What it has for the core is appended to the list it is given."""

    run: Run
    help: str
    takes: str = ""
    """What may follow the words, as HELP writes it; empty: nothing may."""
    watchers: bool = False
    """Users who may only look may give it."""
    shows: tuple[tuple[str, int], ...] = ()
    """Its columns."""


_BLOCKS = {
    "user": "no statement of this user, and no log-in, from now on",
    "application": "no statement of clients that call themselves so",
    "network": "no statement from there (10.0.0.0/8, one address, or local)",
    "fingerprint": "this statement of nobody (32 digits, as SHOW PLANS has them)",
}


def _show(of: Callable[[House], bytes]) -> Run:
    return lambda house, _word, _commands: of(house)


def _list(of: Callable[[House, Found], bytes]) -> Run:
    def ask(house: House, _word: str | None, _commands: Commands) -> Answer:
        return Listing(lambda found: ([], of(house, found)))

    return ask


def table_of(statistics: figures.Statistics) -> dict[tuple[str, ...], Command]:
    """The table. `statistics` owns what averages are made from."""
    look = partial(Command, watchers=True)
    known: dict[tuple[str, ...], Command] = {
        ("SHOW", "CLIENTS"): look(_list(connections.clients), "every client", shows=connections.CONNECTIONS),
        ("SHOW", "SERVERS"): look(
            _list(connections.servers), "every server connection", shows=connections.CONNECTIONS
        ),
        ("SHOW", "SOCKETS"): look(
            _list(connections.sockets), "both, with what waits in their buffers", shows=connections.SOCKETS
        ),
        ("SHOW", "ACTIVE_SOCKETS"): look(
            _list(connections.active_sockets), "those that are not idle", shows=connections.SOCKETS
        ),
        ("SHOW", "FDS"): Command(
            _list(connections.descriptors), "descriptors and whose they are", shows=connections.FDS
        ),
        ("SHOW", "POOLS"): look(
            _show(figures.pools), "clients and server connections of each pool, now", shows=figures.POOLS
        ),
        ("SHOW", "STATS"): look(
            _show(statistics.stats),
            "totals since the start, averages of the last minute",
            shows=figures.STATS,
        ),
        ("SHOW", "STATS_TOTALS"): look(
            _show(statistics.totals_only), "the totals alone", shows=figures.HALF_STATS
        ),
        ("SHOW", "STATS_AVERAGES"): look(
            _show(statistics.averages_only), "the averages alone", shows=figures.HALF_STATS
        ),
        ("SHOW", "TOTALS"): look(
            _show(statistics.totals), "figures of the whole process", shows=figures.TOTALS
        ),
        ("SHOW", "DATABASES"): look(
            _show(figures.databases), "databases, and whether they are held back", shows=figures.DATABASES
        ),
        ("SHOW", "USERS"): look(_show(figures.users), "users", shows=figures.USERS),
        ("SHOW", "LISTS"): look(_show(figures.lists), "how many there are of what", shows=figures.LISTS),
        ("SHOW", "MEM"): look(
            _show(figures.memory), "what clients, servers, pools and plans take", shows=figures.MEM
        ),
        ("SHOW", "CONFIG"): look(_show(figures.config), "the configuration in force", shows=figures.CONFIG),
        ("SHOW", "STATE"): look(_show(figures.state), "active, paused or suspended", shows=figures.STATE),
        ("SHOW", "VERSION"): look(_show(figures.version), "the version", shows=figures.VERSION),
        ("SHOW", "HEALTH"): look(_show(figures.health), "how each server was found", shows=figures.HEALTH),
        ("SHOW", "PEERS"): look(_show(figures.peers), "always empty", shows=figures.PEERS),
        ("SHOW", "DNS_HOSTS"): look(
            _show(figures.dns_hosts), "names of servers and their addresses", shows=figures.DNS_HOSTS
        ),
        ("SHOW", "DNS_ZONES"): look(_show(figures.dns_zones), "always empty", shows=figures.DNS_ZONES),
        ("SHOW", "PINS"): look(
            _show(figures.pins),
            "why clients were and are tied to one connection, and how many",
            shows=figures.PINS,
        ),
        ("SHOW", "SHARING"): look(
            _show(figures.sharing), "how much of each pool's work shared a connection", shows=figures.SHARING
        ),
        ("SHOW", "CARRIERS"): look(
            _show(figures.carriers), "what each carrier thread does", shows=figures.CARRIERS
        ),
        ("SHOW", "PLANS"): look(
            _show(figures.plans), "every plan: what is done with which statement", shows=figures.PLANS
        ),
        ("SHOW", "SLOW"): look(
            _show(figures.slow), "the plans whose statements take servers longest", shows=figures.PLANS
        ),
        ("SHOW", "WAITS"): look(
            _show(figures.waits), "how long clients wait for connections", shows=figures.WAITS
        ),
        ("SHOW", "SNAPSHOT"): look(
            _show(figures.snapshot), "which configuration is in force", shows=figures.SNAPSHOT
        ),
        ("EXPLAIN", "PLAN", "FOR"): look(
            plans.explain,
            "the plan for a statement, and why",
            "user@database statement",
            shows=plans.EXPLAINED,
        ),
        ("SHOW", "PLUGINS"): look(
            _show(plans.plugins), "the chain of plugins, in order", shows=plans.PLUGINS
        ),
        ("SHOW", "BLOCKS"): look(_show(blocks.blocks), "what is blocked by hand", shows=blocks.BLOCKS),
        ("PAUSE",): Command(orders.pause, "no more connections; returns when all are closed", "[db]"),
        ("RESUME",): Command(orders.resume, "ends PAUSE, KILL and SUSPEND", "[db]"),
        ("SUSPEND",): Command(orders.suspend, "as PAUSE, but connections stay"),
        ("DISABLE",): Command(orders.disable, "no new clients", "db"),
        ("ENABLE",): Command(orders.enable, "new clients again", "db"),
        ("KILL",): Command(orders.kill, "ends all clients and connections, and pauses", "db"),
        ("KILL_CLIENT",): Command(orders.kill_client, "ends one client (id of SHOW CLIENTS)", "id"),
        ("RECONNECT",): Command(orders.reconnect, "each connection closes when it is free", "[db]"),
        ("WAIT_CLOSE",): Command(orders.wait_close, "returns when they have", "[db]"),
        ("RELOAD",): Command(orders.reload, "reads the configuration file again: all of it or nothing"),
        ("SET",): Command(orders.set_value, "changes a setting until the next RELOAD", "key = value"),
        ("SHUTDOWN",): Command(orders.shutdown, "ends the process", "[WAIT_FOR_CLIENTS|WAIT_FOR_SERVERS]"),
    }
    for what in WHATS:
        known["BLOCK", what.upper()] = Command(blocks.block(what), _BLOCKS[what], what)
        known["UNBLOCK", what.upper()] = Command(blocks.unblock(what), "takes that back", what)
    known["SHOW", "HELP"] = look(_show(lambda _house: _help(known)), "this list", shows=HELP)
    return known


def _help(known: dict[tuple[str, ...], Command]) -> bytes:
    rows = [(" ".join((*words, one.takes)).strip(), one.help) for words, one in known.items()]
    return table(HELP, rows)
