"""Listening sockets on the machine's own addresses."""

import fcntl
import os
import socket
from pathlib import Path

import pytest

from config.address import Address
from config.quantities import Duration
from config.sections.tcp import Tcp
from proxy import sockets
from proxy.sockets import BindError


def test_several_sockets_share_one_port() -> None:
    bound = sockets.bind(Address("127.0.0.1", 0), 3)
    try:
        assert len({sockets.port_of(one) for one in bound}) == 1
        with socket.create_connection(("127.0.0.1", sockets.port_of(bound[0])), timeout=5):
            pass
        assert not any(os.get_blocking(one) for one in bound)
    finally:
        sockets.close(bound)


def test_every_interface_means_both_families() -> None:
    bound = sockets.bind(Address("::", 0), 1)
    try:
        with socket.create_connection(("127.0.0.1", sockets.port_of(bound[0])), timeout=5):
            pass
    finally:
        sockets.close(bound)


def test_a_port_that_another_process_shares_is_in_use_all_the_same() -> None:
    first = sockets.bind(Address("127.0.0.1", 0), 2)
    try:
        with pytest.raises(BindError, match="in use"):
            sockets.bind(Address("127.0.0.1", sockets.port_of(first[0])), 2)
    finally:
        sockets.close(first)


def test_an_address_of_another_machine() -> None:
    with pytest.raises(BindError, match="no such address"):
        sockets.bind(Address("192.0.2.1", 0), 1)


def test_a_name_that_means_nothing() -> None:
    with pytest.raises(BindError, match="resolved"):
        sockets.bind(Address("nowhere.invalid", 0), 1)


def accepted(descriptor: int) -> tuple[int, int]:
    """Keep-alive and user time-out of who connects there."""
    os.set_blocking(descriptor, True)
    with (
        socket.create_connection(("127.0.0.1", sockets.port_of(descriptor)), timeout=5),
        socket.socket(fileno=os.dup(descriptor)) as listener,
    ):
        one, _ = listener.accept()
        with one:
            idle = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
            return idle, one.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)


def test_clients_take_over_what_the_listening_socket_has() -> None:
    said = Tcp(keepalive_idle=Duration(11_000), user_timeout=Duration(12_000))
    bound = sockets.bind(Address("127.0.0.1", 0), 1, tcp=said)
    try:
        assert accepted(bound[0]) == (11, 12_000)
        sockets.retune(bound, Tcp(keepalive_idle=Duration(500), user_timeout=Duration(0)))
        assert accepted(bound[0]) == (1, 0)
    finally:
        sockets.close(bound)


def test_sockets_that_were_given_are_taken_as_they_are() -> None:
    given = sockets.bind(Address("127.0.0.1", 0), 3)
    port = sockets.port_of(given[0])
    # By where they listen, or by the name they were made for; each once.
    for name in ("", "db.internal:0"):
        waiting = sockets.Given((name, os.dup(one)) for one in given)
        wanted = Address("127.0.0.1", port) if not name else Address("db.internal", 0)
        assert waiting.take(Address("127.0.0.1", port + 1 if port < 65535 else 1)) == []
        taken = sockets.bind(wanted, 2, waiting)
        assert [sockets.port_of(one) for one in taken] == [port] * 3, "all of them, though two would do"
        assert waiting.left() == []
        sockets.close(taken)
    few = sockets.Given([("", os.dup(given[0]))])
    spread = sockets.bind(Address("127.0.0.1", port), 4, few)
    assert [sockets.port_of(one) for one in spread] == [port] * 4
    sockets.close([*spread, *given])


def test_what_nobody_asks_for_is_closed_and_named() -> None:
    (one,) = sockets.bind(Address("127.0.0.1", 0), 1)
    port = sockets.port_of(one)
    assert sockets.Given([("", one)]).left() == [f"127.0.0.1:{port}"]
    with pytest.raises(OSError, match=r"[Bb]ad file descriptor"):
        os.fstat(one)


def test_unix_sockets_are_made_one_at_a_time_and_leave_nothing_behind(tmp_path: Path) -> None:
    place = Address(str(tmp_path), 6432)
    bound = sockets.bind(place, 3, mode=0o660)
    assert len(bound) == 3
    file = tmp_path / ".s.PGSQL.6432"
    assert file.stat().st_mode & 0o777 == 0o660
    assert sockets.named(place, bound[0]) == place
    held = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    with pytest.raises(BindError, match="about to listen"):
        sockets.bind(Address(str(tmp_path), 1), 1)
    os.close(held)
    with pytest.raises(BindError, match="stop the program that holds it"):
        sockets.bind(place, 1)
    made = sockets.file_of(bound[0])
    assert made is not None
    # Somebody else's in its place is not ours to take away.
    file.unlink()
    file.write_text("precious")
    sockets.remove(made)
    assert file.exists()
    file.unlink()
    sockets.close(bound)
    again = sockets.bind(place, 1)
    sockets.close(again)
    assert not list(tmp_path.iterdir())


def test_a_directory_that_is_not_there() -> None:
    with pytest.raises(BindError, match="cannot listen on /nowhere/at/all:1: there is no such directory"):
        sockets.bind(Address("/nowhere/at/all", 1), 1)


def test_the_file_of_a_unix_socket_belongs_to_who_made_it_or_took_it_over(tmp_path: Path) -> None:
    place = Address(str(tmp_path), 6432)
    file = tmp_path / ".s.PGSQL.6432"
    (made,) = sockets.bind(place, 1)
    for name in (str(place), ""):
        waiting = sockets.Given([(name, os.dup(made))])
        assert waiting.names(Address(str(tmp_path), 1)) == set()
        assert waiting.names(place) == {name}
        sockets.release(sockets.bind(place, 2, waiting))
        assert sockets.Given([(name, os.dup(made))]).left()
        assert file.exists()
    sockets.close([made])
    assert not file.exists()
