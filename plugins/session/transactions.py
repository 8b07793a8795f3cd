"""Transaction control: whether a text may succeed although something in it was rolled back, and which savepoint a
statement is about.

It reads transaction statements; what is to be thought of the settings beside them is decided elsewhere.
"""

from collections.abc import Sequence
from typing import Literal

from plugins.plan import Point
from plugins.statement import Part
from plugins.tokens import NAMES, Token, shortened

_FORWARD = frozenset({"begin", "start", "savepoint", "release", "commit", "end"})
_ENDS = frozenset({"commit", "end"})


def may_roll_back(parts: Sequence[Part]) -> bool:
    """Whether something that one of these statements does may be undone, and all of them succeed.

    A COMMIT does roll back in a transaction that has failed. Any other first statement fails there, and the rest with
    it; and where a text fails after a COMMIT of its own, the core leaves the client on its connection."""
    if len(parts) > 1 and parts[0].word(0) in _ENDS:
        return True
    return any(part.kind == "transaction" and not _forward(part) for part in parts)


def point_of(part: Part) -> Point | None:
    """What this statement does to the transaction around it; None where that undoes and ends nothing."""
    words = [token.word for token in part.tokens]
    match words[0]:
        case "begin" | "start":
            return None
        case "commit" | "rollback" if words[1:2] == ["prepared"]:
            return None
        case "savepoint":
            return _named("makes", part.tokens[1:])
        case "release":
            return _named("frees", _behind("savepoint", part.tokens[1:]))
        case "rollback" | "abort" if "to" in words:
            return _named("returns", _behind("savepoint", part.tokens[words.index("to") + 1 :]))
        case _:
            return ("ends", "")


def _behind(keyword: str, tokens: Sequence[Token]) -> Sequence[Token]:
    # Where nothing follows it is a name itself.
    return tokens[1:] if len(tokens) > 1 and tokens[0].word == keyword else tokens


def _named(what: Literal["makes", "frees", "returns"], tokens: Sequence[Token]) -> Point:
    match tokens:
        case [token] if token.kind in NAMES:
            return (what, shortened(token.name))
        case _:
            return ("unseen", "")


def _forward(part: Part) -> bool:
    return part.word(0) in _FORWARD and part.word(1) != "prepared"
