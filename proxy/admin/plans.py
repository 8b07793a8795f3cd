"""What the console shows of planning: the chain, and the plan for one statement. It asks nobody but the planner."""

from plugins.scope import Scope
from protocols.postgres.errors import Known
from proxy import explained
from proxy.admin.place import Answer, Denied, House, Row, columns, table
from proxy.bases import Base
from proxy.outside import Commands

EXPLAINED = columns("what said")
PLUGINS = columns("name stage guards budget_ms:int4 catalogue")


def explain(house: House, rest: str | None, _commands: Commands) -> Answer:
    """As a client of this user on this database that has set nothing."""
    user, database, text = (rest or "").split("\n", 2)
    directory = house.directory
    base = Base("", user, directory.called(database))
    if not directory.permits(base):
        raise Denied(Known.COMMAND_FAILED, f"no client is let in as {user} on {database}")
    names = house.catalogues.names(base, ())
    scope = Scope(user=user, database=base.database)
    most = directory.snapshot.limits.max_statement
    said = explained.explain(house.planner.chain, text.encode(), scope, names, max_text=most)
    rows: list[Row] = [*explained.facts(said)]
    rows += [("because", reason) for reason in explained.reasons(said)]
    return table(EXPLAINED, [*rows, ("took", explained.times(said))])


def plugins(house: House) -> bytes:
    rows: list[Row] = [
        (one.name, getattr(one, "stage", ""), "yes" if one.guards else "no", round(one.budget * 1000),
         "yes" if getattr(one, "needs_catalogue", False) else "no")
        for one in house.planner.chain.plugins
    ]  # fmt: skip
    return table(PLUGINS, rows)
