"""Counting failures by address."""

from proxy.attempts import Attempts, host
from tests.proxy.world import Hand


def test_a_limit_holds_for_a_window_and_each_address_has_its_own() -> None:
    hand = Hand()
    attempts = Attempts(hand.now)
    for _ in range(2):
        assert attempts.wait("10.0.0.1:1", 2, 60) == 0
        attempts.failed("10.0.0.1:1", 60)
        hand.wait(10)
    assert attempts.wait("10.0.0.1:2", 2, 60) == 40
    assert attempts.wait("10.0.0.2:2", 2, 60) == 0
    hand.wait(40)
    assert attempts.wait("10.0.0.1:1", 2, 60) == 0
    attempts.failed("10.0.0.1:1", 60)
    assert attempts.wait("10.0.0.1:1", 2, 60) == 0


def test_no_limit_is_no_limit() -> None:
    attempts = Attempts(Hand().now)
    for _ in range(100):
        attempts.failed("10.0.0.1:1", 60)
    assert attempts.wait("10.0.0.1:1", 0, 60) == 0


def test_the_table_is_bounded_and_forgets_the_oldest() -> None:
    attempts = Attempts(Hand().now, most=2)
    for last in (1, 2, 3):
        attempts.failed(f"10.0.0.{last}:1", 60)
    assert [attempts.wait(f"10.0.0.{last}:1", 1, 60) > 0 for last in (1, 2, 3)] == [False, True, True]


def test_the_port_is_no_part_of_the_address() -> None:
    assert host("10.0.0.1:5") == "10.0.0.1"
    assert host("[::1]:5") == "[::1]"
