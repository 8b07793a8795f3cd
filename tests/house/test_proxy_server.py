"""The proxy as the other tests start it: a process that will not start, dies or does not obey fails the test."""

import os
import signal
from pathlib import Path

import pytest

from tests.servers import ports, proxy

CONFIG = """
[[listeners]]
protocol = "postgres"
address = "127.0.0.1:@port@"

[[clusters]]
name = "main"
protocol = "postgres"
servers = [{ address = "127.0.0.1:1" }]

[[databases]]
name = "shop"
cluster = "main"

[[users]]
name = "app"
password = "env://APP_PASSWORD"
"""
ENVIRONMENT = {"APP_PASSWORD": "app-password"}


def test_it_listens_until_the_block_ends(tmp_path: Path) -> None:
    with proxy.start(CONFIG, tmp_path, ENVIRONMENT) as running:
        assert ports.listens(running.port)
    assert not ports.listens(running.port)


def test_a_configuration_it_refuses_is_told(tmp_path: Path) -> None:
    with pytest.raises(proxy.ProxyError, match=r"articdbm\.toml"), proxy.start("listeners = [", tmp_path):
        pass


def test_its_death_fails_the_test(tmp_path: Path) -> None:
    with (
        pytest.raises(proxy.ProxyError, match="ended with status -9"),
        proxy.start(CONFIG, tmp_path, ENVIRONMENT) as running,
    ):
        os.kill(running.process.pid, signal.SIGKILL)
        running.process.wait(10)


def test_a_defect_in_its_log_fails_the_test(tmp_path: Path) -> None:
    with (
        pytest.raises(proxy.ProxyError, match="reported a defect"),
        proxy.start(CONFIG, tmp_path, ENVIRONMENT) as running,
        running.log.open("a") as log,
    ):
        log.write("thread 'carrier' panicked at engine.rs\n")


def test_passwords_are_not_in_its_repr(tmp_path: Path) -> None:
    with proxy.start(CONFIG, tmp_path, ENVIRONMENT) as running:
        assert "app-password" not in repr(running)
