"""A command as words: bare, or in double quotes as PostgreSQL quotes names; after SET, a key and a value.

Knows no command. What cannot be read is None.
"""

import re

LONGEST = 8_192
"""Bytes of a command."""
_WORD = re.compile(r'\s*(?:"((?:[^"]|"")+)"|([^\s"\';]+))(?=\s|$)')
_SET = re.compile(r"\s*SET\s+([^\s=']+)\s*(?:=|\sTO\s)\s*(?:'((?:[^']|'')*)'|([^\s'\"]+))", re.IGNORECASE)


def read(text: bytes) -> tuple[str, ...] | None:
    """The words of one command; for SET the word, the key and the value."""
    if len(text) > LONGEST:
        return None
    try:
        said = text.decode().strip().rstrip("; \t\r\n")
    except UnicodeDecodeError:
        return None
    setting = _SET.fullmatch(said)
    if setting is not None:
        return "SET", setting[1], setting[3] if setting[2] is None else setting[2].replace("''", "'")
    words: list[str] = []
    at = 0
    while at < len(said):
        word = _WORD.match(said, at)
        if word is None:
            return None
        words.append(word[2] if word[1] is None else word[1].replace('""', '"'))
        at = word.end()
    return tuple(words)
