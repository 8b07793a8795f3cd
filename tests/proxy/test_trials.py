"""Start settings of clients as conversations: what is asked on a pooled connection, how often, and who hears of it."""

import pytest

from protocols.postgres.errors import Known, problem
from protocols.postgres.types import Problem
from proxy.bases import OWN
from proxy.native import Adopt, Command
from proxy.profiles import Outcome, Profiles
from proxy.trials import AGAIN, MOST, Trials
from tests.proxy.world import Hand, Net, Row, only

OWN_REPORT = {"TimeZone": "UTC", "server_version": "15.4"}
TOKYO = ("timezone", "asia/tokyo")
SHOWN: Row = ["Asia/Tokyo", None]


class Talk:
    """One pool whose connections report OWN_REPORT, and those who ask for settings on it."""

    def __init__(self) -> None:
        self.hand = Hand()
        self.net = Net()
        self.heard: list[Outcome] = []
        self.profiles = Profiles()
        self.profiles.learn((7, ()), OWN_REPORT)
        self.trials = Trials(self.hand, self.profiles, ask=self.net.ask)

    def ask(self, *settings: tuple[str, str], conn: int = 1) -> list[Command]:
        def hear(outcome: Outcome) -> list[Command]:
            self.heard.append(outcome)
            return []

        asked = self.trials.profile(7, settings, OWN_REPORT, 10.0, conn, hear)
        return asked + self.hand.work()

    def answer(self, said: Row | Problem = SHOWN) -> list[Command]:
        return self.hand.answer(self.net.questions.pop(0), said)


def test_settings_are_tried_once_and_everybody_hears_of_it() -> None:
    talk = Talk()
    adopt = only(talk.ask(TOKYO), Adopt)
    assert (adopt.pool, adopt.base) == (7, OWN)
    assert talk.ask(TOKYO, conn=2) == []
    assert talk.answer() == []
    assert talk.ask(TOKYO, conn=3) == []
    assert talk.heard == [{"TimeZone": "Asia/Tokyo", "server_version": "15.4"}] * 3


def test_the_question_changes_nothing_beyond_its_own_transaction() -> None:
    talk = Talk()
    talk.ask(("statement_timeout", "1"), TOKYO, ("my.Note", "it's \\"))
    assert talk.net.questions[0].text == (
        """SET LOCAL "timezone" = 'asia/tokyo'; SET LOCAL "my"."note" = E'it''s \\\\'; """
        "SELECT pg_catalog.current_setting('TimeZone', true), "
        "pg_catalog.current_setting('server_version', true); "
        """SET LOCAL "statement_timeout" = '1'"""
    )


def test_trials_are_few_at_a_time_and_each_gets_its_turn() -> None:
    talk = Talk()
    wishes = [("work_mem", f"{number}MB") for number in range(MOST + 3)]
    adopted = [command for conn, wish in enumerate(wishes) for command in talk.ask(wish, conn=conn)]
    assert [type(one) for one in adopted] == [Adopt] * MOST
    talk.trials.leave(7, (wishes[-2],), MOST + 1)
    while talk.net.questions:
        talk.answer()
    assert len(talk.heard) == len(wishes) - 1


@pytest.mark.parametrize("code", ["22023", "42704", "55P02", "08006", "42501"])
def test_trials_that_fail_make_room_too(code: str) -> None:
    talk = Talk()
    for number in range(MOST + 1):
        talk.ask(("work_mem", f"{number}MB"), conn=number)
    only(talk.answer(Problem("ERROR", code, "no")), Adopt)


def test_what_the_server_says_against_a_setting_is_kept() -> None:
    talk = Talk()
    said = Problem("ERROR", "22023", 'invalid value for parameter "TimeZone": "Nope"')
    talk.ask(("timezone", "Nope"))
    talk.answer(said)
    assert talk.ask(("timezone", "Nope"), conn=2) == []
    assert talk.heard == [said] * 2


def test_a_missing_permission_is_told_and_asked_for_again() -> None:
    talk = Talk()
    talk.ask(("log_statement", "all"))
    talk.answer(Problem("ERROR", "42501", "permission denied"))
    assert len(talk.heard) == 1
    only(talk.ask(("log_statement", "all"), conn=2), Adopt)


def test_what_passes_is_waited_for_and_tried_again() -> None:
    talk = Talk()
    talk.ask(TOKYO)
    gone = problem(Known.SERVER_DOWN, what="the connection ended")
    assert talk.answer(gone) == []
    assert talk.profiles.why((7, (TOKYO,))) == gone
    only(talk.hand.wait(AGAIN), Adopt)
    talk.answer()
    assert talk.heard == [{**OWN_REPORT, "TimeZone": "Asia/Tokyo"}]
    assert talk.profiles.why((7, (TOKYO,))) is None


def test_nobody_waiting_means_no_more_trials() -> None:
    talk = Talk()
    talk.ask(TOKYO)
    talk.trials.leave(7, (TOKYO,), 1)
    talk.answer(problem(Known.POOL_WAIT_TIMEOUT))
    assert talk.hand.wait(100.0) == []
    assert talk.heard == []


def test_a_row_of_another_shape_is_nobodys_truth() -> None:
    talk = Talk()
    talk.ask(TOKYO)
    talk.answer(["Asia/Tokyo"])
    assert talk.heard == []
    waited = talk.profiles.why((7, (TOKYO,)))
    assert waited is not None
    assert "number of columns" in waited.message


def test_new_server_defaults_make_old_profiles_doubtful() -> None:
    talk = Talk()
    talk.ask(TOKYO)
    talk.answer()
    talk.profiles.learn((7, ()), {**OWN_REPORT, "server_version": "17.2"})
    only(talk.ask(TOKYO, conn=2), Adopt)


def test_what_was_true_of_yesterdays_servers_is_told_and_not_kept() -> None:
    talk = Talk()
    talk.ask(TOKYO)
    talk.profiles.forget(7)
    talk.answer()
    assert len(talk.heard) == 1
    only(talk.ask(TOKYO, conn=2), Adopt)
