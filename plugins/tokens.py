"""PostgreSQL's tokens, cut as its own scanner (scan.l) cuts them.

Owns where a comment, a string or a name begins and ends, and nothing of what they mean. What it cannot place with
certainty raises `UnreadableError`: a boundary put wrongly here could hide a statement.
"""

import re
from collections.abc import Iterable, Sequence
from enum import Enum, auto
from functools import cache
from itertools import islice
from operator import methodcaller

import msgspec

# A text with more is left unread, so that cutting it holds up nobody for long.
MAX_TOKENS = 100_000
LONGEST_OPERATOR = 63
"""The server takes none longer. The parser cuts what is one token here into many."""
LONGEST_NAME = 63
"""Bytes of a name; the server cuts longer ones."""
LONGEST_RUN = 200
"""Of operators and signs without anything between them."""


class UnreadableError(Exception):
    """The text cannot be cut into tokens with certainty. Says why, and repeats nothing of the text."""


class Kind(Enum):
    """What a token is before anyone asks what it means."""

    # Enum's own is Python code, and sets of kinds are asked for every token.
    __hash__ = object.__hash__

    WORD = auto()
    QUOTED = auto()
    """A quoted identifier."""
    STRING = auto()
    ESCAPED = auto()
    """`E'…'`, or any string where backslashes escape."""
    BITS = auto()
    NUMBER = auto()
    PARAMETER = auto()
    SIGN = auto()
    """An operator or punctuation; brackets, commas and semicolons stand alone."""


class Token(msgspec.Struct, frozen=True, gc=False):
    """One token. `name`: a word in lower case, a sign, an identifier without its quotes, a plain string's value."""

    kind: Kind
    text: str
    name: str
    start: int
    end: int
    word: str
    """The name of a bare word or a sign; empty for literals and quoted names."""


def shortened(name: str) -> str:
    """A name as the server cuts it."""
    return name if len(name) <= LONGEST_NAME // 4 else name.encode()[:LONGEST_NAME].decode(errors="ignore")


LITERALS = frozenset({Kind.STRING, Kind.ESCAPED, Kind.BITS, Kind.NUMBER, Kind.PARAMETER})
NAMES = frozenset({Kind.WORD, Kind.QUOTED})
STRINGS = frozenset({Kind.STRING, Kind.ESCAPED, Kind.BITS})


def made(kind: Kind, text: str, name: str, start: int, end: int) -> Token:
    """The token, its `word` with it."""
    return Token(kind, text, name, start, end, name if kind in (Kind.WORD, Kind.SIGN) else "")


_LETTER = "A-Za-z_\u0080-\U0010ffff"
_SIGNS = r"~!@\#^&|`?+\-*/%<>="
_SPACE = r"[ \t\n\r\f\v]"
# A piece is a token, a run of operators or a comment, and the space behind it is found with it. It is empty where the
# pattern cannot tell where it ends. Repeats are of single letters wherever they can be: those of groups keep hundreds
# of bytes for each round.
_PIECES = rf"""
  (?![uU]&['"])
    ( [eE]'[^'\\]*(?:(?:''|\\.)[^'\\]*)*'
    | [bBxX]'[^']*'
    | [{_LETTER}][{_LETTER}0-9$]*
    | [(),;\[\]] | \.(?![0-9])\.? | :[:=]? | [{_SIGNS}](?![{_SIGNS}])
    | "(?:[^"]+(?:""[^"]*)*|(?:""[^"]*)+)"
    | PLAIN
    | \$[0-9]+
    | (?:[0-9][0-9_]*(?:\.(?!\.)[0-9_]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?
    | --[^\n\r]* | /\*[^*/]*\*/
    | (?!/\*)[{_SIGNS}]{{1,{LONGEST_RUN}}}
    | (?={_SPACE})
    ) ({_SPACE}*)
  | .REST
"""
SHORT = 32_768
"""Letters of a text that is cut into pieces all at once, which is quickest."""
_ROUND = 10_000
"""Pieces of a longer one between two looks at how many tokens there are."""


@cache
def _pattern(standard_strings: bool, *, whole: bool) -> re.Pattern[str]:
    """`whole`: it looks for nothing behind what it cannot end."""
    plain = "'[^']*(?:''[^']*)*'" if standard_strings else r"'[^'\\]*(?:(?:''|\\.)[^'\\]*)*'"
    pieces = _PIECES.replace("PLAIN", plain).replace("REST", ".*" if whole else "")
    return re.compile(pieces, re.VERBOSE | re.DOTALL)


# In Python 3.11 naming a member costs more than the rest of what is done for a token.
_WORD, _QUOTED, _STRING, _SIGN, _NUMBER = Kind.WORD, Kind.QUOTED, Kind.STRING, Kind.SIGN, Kind.NUMBER
_PREFIXED = (Kind.ESCAPED, Kind.BITS)
_DOLLAR = re.compile(rf"\$(?:[{_LETTER}][{_LETTER}0-9]*)?\$")
_COMMENT = re.compile(r"/\*|\*/")
_COMES = re.compile(r"--|/\*")
_KEEPS_ITS_TAIL = re.compile(r"[~!@#^&|`?%]")
_ALONE = frozenset({*"~!@#^&|`?+-*/%<>=()[],;:.", "::", ":=", ".."})
"""Pieces that are one sign, whatever stands beside them."""
_BEGINS = {
    **dict.fromkeys("~!@#^&|`?+-*/%<>=()[],;:.", Kind.SIGN),
    **dict.fromkeys("0123456789", Kind.NUMBER),
    **dict.fromkeys("eE", Kind.ESCAPED),
    **dict.fromkeys("bBxX", Kind.BITS),
    '"': Kind.QUOTED,
    "'": Kind.STRING,
    "$": Kind.PARAMETER,
    "": None,
}
"""What a piece seems to be by its first letter, where that is no word."""


def cut(text: str, *, standard_strings: bool = True) -> tuple[Token, ...]:
    """The tokens of `text`, without space and comments. `standard_strings`: the session's
    `standard_conforming_strings`."""
    if "\0" in text:
        raise UnreadableError("a NUL character")
    fold = str.lower if text.isascii() else folded
    begins = _BEGINS.get
    tokens: list[Token] = []
    at, length = 0, len(text)
    while at < length:
        # Each piece begins where the one before ends; what the pattern cannot end begins the next round.
        for piece, space in _pieces(text, at, standard_strings):
            start, at = at, at + len(piece)
            kind = begins(piece[:1], _WORD)
            if kind is _WORD:
                name = fold(piece)
                tokens.append(Token(_WORD, piece, name, start, at, name))
            elif piece in _ALONE:
                tokens.append(Token(_SIGN, piece, piece, start, at, piece))
            elif kind is _QUOTED:
                tokens.append(Token(_QUOTED, piece, piece[1:-1].replace('""', '"'), start, at, ""))
            elif piece or not space:  # only the text itself begins with space
                more, end = _other(text, kind, piece, start, standard_strings)
                if more and tokens and more[0].kind in STRINGS and tokens[-1].kind in STRINGS:
                    _continued(tokens[-1], more[0])
                tokens += more
                if end != at:
                    at = end
                    break
            if space:
                at += len(space)
        if len(tokens) > MAX_TOKENS:
            raise UnreadableError(f"more than {MAX_TOKENS} tokens")
    return tuple(tokens)


def _pieces(text: str, at: int, standard_strings: bool) -> Iterable[tuple[str, str]]:
    if at == 0 and len(text) <= SHORT:
        return _pattern(standard_strings, whole=True).findall(text)
    found = _pattern(standard_strings, whole=False).finditer(text, at)
    return islice(map(_PARTS_OF, found), _ROUND)


_PARTS_OF = methodcaller("groups", "")


def _other(
    text: str, kind: Kind | None, piece: str, start: int, standard_strings: bool
) -> tuple[list[Token], int]:
    """What `piece` is or begins, and where that ends."""
    end = start + len(piece)
    if kind is None:
        return _unended(text, start)
    if piece.startswith(("--", "/*")):
        return [], end
    if kind is _SIGN and piece[0] != ".":
        signs = _operators(piece, start)
        return signs, signs[-1].end
    if kind in _PREFIXED and piece[-1] != "'":
        return [made(_WORD, piece, piece.lower() if piece.isascii() else folded(piece), start, end)], end
    return [_value(_NUMBER if kind is _SIGN else kind, piece, start, standard_strings)], end


def _unended(text: str, start: int) -> tuple[list[Token], int]:
    """What the pattern cannot end, where there is an end."""
    if text.startswith("/*", start):
        return [], _after_comment(text, start + 2)
    quote = _DOLLAR.match(text, start)
    if quote is not None:
        token = _dollar(text, start, quote.group())
        return [token], token.end
    if text[start] in "uU":
        raise UnreadableError("a string or name with Unicode escapes (U&)")
    raise UnreadableError(f"a character or an open quote that fits nowhere, at {start}")


def _operators(run: str, start: int) -> list[Token]:
    """A run of operator characters is one operator. Only with some of them in it may it end in a sign: in others the
    signs behind it stand alone (`=-1` is `=` and `-1`)."""
    comment = _COMES.search(run)
    if comment is not None:
        run = run[: comment.start()]
    elif len(run) == LONGEST_RUN:
        raise UnreadableError(f"{LONGEST_RUN} operator characters in a row")
    whole = run[-1] not in "+-" or _KEEPS_ITS_TAIL.search(run)
    first = run if whole else run[:1] + run[1:].rstrip("+-")
    end = start + len(first)
    if len(first) > LONGEST_OPERATOR:
        raise UnreadableError(f"an operator of more than {LONGEST_OPERATOR} characters")
    signs = [Token(_SIGN, sign, sign, at, at + 1, sign) for at, sign in enumerate(run[len(first) :], end)]
    return [Token(_SIGN, first, first, start, end, first), *signs]


def _value(kind: Kind, text: str, start: int, standard_strings: bool) -> Token:
    """A literal or a parameter."""
    name = text
    if kind is _STRING:
        name = text[1:-1].replace("''", "'")
        if not standard_strings and "\\" in text:
            kind = Kind.ESCAPED
    return Token(kind, text, name, start, start + len(text), "")


def _dollar(text: str, start: int, quote: str) -> Token:
    begin = start + len(quote)
    closes = text.find(quote, begin)
    if closes < 0:
        raise UnreadableError("a dollar quote that is never closed")
    end = closes + len(quote)
    return Token(_STRING, text[start:end], text[begin:closes], start, end, "")


def folded(text: str) -> str:
    """Only ASCII is folded: Python would fold a Kelvin sign to a k, the server does not."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def _after_comment(text: str, at: int) -> int:
    depth = 1
    while depth:
        found = _COMMENT.search(text, at)
        if found is None:
            raise UnreadableError("a comment that is never closed")
        depth += 1 if found.group() == "/*" else -1
        at = found.end()
    return at


def _continued(before: Token, token: Token) -> None:
    """Strings in a row may be one string over two lines, the second then read like the first: harmless while both
    read alike however they are taken."""
    plain = before.text[:1] == "'" and token.text[:1] == "'" and before.kind is token.kind is Kind.STRING
    if not plain:
        raise UnreadableError("a string continued after another kind of string")


def closing(tokens: Sequence[Token], opening: int) -> int:
    """Where the bracket opened at `opening` closes; the end when it never does."""
    depth = 0
    for at in range(opening, len(tokens)):
        sign = tokens[at].word
        if sign in ("(", "["):
            depth += 1
        elif sign in (")", "]"):
            depth -= 1
            if not depth:
                return at
    return len(tokens)


def literal(value: str) -> str:
    """`value` as SQL, the same whatever `standard_conforming_strings` says where it is read."""
    quoted = value.replace("'", "''")
    return "E'" + quoted.replace("\\", "\\\\") + "'" if "\\" in value else f"'{quoted}'"
