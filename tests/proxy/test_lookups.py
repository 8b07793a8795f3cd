"""Asking about users as conversations: once for all who wait, kept for a while, and never somebody else's answer."""

import socket
from collections.abc import Callable

import pytest

from config.quantities import Duration
from config.sections.auth_query import AuthQuery
from protocols.postgres.credential import Credential, md5_hash
from protocols.postgres.types import Problem
from proxy.inquiry import Row
from proxy.lookups import MOST_RUNNING, UNANSWERED, Lookups, Where
from proxy.native import Adopt, Send
from proxy.outside import Commands
from tests.proxy.world import Hand, Question

SAID = AuthQuery(user="asker", cache=Duration(60_000))


class Office:
    """Look-ups, with hands on everything around them."""

    def __init__(self, most: int = 100) -> None:
        self.hand = Hand()
        self.asked: list[tuple[str, Question]] = []
        self.lookups = Lookups(self.hand, b"secret", ask=self._ask, most=most)  # type: ignore[arg-type]
        self.heard: list[tuple[int, Credential | Problem | None]] = []

    async def _ask(self, line: socket.socket, text: str, value: str, seconds: float) -> Row | Problem:
        line.close()
        self.asked.append((value, Question(text)))
        return await self.asked[-1][1]

    def find(self, user: str, conn: int, section: str = "shop", pool: int = 1) -> Commands:
        where = Where(section, pool, SAID)
        return self.lookups.find(where, user, conn, self.hears(conn)) + self.hand.work()

    def hears(self, conn: int) -> Callable[[Credential | Problem | None], Commands]:
        def then(found: Credential | Problem | None) -> Commands:
            self.heard.append((conn, found))
            return [Send(conn, b"heard")]

        return then

    def answer(self, *rows: Row) -> Commands:
        """The oldest question gets these rows."""
        return self.hand.answer(self.asked.pop(0)[1], list(rows))  # type: ignore[arg-type]

    def know(self, user: str, section: str = "shop") -> None:
        self.find(user, 1, section)
        self.answer([user, md5_hash("x", user)])
        self.heard.clear()


def test_one_question_answers_all_who_wait() -> None:
    office = Office()
    assert [type(one) for one in office.find("ada", 1)] == [Adopt]
    assert office.find("ada", 2) == []
    assert [value for value, _ in office.asked] == ["ada"]
    told = office.answer(["ada", md5_hash("x", "ada")])
    assert [one.conn for one in told if isinstance(one, Send)] == [1, 2]
    assert [found == Credential(md5=md5_hash("x", "ada")) for _, found in office.heard] == [True, True]


@pytest.mark.parametrize("stored", [md5_hash("x", "ada"), None])
def test_an_answer_holds_for_its_time_and_no_longer(stored: str | None) -> None:
    office = Office()
    office.find("ada", 1)
    office.answer(["ada", stored])
    office.hand.wait(59)
    assert [type(one) for one in office.find("ada", 2)] == [Send]
    office.hand.wait(1)
    assert [type(one) for one in office.find("ada", 3)] == [Adopt]


@pytest.mark.parametrize("stored", [md5_hash("x", "ada"), None])
def test_a_failed_log_in_has_it_asked_anew_but_not_each_time(stored: str | None) -> None:
    office = Office()
    office.find("ada", 1)
    office.answer(["ada", stored])
    office.lookups.doubt("elsewhere", "ada")
    assert [type(one) for one in office.find("ada", 2)] == [Send]
    # However young it is: it was not asked for because of a failure.
    office.lookups.doubt("shop", "ada")
    assert [type(one) for one in office.find("ada", 3)] == [Adopt]
    office.lookups.doubt("shop", "ada")
    assert office.find("ada", 4) == [], "it is being asked"
    office.answer(["ada", stored])
    # From here on at most once in a second, and a doubt waits for it.
    office.lookups.doubt("shop", "ada")
    assert [type(one) for one in office.find("ada", 5)] == [Send]
    office.hand.wait(1)
    assert [type(one) for one in office.find("ada", 6)] == [Adopt]
    office.answer(["ada", md5_hash("new", "ada")])
    assert office.heard[-1] == (6, Credential(md5=md5_hash("new", "ada")))
    office.hand.wait(1)
    assert [type(one) for one in office.find("ada", 7)] == [Send], "nobody doubts the new one"


def test_a_doubted_answer_is_asked_for_until_there_is_one() -> None:
    office = Office()
    office.know("ada")
    office.lookups.doubt("shop", "ada")
    for conn in (2, 3):
        assert [type(one) for one in office.find("ada", conn)] == [Adopt]
        office.hand.answer(office.asked.pop(0)[1], Problem("ERROR", "57P03", "starting up"))
        assert office.heard[-1] == (conn, UNANSWERED)


def test_nobody_elses_query_answers() -> None:
    office = Office()
    office.know("ada", "shop")
    assert [type(one) for one in office.find("ada", 2, "books", pool=2)] == [Adopt]
    office.answer(["ada", None])
    assert office.heard == [(2, None)]
    office.find("ada", 3, "shop")
    assert office.heard[-1] == (3, Credential(md5=md5_hash("x", "ada")))


def test_a_failure_is_told_and_not_kept(caplog: pytest.LogCaptureFixture) -> None:
    office = Office()
    office.find("ada", 1)
    office.hand.answer(office.asked.pop(0)[1], Problem("ERROR", "42501", "permission denied for pg_authid"))
    assert office.heard == [(1, UNANSWERED)]
    assert [type(one) for one in office.find("ada", 2)] == [Adopt]
    assert "could not be looked up" in caplog.text


def test_what_is_kept_is_bounded_and_strangers_push_out_no_one_who_is_known() -> None:
    office = Office(most=3)
    office.know("ada")
    for number in range(10):
        office.find(f"stranger {number}", 1)
        office.answer()
    assert [type(one) for one in office.find("ada", 2)] == [Send]
    assert [type(one) for one in office.find("stranger 9", 3)] == [Send]
    assert [type(one) for one in office.find("stranger 0", 4)] == [Adopt]


def test_questions_under_way_are_bounded_and_the_others_follow() -> None:
    office = Office()
    for number in range(MOST_RUNNING + 3):
        office.find(f"user {number}", number)
    assert len(office.asked) == MOST_RUNNING
    # One of those that wait leaves: nothing is asked for it.
    office.lookups.leave("shop", f"user {MOST_RUNNING}", MOST_RUNNING)
    told = office.answer()
    assert [type(one) for one in told] == [Send, Adopt]
    assert office.asked[-1][0] == f"user {MOST_RUNNING + 1}"


def test_who_leaves_hears_nothing() -> None:
    office = Office()
    office.find("ada", 1)
    office.lookups.leave("shop", "ada", 1)
    assert office.answer(["ada", None]) == []
    assert office.heard == []


def test_after_a_reload_nothing_old_is_kept() -> None:
    office = Office()
    office.know("ada")
    office.find("bob", 1)
    office.lookups.forget()
    office.answer(["bob", md5_hash("x", "bob")])
    for user in ("ada", "bob"):
        assert [type(one) for one in office.find(user, 2)] == [Adopt]


def test_no_repr_shows_what_was_answered() -> None:
    office = Office()
    office.find("ada", 1)
    office.answer(["ada", "open sesame"])
    assert "sesame" not in repr(vars(office.lookups))
