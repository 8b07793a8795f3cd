"""Listening sockets on the machine's own addresses."""

import fcntl
import os
import socket
from pathlib import Path

import pytest

from config.address import Address
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
