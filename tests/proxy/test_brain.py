"""What happens to a connection when a handler fails, and that nothing else does."""

import pytest

from plugins.plan import Plan as Said
from plugins.session import UNREAD, SessionEffects
from proxy.cancel import Cancels
from proxy.native import (
    AnswerNeeded,
    AuthMessage,
    Cancelled,
    CancelNeeded,
    Close,
    Fault,
    ForgetPlans,
    Learn,
    PlanNeeded,
    Send,
    ServerOpened,
    Startup,
)
from proxy.planner import Planner
from proxy.session import LogIns
from tests.proxy.town import SNAPSHOT, V3, Town, changed, loaded
from tests.proxy.world import only, startup_body


def break_(monkeypatch: pytest.MonkeyPatch, kind: type, name: str) -> None:
    def broken(*_: object, **__: object) -> Said:
        raise RuntimeError("SELECT 'somebody''s secret'")

    monkeypatch.setattr(kind, name, broken)


def test_a_failing_log_in_is_closed_and_the_next_one_works(monkeypatch: pytest.MonkeyPatch) -> None:
    town = Town()
    conn, _ = town.start(user="app", database="shop")
    with monkeypatch.context() as context:
        break_(context, LogIns, "_stepped")
        assert only(town.handle(AuthMessage(conn, ord("p"), b"x")), Close).conn == conn
    assert town.handle(AuthMessage(conn, ord("p"), b"x")) == []
    only(town.start(user="app", database="shop")[1], Send)


def test_a_failing_server_log_in_is_closed_and_reported_to_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    town = Town()
    _, said = town.log_in(user="app", database="shop")
    with monkeypatch.context() as context:
        context.setattr("proxy.upstream.ServerAuth", None)
        commands = town.handle(ServerOpened(900, said[-1].ticket, None))  # type: ignore[union-attr]
    assert isinstance(commands[0], Close)
    assert commands[0].conn == 900


def test_a_plan_that_cannot_be_made_is_a_denial_and_no_text_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    town = Town()
    town.server_up()
    break_(monkeypatch, Planner, "plan")
    learn = only(
        town.handle(PlanNeeded(3, b"k" * 16, 1, [], None, [], False, b"SELECT 'somebody''s secret'")), Learn
    )
    assert (learn.scope, learn.key, learn.plan.action, learn.plan.code) == (3, b"k" * 16, "deny", "XX000")
    assert "planning failed" in caplog.text
    assert "secret" not in caplog.text + "".join(str(vars(record)) for record in caplog.records)


def test_a_statement_nobody_can_read_is_told_with_its_reason_to_who_asks_for_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    town = Town()
    town.server_up()
    caplog.set_level("INFO", "proxy.plans")
    asked = PlanNeeded(3, b"k" * 16, 1, [], None, [], False, b"FROBNICATE 'hunter2'")
    assert only(town.handle(asked), Learn).plan.pin == UNREAD
    assert caplog.records == []
    caplog.set_level("DEBUG", "proxy.plans")
    town.handle(asked)
    (record,) = caplog.records
    assert (
        record.getMessage()
        == "a statement could not be read; its client keeps the server connection until it leaves"
    )
    facts = vars(record)["facts"]
    assert facts["reason"] == "begins with a word that begins no statement known here"
    assert "hunter2" not in str(vars(record))


def test_a_statement_whose_planning_failed_is_planned_again_ever_more_rarely(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    town = Town()
    town.server_up()
    break_(monkeypatch, SessionEffects, "plan")
    asked = PlanNeeded(3, b"k" * 16, 1, [], None, [], False, b"SELECT 1")

    def pause() -> float:
        """From the denials to when the core is told to forget them."""
        before = town.hand.time
        for _ in range(3):
            assert only(town.handle(asked), Learn).plan.code == "XX000"
        said = next(filter(None, (town.hand.wait(1.0) for _ in range(1_000))))
        only(said, ForgetPlans)
        assert town.hand.wait(0.5) == []
        return town.hand.time - before - 0.5

    assert [pause() for _ in range(4)] == [5, 10, 20, 40]
    assert [pause() for _ in range(5)][-2:] == [600, 600]
    town.hand.wait(601)
    assert pause() == 5


def test_a_denial_that_is_a_judgement_is_kept() -> None:
    town = Town()
    town.server_up()
    town.next = lambda: loaded(changed(SNAPSHOT, users=SNAPSHOT.users[1:]))
    town.rooms.reloader.reload()
    learn = only(town.handle(PlanNeeded(3, b"k" * 16, 1, [], None, [], False, b"SELECT 1")), Learn)
    assert (learn.plan.action, learn.plan.code) == ("deny", "28000")
    assert not any(isinstance(one, ForgetPlans) for one in town.hand.wait(1_000))


def test_a_plan_for_nobody_is_a_denial() -> None:
    learn = only(Town().handle(PlanNeeded(3, b"k" * 16, 99, [], None, [], False, b"SELECT 1")), Learn)
    assert learn.plan.action == "deny"


def test_a_cancel_request_that_cannot_be_made_lets_the_connection_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    break_(monkeypatch, Cancels, "needed")
    town = Town()
    assert only(town.handle(CancelNeeded(7, 1, "127.0.0.1:1", 1, b"kkkk")), Cancelled).ticket == 7


def test_a_fault_of_the_core_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert Town().handle(Fault("index out of range")) == []
    assert "a defect in the core" in caplog.text


def test_an_answer_to_nothing_known_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    town = Town()
    monkeypatch.setattr("proxy.admin.console.replies", None)
    assert only(town.handle(AnswerNeeded(5, 6, 1, b"SHOW POOLS")), Close).conn == 5


def test_a_failing_start_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    town = Town()
    monkeypatch.setattr("proxy.session.decide", None)
    event = Startup(1, 1, "10.0.0.1:5", V3, startup_body(user="app"), False, None, None)
    assert only(town.handle(event), Close).conn == 1
