"""What attackers' statements have: the one table of tricks, each a small function with its sentence."""

from collections.abc import Callable
from typing import NamedTuple

from plugins.firewall import powers, shapes
from plugins.firewall.seen import MAYBE, NO, YES, Seen
from plugins.firewall.settings import Trick


class Told(NamedTuple):
    """How a trick is found, and what it is, for people."""

    find: Callable[[Seen], int]
    text: str


def look(trick: Trick, seen: Seen) -> int:
    """Whether a statement has it. What is nested too deeply to look through might."""
    try:
        return TRICKS[trick].find(seen)
    except RecursionError:
        return MAYBE


def _stacked(seen: Seen) -> int:
    return MAYBE if seen.trouble else YES if seen.many else NO


def _commented(seen: Seen) -> int:
    return YES if seen.commented else MAYBE if seen.trouble else NO


def _unreadable(seen: Seen) -> int:
    return YES if seen.unread else NO


TRICKS: dict[Trick, Told] = {
    "no-where": Told(
        shapes.no_where,
        "an UPDATE or DELETE, wherever it stands, without WHERE or with one that is always true; a MERGE that changes "
        "on such a condition",
    ),
    "tautology": Told(
        shapes.tautology,
        "in WHERE, HAVING or ON something that is true whatever the row: `OR 1=1`, `OR 'a'='a'`, `id = id`, `OR TRUE`, "
        "`NOT FALSE`, `1 IN (1)`; not a `1=1` or TRUE that begins a WHERE, as programs write it",
    ),
    "stacked": Told(_stacked, "more than one statement in a text"),
    "union": Told(
        shapes.union,
        "UNION, EXCEPT or INTERSECT of a table with the server's catalogue, with what tells about the server, or with "
        "nothing but NULLs or whole numbers",
    ),
    "delay": Told(powers.delay, "pg_sleep and its kin"),
    "files": Told(
        powers.files,
        "the server's files: functions that read, list or write them, COPY with a file, file_fdw",
    ),
    "network": Told(powers.network, "other servers: dblink, foreign servers and schemas, subscriptions"),
    "catalogue": Told(powers.catalogue, "tables and functions that tell what the database holds"),
    "server": Told(powers.server, "functions and words that tell which server, version and user this is"),
    "program": Told(
        powers.program, "COPY with PROGRAM, LOAD, functions in C and other languages without bounds"
    ),
    "dynamic": Told(powers.dynamic, "statements in strings: DO, query_to_xml and its kin, dblink, crosstab"),
    "privileges": Told(
        powers.privileges,
        "who may do what: GRANT, REVOKE, SET ROLE, SET SESSION AUTHORIZATION, roles, policies, owners, ALTER SYSTEM",
    ),
    "commented": Told(
        _commented, "a comment anywhere in the text, as cuts off what stands behind it or hides a space"
    ),
    "unreadable": Told(_unreadable, "what cannot be cut into tokens, or parsed"),
}
"""In the words of docs/security.md, which has the same table."""
