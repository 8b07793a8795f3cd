"""How long a plan miss takes: reading a statement and asking the chain, as the brain does once per statement and scope.

    python -m benchmarks.plan_miss [--rounds 200] [--each] [--rules 10000]

Prints processor time, median and 99th percentile over statements under 1 KB: with the standard chain, and with the
lineage of the statement worked out besides, on a catalogue of 500 tables; and what sqlglot's parser takes of it.
`--rules`: with a firewall of 10 rules and of that many besides, and what making those takes: rules by user, table,
schema, application, function and kind, none of which decides, behind those for tricks.
`--each`: the same of each statement, the least of all rounds first: on a busy machine that one says most.
"""

import argparse
import time
from collections.abc import Callable, Sequence

import sqlglot
from sqlglot import exp

from config.text import Text
from plugins import statement
from plugins.catalogue import Catalogue, Column, Names, Relation
from plugins.chain import Chain
from plugins.firewall import Firewall
from plugins.firewall.settings import FirewallRule, FirewallSettings
from plugins.model import Source
from plugins.registry import standard
from plugins.scope import Scope
from plugins.shortening import rejoin
from proxy.garbage import settle

STATEMENTS = (
    "SELECT 1",
    "SELECT abalance FROM accounts WHERE aid = 42",
    "UPDATE accounts SET abalance = abalance + 7 WHERE aid = 42",
    "INSERT INTO history (tid, bid, aid, delta, mtime) VALUES (1, 2, 3, 4, CURRENT_TIMESTAMP)",
    "SELECT u.id, u.email, u.name FROM users AS u WHERE u.id = $1 AND u.email LIKE $2 ORDER BY u.name LIMIT 20",
    "SELECT o.id, o.status, u.name FROM orders o JOIN users u ON u.id = o.user_id WHERE o.status IN ('a', 'b', 'c')",
    """SELECT o.*, count(i.id) AS items, sum(i.price * i.quantity) AS total FROM orders o
    LEFT JOIN items i ON i.order_id = o.id WHERE o.created > now() - interval '7 days'
    GROUP BY o.id HAVING count(i.id) > 2 ORDER BY total""",
    """WITH recent AS (SELECT user_id, max(created) AS last FROM orders GROUP BY user_id)
    SELECT u.email, r.last FROM users u JOIN recent r ON r.user_id = u.id WHERE r.last > $1""",
    "SELECT id, row_number() OVER (PARTITION BY user_id ORDER BY created DESC) AS n FROM orders WHERE status = $1",
    """INSERT INTO users (id, email, name) VALUES ($1, $2, $3)
    ON CONFLICT (id) DO UPDATE SET email = excluded.email RETURNING id, email""",
    "DELETE FROM items USING orders o WHERE o.id = items.order_id AND o.status = 'gone' RETURNING items.id",
    "SELECT EXISTS (SELECT 1 FROM orders WHERE user_id = $1 AND status <> 'paid'), (SELECT count(*) FROM items)",
    "SET search_path = shop, public",
    "BEGIN",
    "SELECT "
    + ", ".join(f'"t0"."c{n}" AS "c{n}_0"' for n in range(24))
    + ' FROM "wide" AS "t0" WHERE "t0"."c1" = $1',
    """SELECT data ->> 'name', coalesce(data #>> '{a,b}', 'x'), lower(email) || '@' FROM users
    WHERE data @> '{"k": 1}'""",
)
TABLES = {
    "accounts": ("aid", "bid", "abalance", "filler"),
    "history": ("tid", "bid", "aid", "delta", "mtime", "filler"),
    "users": ("id", "email", "name", "data", "created"),
    "orders": ("id", "user_id", "status", "created", "total"),
    "items": ("id", "order_id", "price", "quantity", "title"),
    "wide": tuple(f"c{n}" for n in range(24)),
    **{f"other{n}": ("id", "a", "b", "c") for n in range(494)},
}


def main() -> None:
    parser = argparse.ArgumentParser(description="How long a plan miss takes.")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--each", action="store_true")
    parser.add_argument("--rules", type=int, default=0)
    given = parser.parse_args()
    rounds = given.rounds
    catalogue = Catalogue(
        tuple(
            Relation(Source("public", name), columns=tuple(map(Column, made)))
            for name, made in TABLES.items()
        )
    )
    names, scope, chain = Names(catalogue), Scope("front", "app", "shop"), Chain(standard())
    assert all(len(text) < 1_024 for text in STATEMENTS)
    walls = {f"{count} rules": _firewall(count) for count in (10, given.rules) if given.rules}
    settle()

    def miss(text: str, *, lineage: bool, asked: Chain = chain) -> None:
        read = statement.read(text.encode(), scope, exact=False, names=names)
        asked.plan(read, scope)
        if lineage:
            _ = read.reading
        read.release()

    joined = {text: _joined(text) for text in STATEMENTS}
    told: dict[str, dict[str, list[float]]] = {
        what: {text: [] for text in STATEMENTS} for what in ("standard chain", "with lineage", "parser alone")
    }
    for number in range(rounds + 5):
        for text in STATEMENTS:
            began = time.thread_time_ns()
            trees = sqlglot.parse(joined[text], read="postgres") if joined[text] else []
            parsed = time.thread_time_ns()
            # Left whole they would be collected while the chain is measured.
            _take_apart(trees)
            asked = time.thread_time_ns()
            miss(text, lineage=False)
            planned = time.thread_time_ns()
            if number >= 5:
                told["parser alone"][text].append((parsed - began) / 1e3)
                told["standard chain"][text].append((planned - asked) / 1e3)
    for number in range(rounds + 5):
        for text in STATEMENTS:
            began = time.thread_time_ns()
            miss(text, lineage=True)
            if number >= 5:
                told["with lineage"][text].append((time.thread_time_ns() - began) / 1e3)
    told |= _beside(walls, miss, rounds)
    print(f"{len(STATEMENTS)} statements, {rounds} rounds; processor time of a miss in µs")
    for what, times in told.items():
        print(f"{what:<16} {_figures([one for each in times.values() for one in each])}")
    for text in STATEMENTS if given.each else ():
        print(f"\n{len(text)} bytes: {' '.join(text.split())[:100]}")
        for what, times in told.items():
            print(f"{what:<16} {_figures(times[text])}")


def _beside(
    walls: dict[str, Chain], miss: Callable[..., None], rounds: int
) -> dict[str, dict[str, list[float]]]:
    """With each of them, in turns, so that what else runs on the machine slows all."""
    told: dict[str, dict[str, list[float]]] = {what: {text: [] for text in STATEMENTS} for what in walls}
    for number in range(rounds + 5):
        for text in STATEMENTS:
            for what, wall in walls.items():
                began = time.thread_time_ns()
                miss(text, lineage=False, asked=wall)
                if number >= 5:
                    told[what][text].append((time.thread_time_ns() - began) / 1e3)
    return told


def _firewall(count: int) -> Chain:
    """The standard chain with a firewall of so many rules. None of them decides."""
    rules = [
        FirewallRule(id="tricks", action="deny", tricks=("tautology", "union", "delay", "files", "program")),
        FirewallRule(id="all-rows", action="deny", tricks=("no-where",)),
    ]
    for at in range(count - len(rules)):
        name = f"r{at}"
        made = (
            FirewallRule(id=name, action="deny", users=(f"user{at}",), kinds=("write",)),
            FirewallRule(id=name, action="deny", tables=(Text(f"s{at % 97}.t{at}"),)),
            FirewallRule(id=name, action="deny", schemas=(f"team{at}_*",)),
            FirewallRule(id=name, action="allow", applications=(f"app{at}*",), tables=(Text("public.*"),)),
            FirewallRule(id=name, action="deny", functions=(Text(f"s{at % 97}.f{at}"),)),
            FirewallRule(id=name, action="deny", databases=(f"db{at}",), columns=(Text("*.*.email"),)),
            FirewallRule(id=name, action="deny", reads=(Text(f"*.t{at}"),)),
            FirewallRule(id=name, action="deny", kinds=("drop", "truncate"), writes=(Text(f"s.t{at}"),)),
        )
        rules.append(made[at % len(made)])
    began = time.thread_time()
    wall = Firewall(FirewallSettings(rules=tuple(rules)))
    print(f"{count} rules made ready in {(time.thread_time() - began) * 1000:.0f} ms")
    first, *others = standard()
    return Chain([first, wall, *others])


def _take_apart(trees: Sequence[exp.Expr | None]) -> None:
    for tree in trees:
        for node in tuple(tree.bfs()) if tree is not None else ():
            node.parent = None


def _joined(text: str) -> str:
    """What the parser gets of a statement; empty where it is not asked."""
    (part,) = statement.read(text.encode(), Scope(), exact=False).parts
    return rejoin(part.tokens) if part.tree is not None else ""


def _figures(times: list[float]) -> str:
    times = sorted(times)
    middle, late = times[len(times) // 2], times[len(times) * 99 // 100]
    return f"least {times[0]:6.0f}   median {middle:6.0f}   99 % {late:6.0f}   most {times[-1]:6.0f}"


if __name__ == "__main__":
    main()
