"""The statements behind plans, for people who look at the console: without their literals, and cut short.

It owns a bounded number of them. Where literals cannot be told from the rest, only the first word is kept; from a
comment on nothing is.
"""

import re
from collections import OrderedDict

from proxy.native import PlanNeeded, fingerprint

LONGEST = 200
"""Characters shown of a statement."""
_COMMENT = re.compile(r"--|/\*")
_FIRST = re.compile(r"\s*([A-Za-z]+)")
_OFF = frozenset({"off", "false", "no", "0"})


class Texts:
    """By scope and fingerprint. The one noted longest ago goes first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._texts: OrderedDict[tuple[int, bytes], str] = OrderedDict()

    def note(self, event: PlanNeeded) -> None:
        self._texts[event.scope, event.key] = _shown(event)
        self._texts.move_to_end((event.scope, event.key))
        while len(self._texts) > self._most:
            self._texts.popitem(last=False)

    def of(self, scope: int, key: bytes) -> str:
        return self._texts.get((scope, key), "")


def _shown(event: PlanNeeded) -> str:
    text = event.text
    conforming = dict(event.settings).get("standard_conforming_strings", "on").strip("'").lower() not in _OFF
    _, exact, literals = fingerprint(text, standard_conforming_strings=conforming)
    if exact or event.exact:
        first = _FIRST.match(text[:LONGEST].decode("ascii", "replace"))
        return f"{first[1]} …" if first is not None else "…"
    pieces: list[bytes] = []
    at = 0
    for start, end in literals:
        pieces += (text[at:start], b"?")
        at = end
    said = b"".join((*pieces, text[at:])).decode("utf-8", "replace")
    comment = _COMMENT.search(said)
    if comment is not None:
        said = said[: comment.start()] + "…"
    said = " ".join(said.split())
    return said if len(said) <= LONGEST else said[: LONGEST - 1] + "…"
