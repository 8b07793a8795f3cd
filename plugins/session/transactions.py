"""Transaction control inside one text: whether the text may succeed although something in it was rolled back.

It reads transaction statements; what is to be thought of the settings beside them is decided elsewhere.
"""

from collections.abc import Sequence

from plugins.statement import Part

_FORWARD = frozenset({"begin", "start", "savepoint", "release", "commit", "end"})
_ENDS = frozenset({"commit", "end"})


def may_roll_back(parts: Sequence[Part]) -> bool:
    """Whether something that one of these statements does may be undone, and all of them succeed.

    A COMMIT does roll back in a transaction that has failed. Any other first statement fails there, and the rest with
    it; and where a text fails after a COMMIT of its own, the core leaves the client on its connection."""
    if len(parts) > 1 and parts[0].word(0) in _ENDS:
        return True
    return any(part.kind == "transaction" and not _forward(part) for part in parts)


def _forward(part: Part) -> bool:
    return part.word(0) in _FORWARD and part.word(1) != "prepared"
