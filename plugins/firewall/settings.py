"""What the firewall is told: `[plugins.firewall]` and its rules. Words and shapes; what they match is `rules.py`'s.

A later source of rules (roles, what was learnt) fills the same `FirewallRule`.
"""

from typing import Annotated, Literal, get_args

from config.network import Network
from config.setting import Section, setting
from config.text import Text
from plugins.api import PluginSettings

Trick = Literal[
    "no-where",
    "tautology",
    "stacked",
    "union",
    "delay",
    "files",
    "network",
    "catalogue",
    "server",
    "program",
    "dynamic",
    "privileges",
    "commented",
    "unreadable",
]
Sort = Literal[
    "query",
    "write",
    "definition",
    "transaction",
    "setting",
    "prepared",
    "cursor",
    "copy",
    "block",
    "call",
    "explain",
    "channel",
    "load",
    "utility",
    "unknown",
    "select",
    "insert",
    "update",
    "delete",
    "merge",
    "truncate",
    "create",
    "alter",
    "drop",
    "import",
    "copy-from",
    "copy-to",
    "prepare",
    "execute",
    "deallocate",
    "declare",
    "fetch",
    "do",
    "set",
    "reset",
    "show",
    "discard",
    "begin",
    "commit",
    "rollback",
    "savepoint",
    "listen",
    "unlisten",
    "notify",
    "grant",
    "revoke",
    "lock",
    "vacuum",
    "analyze",
    "cluster",
    "reindex",
    "checkpoint",
    "refresh",
    "comment",
    "security",
    "reassign",
]
"""Of a statement: what it is altogether, and what it is in particular."""
FAMILIES: dict[str, frozenset[str]] = {
    "query": frozenset({"select"}),
    "write": frozenset({"insert", "update", "delete", "merge"}),
    "definition": frozenset({"create", "alter", "drop", "import"}),
    "transaction": frozenset({"begin", "commit", "rollback", "savepoint"}),
    "setting": frozenset({"set", "reset", "show", "discard"}),
    "prepared": frozenset({"prepare", "execute", "deallocate"}),
    "cursor": frozenset({"declare", "fetch"}),
    "copy": frozenset({"copy-from", "copy-to"}),
    "block": frozenset({"do"}),
    "channel": frozenset({"listen", "unlisten", "notify"}),
    "utility": frozenset(
        """
        vacuum analyze cluster reindex checkpoint refresh truncate grant revoke comment security reassign lock
        """.split()  # noqa: SIM905 - a list to be read, not punctuation
    ),
}
"""The particular words of each general one. What has none is its own."""
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun", "mon-fri", "sat-sun"]
Severity = Literal["info", "low", "medium", "high", "critical"]
DENIED = "this statement is not allowed"
TRICKS: tuple[Trick, ...] = get_args(Trick)


class FirewallRule(Section, frozen=True):
    """One element of `rules`. What is not given fits every statement; of what is given one entry must fit. In names
    `*` stands for anything. docs/security.md says when a rule fits that is not certain to."""

    id: Annotated[str, setting("Its name, in logs and on the trail. Clients never hear it.", "at once")]
    action: Annotated[
        Literal["allow", "deny"], setting("What becomes of a statement that it fits.", "at once")
    ]
    reason: Annotated[Text | None, setting("Why, for people.", "at once")] = None
    severity: Annotated[Severity, setting("How much it matters, for people.", "at once")] = "medium"
    users: Annotated[tuple[str, ...], setting("Who says it, as at log-in: names, `app_*`.", "at once")] = ()
    databases: Annotated[tuple[str, ...], setting("The database's `name`.", "at once")] = ()
    listeners: Annotated[tuple[str, ...], setting("The listener's name.", "at once")] = ()
    networks: Annotated[
        tuple[Network, ...], setting("Where the client comes from; `local` for Unix sockets.", "at once")
    ] = ()
    applications: Annotated[
        tuple[str, ...],
        setting("What the client calls itself (`application_name`). It may call itself anything.", "at once"),
    ] = ()
    days: Annotated[tuple[Day, ...], setting("Days of the week in `timezone`.", "at once")] = ()
    hours: Annotated[
        tuple[str, ...],
        setting(
            'Times of the day in `timezone`: `"08:00-18:00"`; `"22:00-06:00"` goes past midnight.', "at once"
        ),
    ] = ()
    kinds: Annotated[
        tuple[Sort, ...],
        setting(
            "What the statement is, and what stands in it: of `EXPLAIN ANALYZE DELETE` both. `write` is `insert`, "
            "`update`, `delete` and `merge`.",
            "at once",
        ),
    ] = ()
    schemas: Annotated[tuple[str, ...], setting("Of the tables that are read or written.", "at once")] = ()
    tables: Annotated[
        tuple[Text, ...],
        setting("Tables and views that are read or written: `schema.table`, `hr.*`, `*.users`.", "at once"),
    ] = ()
    reads: Annotated[tuple[Text, ...], setting("The same, read only.", "at once")] = ()
    writes: Annotated[tuple[Text, ...], setting("The same, written only.", "at once")] = ()
    columns: Annotated[
        tuple[Text, ...], setting("Columns that are read or written: `schema.table.column`.", "at once")
    ] = ()
    functions: Annotated[
        tuple[Text, ...],
        setting("Functions that are called: `name` in any schema, or `schema.name`.", "at once"),
    ] = ()
    tricks: Annotated[
        tuple[Trick, ...], setting("What attackers' statements have; docs/security.md tells each.", "at once")
    ] = ()


class FirewallSettings(PluginSettings, frozen=True):
    """`[plugins.firewall]`: rules about statements, in order; the first that fits decides."""

    mode: Annotated[
        Literal["enforce", "shadow"],
        setting(
            "`enforce` denies. `shadow` lets everything through, and says on the trail what it would deny.",
            "at once",
        ),
    ] = "enforce"
    otherwise: Annotated[
        Literal["allow", "deny"], setting("What becomes of a statement that no rule fits.", "at once")
    ] = "allow"
    message: Annotated[
        Text, setting("What the client hears (with SQLSTATE 42501), whichever rule denied.", "at once")
    ] = Text(DENIED)
    timezone: Annotated[str, setting("Of `days` and `hours`, such as `Europe/Rome`.", "at once")] = "UTC"
    rules: Annotated[tuple[FirewallRule, ...], setting("The rules, in their order.", "at once")] = ()
