"""Conversations as text: a title, what the session is like, and messages in their order.

    == a wrong password
    user app, on postgres
    << SASL SCRAM-SHA-256
    >> SASLInitialResponse SCRAM-SHA-256 n,,n=,r=abc
    << SASLContinue r=abc{nonce},s={salt},i=4096

`>>` is what the other side says to us, `<<` what it must hear. `{name}` stands for what is only known at run time;
`\\x00` and its like for bytes.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

HOLE = re.compile(r"\{([a-z0-9:]+)\}")


@dataclass(frozen=True)
class Conversation:
    title: str
    traits: frozenset[str]
    lines: tuple[tuple[str, str], ...]
    """Direction (`>>` or `<<`) and text."""

    def trait(self, name: str, otherwise: str) -> str:
        """The rest of the trait that begins with `name`."""
        return next(
            (trait[len(name) + 1 :] for trait in self.traits if trait.startswith(name + " ")), otherwise
        )


def read(file: Path) -> list[Conversation]:
    found = []
    for block in re.split(r"^== ", file.read_text(), flags=re.MULTILINE)[1:]:
        title, traits, *lines = [
            line for line in block.splitlines() if line.strip() and not line.startswith("#")
        ]
        said = []
        for line in lines:
            direction, _, text = line.partition(" ")
            assert direction in {">>", "<<"}, f"{file.name}: {line!r} is no message"
            said.append((direction, text))
        found.append(Conversation(title, frozenset(traits.split(", ")), tuple(said)))
    return found


def data(text: str, holes: Callable[[str], bytes]) -> bytes:
    """The bytes a text stands for."""
    pieces = HOLE.split(text)
    return b"".join(
        holes(piece) if number % 2 else piece.encode().decode("unicode_escape").encode("latin-1")
        for number, piece in enumerate(pieces)
    )


def learn(expected: str, heard: bytes, known: Callable[[str], bytes | None]) -> Mapping[str, bytes]:
    """Compare, and return what the holes that are not known yet turned out to be."""
    pattern = b""
    for number, piece in enumerate(HOLE.split(expected)):
        if number % 2 == 0:
            pattern += re.escape(piece.encode().decode("unicode_escape").encode("latin-1"))
            continue
        value = known(piece)
        pattern += b"(?P<%b>[^,]+)" % piece.encode() if value is None else re.escape(value)
    found = re.fullmatch(pattern, heard, re.DOTALL)
    assert found is not None, f"expected {expected!r}, heard {heard!r}"
    return found.groupdict()
