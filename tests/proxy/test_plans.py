"""What a plan may depend on besides its statement: who asks, from where, and when."""

from msgspec import structs

from plugins.api import Plugin
from plugins.chain import Chain
from plugins.plan import Plan
from plugins.scope import Scope, plain
from plugins.statement import Statement
from proxy.native import Learn, PlanNeeded
from proxy.planner import guard
from tests.proxy.town import Town
from tests.proxy.world import only


class Curious(Plugin):
    """Asks for everything, and is sure of nothing beyond the minute."""

    name = "curious"
    stage = "firewall"
    guards = True
    needs_application = True
    networks = ("10.0.0.0/8", "local")

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Scope] = []

    def plan(self, statement: Statement, scope: Scope, plan: Plan) -> Plan:
        self.heard.append(scope)
        return structs.replace(plan, until=scope.moment // 60 * 60 + 60)


def test_it_may_depend_on_who_asks_from_where_and_when() -> None:
    town, curious = Town(), Curious()
    town.rooms.planner.chain = Chain([curious])
    said = guard(town.rooms.planner.chain)
    assert (said.on, said.application, said.networks) == (True, True, ["10.0.0.0/8", "local"])
    town.serve(town.log_in(user="app", database="shop")[1])
    asked = PlanNeeded(3, b"k" * 16, 1, [], "'shop'", ["10.0.0.0/8"], False, b"SELECT 1")
    only(town.handle(asked), Learn)
    assert (curious.heard[0].application, curious.heard[0].networks) == ("shop", ("10.0.0.0/8",))
    # It ends with the minute, and not before, for whom it was made.
    left = 60 - curious.heard[0].moment % 60
    assert town.hand.wait(left - 1) == []
    assert [command.bases for command in town.hand.wait(2)] == [[1]]  # type: ignore[union-attr]
    assert town.hand.wait(120) == []


def test_a_chain_that_asks_nothing_asks_nothing() -> None:
    said = guard(Town().rooms.planner.chain)
    assert (said.on, said.application, said.networks) == (False, False, [])


def test_what_a_setting_says() -> None:
    for value, says in (
        ("'shop'", "shop"),
        ("'it''s'", "it's"),
        (r"E'a\\b''c'", r"a\b'c"),
        ("off", "off"),
        ("'", "'"),
        ("", ""),
    ):
        assert plain(value) == says
