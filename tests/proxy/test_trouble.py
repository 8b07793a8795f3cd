"""What the log says of servers that cannot be had: at once, then ever more rarely, and when it is over."""

import logging

import pytest

from protocols.postgres.errors import Known, problem
from protocols.postgres.types import Problem
from proxy.native import Attach
from proxy.target import Target, TlsRule
from proxy.trouble import LONGEST_SILENCE, MOST_KINDS, Troubles
from tests.proxy.test_upstream import ONE, Talk
from tests.proxy.world import only

TO = Target("main", (), "shop", "app", None, TlsRule(), 5.0, 1.0)
DOWN = problem(Known.SERVER_DOWN, what="connection to server 127.0.0.1:1 failed: Connection refused")


class Log:
    """The lines, and a clock turned by hand."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self.time = 0.0
        self.troubles = Troubles(lambda: self.time)
        self._caplog = caplog

    def lines(self) -> list[tuple[str, int]]:
        """The messages since the last call, with the failures they count."""
        found = [(record.getMessage(), vars(record)["facts"]["failures"]) for record in self._caplog.records]
        self._caplog.clear()
        return found

    def fails(self, seconds: int, why: Problem = DOWN, pool: int = 7) -> list[float]:
        """When lines were written, while an attempt fails each second."""
        written = []
        for _ in range(seconds):
            before = len(self._caplog.records)
            self.troubles.failed(pool, TO, why)
            if len(self._caplog.records) > before:
                written.append(self.time)
            self.time += 1.0
        return written


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Log:
    caplog.set_level(logging.INFO, "proxy.trouble")
    return Log(caplog)


def test_the_first_failure_at_once_and_the_next_ever_more_rarely_with_their_count(log: Log) -> None:
    assert log.fails(100) == [0, 5, 15, 35, 75]
    assert log.lines() == [("cannot connect to a server", count) for count in (1, 6, 16, 36, 76)]
    written = log.fails(10_000)
    assert written[-1] - written[-2] == LONGEST_SILENCE


def test_each_pool_speaks_for_itself(log: Log) -> None:
    assert (log.fails(3, pool=1), log.fails(3, pool=2)) == ([0], [3])


def test_one_line_when_it_is_over_and_the_next_trouble_is_told_at_once(log: Log) -> None:
    log.troubles.over(7, TO)
    log.fails(60)
    log.lines()
    log.troubles.over(7, TO)
    log.troubles.over(7, TO)
    assert log.lines() == [("connected to a server again", 60)]
    log.time += 10
    assert log.fails(20) == [70, 75, 85]


def test_a_server_that_comes_and_goes_fills_no_log(log: Log) -> None:
    for _ in range(60):
        log.fails(1)
        log.troubles.over(7, TO)
    assert len(log.lines()) == 2 * 12


def test_a_new_kind_of_error_is_told_at_once_but_not_any_number_of_them(log: Log) -> None:
    refused = problem(Known.SERVER_REFUSED, what="server login failed: no")
    assert (log.fails(2), log.fails(2, refused), log.fails(2)) == ([0], [2], [])
    assert [what for what, _ in log.lines()] == ["cannot connect to a server", "a server refused the log-in"]
    for number in range(100):
        log.troubles.failed(7, TO, Problem("FATAL", f"X{number:04}", "no"))
    assert len(log.lines()) == MOST_KINDS - 2


def test_a_defect_is_neither_of_the_two(log: Log) -> None:
    log.troubles.failed(7, TO, problem(Known.INTERNAL))
    assert log.lines() == [("the log-in to a server failed", 1)]


def test_other_servers_are_another_matter(log: Log) -> None:
    log.fails(2)
    log.troubles.forget(7)
    assert log.fails(1) == [2]
    assert [count for _, count in log.lines()] == [1, 1]


def test_log_ins_to_a_server_that_is_down_and_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "proxy")
    talk = Talk()
    talk.net.down[ONE] = "Connection refused"
    for _ in range(3):
        talk.needed()
    talk.net.down.clear()
    talk.log_in(only(talk.needed(), Attach))
    assert [record.getMessage() for record in caplog.records] == [
        "cannot connect to a server",
        "connected to a server again",
    ]
    facts = vars(caplog.records[0])["facts"]
    assert (facts["code"], facts["cluster"], facts["database"]) == ("08006", "main", "shop")
    assert "Connection refused" in facts["reason"]
