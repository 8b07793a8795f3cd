"""Whether a statement may ride, pipelined, on a connection that carries other clients' statements.

Only what provably does nothing but read does: one query that locks no rows and calls nothing but the server's own
harmless functions. Writes do not share: one that waits for a row lock would make every neighbour behind it wait for a
transaction none of them knows, and the server, which sees one session, could not find a deadlock between them.
How long a statement takes is not known here; the core measures it.
"""

from plugins.api import Plugin
from plugins.plan import Plan
from plugins.scope import Scope
from plugins.sharing.functions import HARMLESS, SYNTAX
from plugins.sharing.relations import OWN
from plugins.statement import Part, Statement, word
from plugins.tokens import NAMES, Kind

_NOT_A_READ = frozenset(
    {"insert", "update", "delete", "merge", "into", "share", "operator", "call", "execute", "nextval"}
)
_TELLING = _NOT_A_READ | OWN


class Sharing(Plugin):
    """Does not guard: without its word nothing is shared."""

    name = "sharing"
    stage = "sharing"
    guards = False

    def plan(self, statement: Statement, scope: Scope, plan: Plan) -> Plan:
        rule, reason = _refusal(statement, scope, plan)
        if rule:
            return plan.because(self.name, rule, f"not shareable: {reason}", shareable=False)
        return plan.because(self.name, "plain read", "shareable: one query that only reads", shareable=True)


def _refusal(statement: Statement, scope: Scope, plan: Plan) -> tuple[str, str]:
    """The rule that forbids sharing, and why; empty when none does."""
    if plan.action != "forward":
        return "action", f"the plan says {plan.action}"
    if plan.pin or plan.frees or plan.sets or plan.resets_all or plan.forgets_prepared or plan.changes_schema:
        return "session", "it leaves something in the session"
    if statement.kind == "write":
        return "write", "a write may wait for a lock, and neighbours would wait with it"
    if statement.kind != "query":
        return "kind", f"{statement.kind} statements keep a connection to themselves"
    path = (scope.setting("search_path") or "").lower().replace('"', "").replace("'", "").strip()
    if "pg_catalog" in path and not path.startswith("pg_catalog"):
        return "search_path", "names before pg_catalog could stand for other functions"
    return _reads_only(statement.parts[0])


def _reads_only(part: Part) -> tuple[str, str]:
    tokens = part.tokens
    for at, token in enumerate(() if _TELLING.isdisjoint(part.said) else tokens):
        if token.word in _NOT_A_READ and word(tokens, at - 1) != ".":
            return "words", f"the word {token.name.upper()} is in it"
        if token.name in OWN and token.kind in NAMES:
            return "relation", f"{token.name} shows the session it is asked in"
    for at, schema, name in part.calls:
        if tokens[at].kind is Kind.WORD and not schema and (name in SYNTAX or _names_columns(part, at)):
            continue
        if schema not in ("", "pg_catalog"):
            return "function", "it calls a function outside pg_catalog"
        if name not in HARMLESS:
            return "function", f"{name}() is not known to be harmless"
    return "", ""


def _names_columns(part: Part, at: int) -> bool:
    """Whether the bracket after the name at `at` holds columns: `AS t(a, b)`, `WITH t(a, b) AS`."""
    return part.word(at - 1) in ("as", "with", "recursive")
