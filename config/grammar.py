"""What to do about a text that is not TOML: the parser's words, made to fit what people write.

Of the line it tells the key at most: a value may be a secret.
"""

import ast
import re

from config.values import naming

_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\\]*"|'[^']*')"""
_DOTTED = rf"({_PART}(?:\s*\.\s*{_PART})*)"
_HEADER = rf"\[\s*{_DOTTED}\s*\]|\[\[\s*{_DOTTED}\s*\]\]"
_KEY = re.compile(rf"\s*(?:{_DOTTED}\s*=|(?:{_HEADER})\s*(?:#.*)?$)", re.ASCII)
_TOLD = re.compile(r"(?:namespace|declare|key) (\(.*\)|'.*')")
_QUOTES = 'text, addresses and times go in double quotes: key = "value"'

_FIXES: tuple[tuple[str, str], ...] = (
    ("Invalid value", _QUOTES),
    ("Expected newline or end of document", f"one setting a line; {_QUOTES}"),
    ("Expected '='", "write key = value; a name with blanks goes in double quotes"),
    ("Invalid statement", "a line is key = value, [table], [[table]] or # a comment"),
    (
        "Invalid initial character for a key",
        "an inline table { … } stands on one line; a key is letters, digits, _ and -",
    ),
    ("Expected ']", "close the table's name: [table], or [[table]] where there may be several"),
    ("Unclosed array", "put a comma between elements and ] behind the last"),
    ("Unclosed inline table", "put a comma between its keys and } behind the last"),
    ("Unterminated string", "close the text with the quotes it began with"),
    ('Expected "\'"', "close the text with the quotes it began with"),
    ("Illegal character '\\n'", "close the text with the quotes it began with, on the same line"),
    ("Illegal character", "write control characters as \\u0000 in double quotes"),
    ("Unescaped '\\'", "write \\\\ for a backslash, or put the text in single quotes"),
)


def explained(told: str, line: str) -> tuple[str, str]:
    """What is wrong and what to do, from the parser's message and the line it was at."""
    if line.startswith("\ufeff"):
        return "the file begins with a byte order mark", "save it as UTF-8 without one"
    if told.startswith(("Cannot ", "Duplicate ")):
        return (
            f"{_twice(told, line)} is given twice",
            "keep one; tables that there may be several of are [[name]], each",
        )
    fix = next((fix for begin, fix in _FIXES if told.startswith(begin)), "see https://toml.io")
    return told, fix


def _twice(told: str, line: str) -> str:
    """The key as the parser names it, else as the line does, else none."""
    if found := _TOLD.search(told):
        name = ast.literal_eval(found[1])
        return naming(".".join(name) if isinstance(name, tuple) else str(name))
    if found := _KEY.match(line):
        return naming(found[1] or found[2] or found[3])
    return "a key"
