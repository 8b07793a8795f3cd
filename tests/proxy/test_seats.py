"""Seats: what is counted, and that it is given back."""

from proxy.seats import Seats


def test_limits_are_kept_and_seats_come_back() -> None:
    seats = Seats()
    assert seats.take(1, "shop", "app", of_database=2, of_user=1) is None
    full = seats.take(2, "shop", "app", of_database=2, of_user=1)
    assert full is not None
    assert full.message == 'too many connections for role "app"'
    assert seats.take(2, "shop", "other", of_database=2, of_user=1) is None
    full = seats.take(3, "shop", "third", of_database=2, of_user=1)
    assert full is not None
    assert (full.code, full.message) == ("53300", 'too many connections for database "shop"')
    seats.leave(1)
    assert seats.take(3, "shop", "app", of_database=2, of_user=1) is None


def test_who_had_none_gives_none_back_and_nothing_is_left_behind() -> None:
    seats = Seats()
    seats.take(1, "shop", "app", of_database=0, of_user=0)
    seats.leave(9)
    seats.leave(1)
    seats.leave(1)
    assert not any(vars(seats).values())
