"""The two forms of a log line."""

import io
import json
import logging

import pytest

from plugins.chain import Chain
from plugins.registry import standard
from plugins.scope import Scope
from plugins.session import UNREAD
from proxy import log
from proxy.planner import Planner


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_it_was() -> object:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for name in log.QUOTING:
        logging.getLogger(name).disabled = False
    root.handlers[:] = handlers
    root.setLevel(level)


def said(stream: io.StringIO, **facts: log.Fact) -> str:
    log.configure("info", stream)
    log.note(logging.getLogger("proxy.test"), logging.INFO, "hello", **facts)
    log.note(logging.getLogger("proxy.test"), logging.DEBUG, "too quiet")
    return stream.getvalue()


def test_json_for_machines() -> None:
    (line,) = said(io.StringIO(), user="app", count=3).splitlines()
    entry = json.loads(line)
    assert (entry["message"], entry["level"], entry["user"], entry["count"]) == ("hello", "info", "app", 3)


def test_words_for_people() -> None:
    (line,) = said(Terminal(), user="app", reason="two words").splitlines()
    assert line.endswith('hello  user=app reason="two words"')


def test_a_statement_the_parser_does_not_know_is_not_quoted() -> None:
    stream = io.StringIO()
    log.configure("debug", stream)
    plan = Planner(Chain(standard())).plan(b"WITH x AS (EXPLAIN SELECT 'hunter2') SELECT 1", Scope())
    assert plan.pin == UNREAD
    assert stream.getvalue() == ""


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_a_peer_cannot_forge_a_line(stream: type[io.StringIO]) -> None:
    text = said(stream(), user="x\n12:00:00 error   forged\x1b[2J")
    assert len(text.splitlines()) == 1
    assert "\x1b" not in text
