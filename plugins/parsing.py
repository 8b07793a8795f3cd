"""The way to sqlglot: what it gets to read, and a tree or a reason in return.

The parser is native code: it recurses without asking how much stack is left, tries alternatives without counting
them, and cannot be interrupted. What could take it too deep or too long is turned away here, and whatever it raises
ends here.
"""

import threading
from collections.abc import Sequence
from itertools import pairwise

from sqlglot import Dialect, exp
from sqlglot.errors import SqlglotError

from plugins.shortening import LONG, rejoin, shortened
from plugins.tokens import Token

MAX_PARSED = 6_000
"""Tokens. It takes well over twice as many to fill the usual 8 MiB of stack, whatever they are."""
MAX_DEPTH = 100
"""Brackets in each other."""
MAX_OPEN_JOINS = 5
"""Joins without a condition of their own right behind them. Each doubles the ways the parser tries."""
MAX_SUBSCRIPTS = 100
"""Right behind others: `a[1][1]`. The parser looks through all of them again for each."""

_POSTGRES = Dialect.get_or_raise("postgres")


class _Kept(threading.local):
    """Making them takes as long as reading a short statement. One is not for two threads at once."""

    def __init__(self) -> None:
        self._tokenizer = _POSTGRES.tokenizer()
        self._parser = _POSTGRES.parser()

    def parse(self, text: str) -> list[exp.Expr | None]:
        try:
            return self._parser.parse(self._tokenizer.tokenize(text), text)
        finally:
            # It would keep the text and its values until the next one.
            self._parser.reset()


_KEPT = _Kept()
_STEPS = {"(": 1, "[": 1, ")": -1, "]": -1}
_SIDES = frozenset({"inner", "left", "right", "full", "outer"})
_JOINS = frozenset({"join", "straight_join"})


def tree_of(tokens: Sequence[Token], *, whole: bool = False) -> exp.Expr | str:
    """One statement's tree, or why there is none. `whole`: with all elements of its lists."""
    trouble = beyond([token.word for token in tokens])
    if trouble:
        return trouble
    if len(tokens) > LONG and not whole:
        tokens = shortened(tokens)
    if len(tokens) > MAX_PARSED:
        return f"more than {MAX_PARSED} tokens to parse"
    try:
        # Where `''` ends a text with a `$` in it, sqlglot's tokenizer finds no end.
        trees = _KEPT.parse(rejoin(tokens) + " ")
    except SqlglotError:
        return "the parser does not know its syntax"
    except RecursionError:
        return "nested too deeply for the parser"
    except Exception as error:  # noqa: BLE001 - a defect of the parser is one more thing it cannot read
        return f"the parser failed ({type(error).__name__})"
    if len(trees) != 1 or trees[0] is None:
        return "the parser took it for several statements"
    return trees[0]


def beyond(words: Sequence[str]) -> str:
    """Why the parser would take too long or go too deep, by the words and signs; empty when it would not."""
    # Counting is quick, and few statements need more.
    if words.count("(") + words.count("[") > MAX_DEPTH and _depth_of(words) > MAX_DEPTH:
        return f"more than {MAX_DEPTH} brackets in each other"
    if sum(map(words.count, _JOINS)) > MAX_OPEN_JOINS and _open_joins(words) > MAX_OPEN_JOINS:
        return f"more than {MAX_OPEN_JOINS} joins without a condition behind them"
    if "[" in words and sum(pair == ("]", "[") for pair in pairwise(words)) > MAX_SUBSCRIPTS:
        return f"more than {MAX_SUBSCRIPTS} subscripts right behind others"
    return ""


def _depth_of(words: Sequence[str]) -> int:
    """How many brackets stand in each other at most."""
    depth = deepest = 0
    for word in words:
        step = _STEPS.get(word)
        if step is not None:
            depth += step
            deepest = max(deepest, depth)
    return deepest


def _open_joins(words: Sequence[str]) -> int:
    """The joins that are not followed by ON or USING before the next join or the end of their bracket."""
    total = 0
    waiting = [False]
    for at, word in enumerate(words):
        if word == "(":
            waiting.append(False)
        elif word == ")" and len(waiting) > 1:
            total += waiting.pop()
        elif word in _JOINS:
            total += waiting[-1]
            waiting[-1] = not _unconditional(words, at)
        elif word in ("on", "using"):
            waiting[-1] = False
    return total + sum(waiting)


def _unconditional(words: Sequence[str], join: int) -> bool:
    """Whether the join at `join` is CROSS or NATURAL."""
    at = join - 1
    while at > 0 and words[at] in _SIDES:
        at -= 1
    return at >= 0 and words[at] in ("cross", "natural")
