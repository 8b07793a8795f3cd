"""A command as words: bare, or in double quotes as PostgreSQL quotes names; after SET, a key and a value.

Knows no command. What cannot be read is None.
"""

import re

LONGEST = 8_192
"""Bytes of a command."""
_WORD = re.compile(r'\s*(?:"((?:[^"]|"")+)"|([^\s"\';]+))(?=\s|$)')
_SET = re.compile(r"\s*SET\s+([^\s=']+)\s*(?:=|\sTO\s)\s*(?:'((?:[^']|'')*)'|([^\s'\"]+))", re.IGNORECASE)


_EXPLAIN = re.compile(
    r"\s*EXPLAIN\s+PLAN\s+FOR\s+([^\s;'\"]+)@([^\s;'\"@]+)\s+(\S.*)", re.IGNORECASE | re.DOTALL
)


_BARE = re.compile(r"[^\s\"';]+")


def written(name: str) -> str:
    """A name as a command says it."""
    return name if _BARE.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def read(text: bytes) -> tuple[str, ...] | None:
    """The words of one command; for SET the word, the key and the value; for EXPLAIN PLAN FOR
    the word, user, database and the statement."""
    if len(text) > LONGEST:
        return None
    try:
        said = text.decode().strip().rstrip("; \t\r\n")
    except UnicodeDecodeError:
        return None
    explained = _EXPLAIN.fullmatch(said)
    if explained is not None:
        return "EXPLAIN", explained[1], explained[2], explained[3]
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
