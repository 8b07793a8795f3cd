"""Which statements are slow, and which take the most time: by their text, and never with what was in them.

The core tells of executions by fingerprint; here are kept, bounded, the texts of planned statements without their
literals and comments. It decides nothing about statements.
"""

import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable

from proxy.bases import OWN, Bases
from proxy.log import Fact, note
from proxy.native import PlanNeeded, Slow, fingerprint
from proxy.outside import Commands

logger = logging.getLogger(__name__)

MOST = 5_000
"""Statements whose text is kept; the one planned longest ago is forgotten first."""
LONGEST = 2_000
"""Characters of a text that are kept."""
LITERAL = "?"
MOST_KINDS = 32


class SlowLog:
    """Answers Slow, and has the texts. `on`: somebody may ask for them."""

    def __init__(
        self, bases: Bases, on: Callable[[], bool], masks: Callable[[], bool] = lambda: False
    ) -> None:
        self._bases = bases
        self._on = on
        self._masks = masks
        self._texts: OrderedDict[bytes, str] = OrderedDict()
        self._kinds: dict[bytes, str] = {}
        """Of what kind the literals are that are left out of each text."""

    def planned(self, event: PlanNeeded) -> None:
        """A statement was seen for the first time. A reload that turns the log on has all of them planned anew."""
        if not self._on() or event.base == OWN:
            return
        conforming = dict(event.settings).get("standard_conforming_strings", "on").strip("'").lower() == "on"
        self._texts[event.key] = masked(event.text, standard_conforming_strings=conforming)
        self._texts.move_to_end(event.key)
        if self._masks():
            told = kinds(event.text, standard_conforming_strings=conforming)
            if told:
                self._kinds[event.key] = told
        while len(self._texts) > MOST:
            self._kinds.pop(self._texts.popitem(last=False)[0], None)

    def busiest(self, figures: Iterable[tuple[bytes, int, int, int]]) -> str:
        """What the core counted, with texts, as JSON."""
        rows = [
            {
                "fingerprint": key.hex(),
                "statement": self._texts.get(key),
                "executions": executions,
                "seconds": us / 1e6,
                "longest_ms": longest / 1e3,
            }
            for key, executions, us, longest in figures
        ]
        return json.dumps(rows, ensure_ascii=False) + "\n"

    def told(self, event: Slow) -> Commands:
        base = self._bases.base(event.base)
        if base is None or event.base == OWN:
            return []
        facts: dict[str, Fact] = {
            "connection": event.conn,
            "user": base.user,
            "database": base.database,
            "total_ms": event.total_us / 1000,
            "queue_ms": event.queue_us / 1000,
            "server_ms": event.server_us / 1000,
            "client_ms": event.client_us / 1000,
            "bytes": event.size,
            "failed": event.failed,
        }
        if any(event.key):
            facts["fingerprint"] = event.key.hex()
        text = self._texts.get(event.key)
        if text is not None:
            facts["statement"] = text
        if event.parameters:
            facts["parameters"] = event.parameters
        elif self._masks() and event.key in self._kinds:
            facts["parameters"] = self._kinds[event.key]
        if event.untold:
            facts["untold"] = event.untold
        note(logger, logging.WARNING, "a slow statement", **facts)
        return []


def masked(text: bytes, *, standard_conforming_strings: bool = True) -> str:
    """The statement without its literals and comments; nothing but its first word where they cannot all be told."""
    _, exact, literals = fingerprint(text, standard_conforming_strings=standard_conforming_strings)
    if exact:
        # What it says is more than its literals (SET x = y), or could not be read for certain.
        word = text.split(maxsplit=1)[:1]
        plain = word[0].decode("ascii", "replace") if word else ""
        return f"{plain.upper()} …" if plain.isalpha() else "…"
    parts: list[bytes] = []
    at = 0
    for start, end in literals:
        parts += (text[at:start], LITERAL.encode())
        at = end
    parts.append(text[at:])
    shown = " ".join(_without_comments(b"".join(parts).decode("utf-8", "replace")).split())
    return shown if len(shown) <= LONGEST else shown[:LONGEST] + "…"


def kinds(text: bytes, *, standard_conforming_strings: bool = True) -> str:
    """Of what kind its literals are, by their first letter. The same text but for its literals has the same."""
    _, exact, literals = fingerprint(text, standard_conforming_strings=standard_conforming_strings)
    if exact:
        return ""
    told = [f"?{at}={_kind(text[start:end])}" for at, (start, end) in enumerate(literals[:MOST_KINDS], 1)]
    return " ".join(told)


def _kind(literal: bytes) -> str:
    first = literal[:1]
    if first.isdigit() or first in (b".", b"-", b"+"):
        return "number"
    if first in (b"b", b"B", b"x", b"X") and literal[1:2] == b"'":
        return "bits"
    return "text" if b"'" in literal or first == b"$" else "other"


def _without_comments(text: str) -> str:
    """No literal is left in it, so that nothing but a quoted name could look like a comment: then less is shown."""
    shown: list[str] = []
    at = depth = 0
    while at < len(text):
        two = text[at : at + 2]
        if two == "/*" or (two == "*/" and depth):
            depth += 1 if two == "/*" else -1
            at += 2
        elif two == "--" and not depth:
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
        else:
            if not depth:
                shown.append(text[at])
            at += 1
    return "".join(shown)
