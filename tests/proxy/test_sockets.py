"""Listening sockets on the machine's own addresses."""

import os
import socket

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
