"""The one place where the rooms of the brain are joined: from a Snapshot and the outside to a Brain.

It decides nothing. Everything a room needs, it is given here.
"""

from collections.abc import Callable
from functools import partial

import msgspec

from config.loader import Loaded
from config.snapshot import Snapshot
from plugins.blocked import Blocked
from plugins.chain import Chain
from plugins.registry import Registry
from proxy import dial, inquiry, sockets, tcp
from proxy.admin import Console, House, Source
from proxy.admin.place import Ending
from proxy.answers.lines import StoreLines
from proxy.bases import Bases
from proxy.brain import Brain
from proxy.cancel import Cancels
from proxy.capture import Writer
from proxy.catalogues import Catalogues
from proxy.directory import Directory
from proxy.doors import Doors
from proxy.health import Health
from proxy.lines import Lines
from proxy.listening import Listening
from proxy.lookups import Lookups
from proxy.names import Names, Resolve, resolve
from proxy.observing import Observing
from proxy.outside import Outside
from proxy.planner import Planner
from proxy.plans import Plans, report
from proxy.pools import Pools
from proxy.profiles import Profiles
from proxy.proofs import Judge, Proofs
from proxy.reload import Reloader
from proxy.session import LogIns
from proxy.slow import SlowLog
from proxy.strays import Strays
from proxy.texts import Texts
from proxy.trials import Trials
from proxy.upstream import Upstream


class Rooms(msgspec.Struct, frozen=True):
    """What the process needs to hold on to."""

    brain: Brain
    directory: Directory
    doors: Doors
    pools: Pools
    reloader: Reloader
    slow: SlowLog
    health: Health
    strays: Strays
    names: Names
    observing: Observing
    upstream: Upstream
    stores: StoreLines
    planner: Planner


def build(
    snapshot: Snapshot,
    load: Callable[[], Loaded],
    outside: Outside,
    source: Source,
    *,
    nonce: Callable[[int], bytes],
    chance: Callable[[], float],
    version: str,
    today: Callable[[], float],
    end: Callable[[Ending], None],
    sockets_each: int = 1,
    given: sockets.Given = sockets.NOTHING_GIVEN,
    connect: dial.Connect | None = None,
    ask: inquiry.Ask = inquiry.ask,
    look_up: inquiry.LookUp = inquiry.look_up,
    asks: Judge | None = None,
    rows: inquiry.Rows = inquiry.rows,
    registry: Registry | None = None,
    resolve: Resolve = resolve,
) -> Rooms:
    """Join the rooms. Nothing is opened yet."""
    bases = Bases()
    pools = Pools()
    doors = Doors(sockets_each, given)
    directory = Directory(snapshot, pools, doors)
    profiles = Profiles()
    if connect is None:
        connect = partial(dial.connect, tune=lambda one: tcp.tune(one, directory.snapshot.tcp))
    stores = StoreLines()
    upstream = Upstream(
        outside,
        pools.target,
        profiles,
        connect=partial(stores.connect, other=connect),
        chance=chance,
        nonce=nonce,
        held=lambda pool: pools.held(pool) != "none",
    )
    trials = Trials(outside, profiles, ask=ask)
    secret = nonce(32)
    lookups = Lookups(outside, secret, ask=look_up)
    listening = Listening(outside, directory, bases, pools)
    lines = Lines(directory, pools, upstream)
    texts = Texts(snapshot.limits.max_plans)
    blocked = Blocked()
    known = (registry if registry is not None else Registry()).led_by(blocked)
    planner = Planner(
        Chain(known.chain(snapshot.plugins), report=report), max_text=snapshot.limits.max_statement
    )
    catalogues = Catalogues(
        outside, directory.pool_of, pools.target, lambda: directory.snapshot.catalogue, bases, ask=rows
    )
    reloader = Reloader(
        load, directory, doors, pools, upstream, lookups, listening, lines, planner, known, catalogues, bases
    )
    logins = LogIns(
        outside,
        directory,
        upstream,
        trials,
        profiles,
        bases,
        lookups,
        lines,
        asks or Proofs().judge,
        blocked,
        nonce=nonce,
        secret=secret,
        version=version,
    )
    names = Names(outside, lambda: directory.snapshot, pools, upstream.dialled, resolve=resolve)
    console = Console(
        House(
            source=source,
            outside=outside,
            directory=directory,
            pools=pools,
            bases=bases,
            doors=doors,
            upstream=upstream,
            lines=lines,
            names=names,
            reloader=reloader,
            logging_in=lambda: logins.under_way,
            texts=texts.of,
            planner=planner,
            blocked=blocked,
            catalogues=catalogues,
            version=version,
            today=today,
            end=end,
        )
    )
    health = Health(outside, lambda: directory.snapshot, pools, upstream, chance=chance)
    strays = Strays(outside)
    slow = SlowLog(
        bases,
        lambda: bool(directory.snapshot.log.slow or directory.snapshot.metrics.statements),
        lambda: directory.snapshot.log.slow_parameters == "masked",
    )
    brain = Brain(
        logins,
        upstream,
        Cancels(outside, pools.target, upstream.name_of, stores=stores),
        Plans(
            outside,
            planner,
            bases,
            directory,
            texts,
            catalogues,
            Writer(lambda: directory.snapshot.capture),
            today,
        ),
        console,
        listening,
        bases,
        slow,
        health,
        strays,
    )
    observing = Observing(outside, source, lambda: planner.chain, bases)
    return Rooms(
        brain,
        directory,
        doors,
        pools,
        reloader,
        slow,
        health,
        strays,
        names,
        observing,
        upstream,
        stores,
        planner,
    )
