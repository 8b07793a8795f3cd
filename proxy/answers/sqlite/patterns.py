"""LIKE and regular expressions, so that no pattern holds the process up.

LIKE goes forward only. Python's `re` goes back, and lets nothing else of the process run meanwhile: what a pattern can
cost on a text is reckoned before it is tried, and what could cost too much is refused.
"""

import json
import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from protocols.postgres.datatypes import Malformed
from proxy.answers.sqlite.texts import MOST_ITEMS, Parts, lower

Look = Callable[[], None]
"""Raises where the statement is to stop."""


# --- LIKE ----------------------------------------------------------------------------------------


class _Piece(NamedTuple):
    """What stands between two `%`: its length with each `_`, and its letters with their places, the longest first."""

    length: int
    runs: tuple[tuple[int, str], ...]

    def at(self, text: str, place: int) -> bool:
        return all(text.startswith(letters, place + offset) for offset, letters in self.runs)

    def find(self, text: str, start: int, look: Look) -> int:
        """The first place from `start` on; -1 without one."""
        if start + self.length > len(text):
            return -1
        if not self.runs:
            return start
        offset, letters = self.runs[0]
        tried = 0
        while (place := text.find(letters, start + offset) - offset) >= 0 and (
            place + self.length <= len(text)
        ):
            if len(self.runs) == 1 or self.at(text, place):
                return place
            start = place + 1
            tried += len(self.runs) + self.length // 64
            if tried > 10_000:
                tried = 0
                look()
        return -1


@lru_cache(512)
def _pieces(pattern: str, escape: str, fold: bool) -> tuple[_Piece, ...]:
    found: list[_Piece] = []
    runs: list[tuple[int, list[str]]] = []
    length = at = 0

    def end() -> None:
        joined = [(offset, "".join(letters)) for offset, letters in runs]
        if fold:
            joined = [(offset, lower(letters)) for offset, letters in joined]
        found.append(_Piece(length, tuple(sorted(joined, key=lambda run: -len(run[1])))))

    while at < len(pattern):
        letter = pattern[at]
        escaped = letter == escape
        if escaped:
            at += 1
            if at == len(pattern):
                raise Malformed("22025", "LIKE pattern must not end with escape character")
            letter = pattern[at]
        at += 1
        if letter == "%" and not escaped:
            end()
            runs, length = [], 0
            continue
        if letter != "_" or escaped:
            if not runs or runs[-1][0] + len(runs[-1][1]) != length:
                runs.append((length, []))
            runs[-1][1].append(letter)
        length += 1
    end()
    return tuple(found)


def like(look: Look, text: str, pattern: str, escape: str = "\\", fold: int = 0) -> bool:
    """Each piece at the first place where it fits: a later one is never better."""
    if len(escape) > 1:
        raise Malformed("22025", "invalid escape string")
    first, *others = _pieces(pattern, escape, bool(fold))
    text = lower(text) if fold else text
    if not others:
        return len(text) == first.length and first.at(text, 0)
    last = others.pop()
    at, end = first.length, len(text) - last.length
    if end < at or not first.at(text, 0) or not last.at(text, end):
        return False
    for piece in others:
        place = piece.find(text, at, look)
        if place < 0 or place + piece.length > end:
            return False
        at = place + piece.length
    return True


# --- regular expressions -------------------------------------------------------------------------

_MOST_STEPS = 20_000_000
"""What one pattern may cost on one text: a step takes 1 to 20 nanoseconds."""
_MANY_STEPS = 100_000
_NEXT_LETTER = 0.2
"""Of a step: a letter after another one."""
_MOST_LETTERS = 10_000
_MOST_DEPTH = 40
_MOST_REPEATS = 255
"""The server's own bound of {m,n}."""
_ENDLESS = 1e30

_CLASSES = {
    "alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z", "space": r"\s",
    "punct": r"!-/:-@\[-`{-~", "xdigit": "0-9A-Fa-f", "word": r"\w",
}  # fmt: skip
_INVALID = Malformed("2201B", "invalid regular expression")
_ATOM = re.compile(r"\(\?(?::|=|!|<=|<!)|\[\^?\]?(?:\\.|[^\]\\])*\]|\\\d+|\\.|.", re.DOTALL)
_QUANTIFIER = re.compile(r"([*+?]|\{(\d*)(,?)(\d*)\})(\??)")
_BACK = re.compile(r"\\\d+")
"""What a group matched, once more."""
_PLAIN = re.compile(r"[^\\.\[(|)^$*+?{}]|\\[^\w\s]")


class _Cost(NamedTuple):
    """Of a part of a pattern: the steps of its first try and of all further ones, in how many ways it can match, and in
    how many where it follows itself; the letters it begins with."""

    steps: float
    ways: float
    looped: float
    head: str


class _Reckoner:
    """Reads a pattern of Python's once, for texts of a length."""

    def __init__(self, pattern: str, length: int, flags: int) -> None:
        self.pattern, self.length, self.flags = pattern, length, flags
        self.fold = bool(flags & re.IGNORECASE)
        self.at = self.depth = 0
        self.single = True
        """Whether what was read last stands without alternatives."""

    def branches(self) -> _Cost:
        self.depth += 1
        if self.depth > _MOST_DEPTH:
            raise Malformed("54001", "the regular expression is nested too deeply for the embedded store")
        found = [self.sequence()]
        while self.pattern.startswith("|", self.at):
            self.at += 1
            found.append(self.sequence())
        self.depth -= 1
        self.single = len(found) == 1
        if self.single:
            return found[0]
        heads = {one.head[:1].lower() for one in found}
        apart = len(heads) == len(found) and all(one and (one.isascii() or not self.fold) for one in heads)
        ways = (max if apart else sum)(one.ways for one in found)
        return _Cost(sum(one.steps for one in found), ways, ways, "")

    def sequence(self) -> _Cost:
        steps, ways, looped, head, whole, letter = 1.0, 1.0, 1.0, "", True, False
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            start = self.at
            atom = self._matched(_ATOM)
            group = self._group(atom) if atom.startswith("(") else None
            text = self.pattern[start : self.at]
            repeats = self._repeats()
            if repeats is None:
                plain = _PLAIN.fullmatch(text)
                whole = whole and plain is not None
                head += text[-1] if whole else ""
                cost, alone = self._once(text, group), 0.0
                if plain is not None and letter:
                    cost = (1.0 if self.fold else _NEXT_LETTER, 1.0)
                letter = plain is not None
            else:
                whole = letter = False
                cost, alone = self._repeated(text, group, *repeats), 0.0
                if group is None and not _BACK.fullmatch(text):
                    if self._apart(text, self._next()):
                        cost, alone = (cost[0], 1.0), 1.0
                    elif self._apart(text, head[:1]):
                        alone = 1.0
            steps = min(_ENDLESS, steps + ways * cost[0])
            looped = min(_ENDLESS, ways * (alone or cost[1]))
            ways = min(_ENDLESS, ways * cost[1])
        return _Cost(steps, ways, looped, head)

    def _matched(self, kind: re.Pattern[str]) -> str:
        found = kind.match(self.pattern, self.at)
        if found is None or found[0] in ("*", "+", "?"):
            raise _INVALID
        self.at = found.end()
        return found[0]

    def _group(self, opened: str) -> _Cost:
        found = self.branches()
        if not self.pattern.startswith(")", self.at):
            raise _INVALID
        self.at += 1
        if opened in ("(", "(?:"):
            return found
        return found._replace(ways=1.0, looped=1.0)

    def _repeats(self) -> tuple[int, int | None] | None:
        found = _QUANTIFIER.match(self.pattern, self.at)
        if found is None:
            return None
        self.at = found.end()
        if _QUANTIFIER.match(self.pattern, self.at):
            raise _INVALID
        if found[1] in ("*", "+", "?"):
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[found[1]]
        low = int(found[2] or 0)
        high = low if not found[3] else int(found[4]) if found[4] else None
        if max(low, high or 0) > _MOST_REPEATS or (high is not None and high < low):
            raise _INVALID
        return low, high

    def _once(self, text: str, group: _Cost | None) -> tuple[float, float]:
        if group is not None:
            return group.steps, group.ways
        # What an earlier group matched can be as long as the text.
        return float(self.length) if _BACK.fullmatch(text) else 1.0, 1.0

    def _repeated(self, text: str, group: _Cost | None, low: int, high: int | None) -> tuple[float, float]:
        most = self.length + 1 if high is None else min(high, self.length + 1)
        if group is None:
            each = self.length + 1 if _BACK.fullmatch(text) else 1
            return float((most + 1) * each), float(max(1, most - low + 1))
        if group.ways == 1 and group.looped == 1:
            return min(_ENDLESS, group.steps * (most + 1)), float(max(1, most - low + 1))
        if high is not None and high <= 20 and high * math.log10(group.ways) < 29:
            ways = group.ways**high * (high - low + 1)
            return min(_ENDLESS, group.steps * ways * (high + 1)), min(_ENDLESS, ways)
        if group.looped == 1:
            # It ends where it will, but goes on in one way only.
            return min(_ENDLESS, group.steps * (most + 1)), float(self.length + 1)
        raise Malformed(
            "0A000",
            "the embedded store takes no regular expression that repeats what can itself match in several ways, as in "
            "(a+)+ or (a|ab)*; write it without one of the repeats",
        )

    def _next(self) -> str:
        """The letter that has to follow here."""
        found = _PLAIN.match(self.pattern, self.at)
        if found is None:
            return ""
        quantifier = _QUANTIFIER.match(self.pattern, found.end())
        return "" if quantifier is not None and quantifier[1] != "+" else found[0][-1]

    def _apart(self, atom: str, letter: str) -> bool:
        return bool(letter) and re.fullmatch(atom, letter, self.flags) is None


@lru_cache(512)
def regex(pattern: str, flags: str = "") -> re.Pattern[str]:
    """The server's expression as Python's. What the two read differently is refused."""
    if len(pattern) > _MOST_LETTERS:
        raise Malformed(
            "54000", f"a regular expression has at most {_MOST_LETTERS} letters in the embedded store"
        )
    if re.search(r"\\[ABaeGkKpPQRuUXzZmMyY]|\(\?(?!:|=|!)|\[\[[.=]|\*\*\*", pattern) and not re.search(
        r"\\[mMyY]", pattern
    ):
        raise Malformed("0A000", "the embedded store does not know this construct of regular expressions")
    said = pattern
    for name, members in _CLASSES.items():
        said = said.replace(f"[:{name}:]", members)
    said = (
        said.replace("\\m", r"\b(?=\w)")
        .replace("\\M", r"\b(?<=\w)")
        .replace("\\y", r"\b")
        .replace("\\Y", r"\B")
    )
    said = re.sub(r"(?<!\\)\$", r"\\Z", said) if "$" in said else said
    kind = re.DOTALL | (re.IGNORECASE if "i" in flags else 0)
    try:
        return re.compile(said, kind)
    except (re.error, OverflowError) as error:
        raise _INVALID from error
    except RecursionError as error:
        raise Malformed(
            "54001", "the regular expression is nested too deeply for the embedded store"
        ) from error


@lru_cache(2048)
def _cost(said: re.Pattern[str], length: int) -> _Cost:
    """A `head` of `^`: it is tried at the text's beginning alone."""
    reckoner = _Reckoner(said.pattern, length, said.flags)
    found = reckoner.branches()
    if reckoner.at != len(said.pattern):
        raise _INVALID
    return found._replace(head="^") if said.pattern.startswith("^") and reckoner.single else found


def _affordable(look: Look, text: str, pattern: str, flags: str = "") -> re.Pattern[str]:
    """To be tried on this text."""
    compiled = regex(pattern, flags)
    step = 1 << max(3, len(text).bit_length() - 3)
    cost = _cost(compiled, -(-len(text) // step) * step)
    starts = len(text) + 1
    if cost.head == "^":
        starts = 1
    elif cost.head and "i" not in flags:
        starts = text.count(cost.head) + 1
    steps = starts * cost.steps
    if steps > _MANY_STEPS:
        look()
    if steps > _MOST_STEPS:
        raise Malformed(
            "54000",
            f"this regular expression could take too long on a text of {len(text)} letters in the embedded store; begin it "
            "with ^ or with letters, use LIKE, or give it a shorter text",
        )
    return compiled


def matches(look: Look, text: str, pattern: str, fold: int = 0) -> bool:
    return _affordable(look, text, pattern, "i" if fold else "").search(text) is not None


def _unambiguous(pattern: str) -> None:
    """Where alternatives stand beside each other the server takes the longest match, Python the first."""
    if "|" in pattern:
        raise Malformed(
            "0A000", "the embedded store takes no alternatives (|) where the matched text matters"
        )


def regexp_replace(look: Look, text: str, pattern: str, new: str, flags: str = "") -> str:
    _unambiguous(pattern)
    if set(flags) - set("gi"):
        raise Malformed("0A000", "the embedded store knows the flags g and i of regexp_replace()")
    said = _REFERENCE.split(new)
    out, at = Parts(look), 0
    for found in _affordable(look, text, pattern, flags.replace("g", "")).finditer(text):
        out.add(text[at : found.start()])
        for place, part in enumerate(said):
            out.add(part if place % 2 == 0 else _referred(part, found))
        at = found.end()
        if "g" not in flags:
            break
    out.add(text[at:])
    return out.joined()


_REFERENCE = re.compile(r"\\([1-9&\\])")


def _referred(mark: str, found: re.Match[str]) -> str:
    if mark == "\\":
        return mark
    group = 0 if mark == "&" else int(mark)
    return (found[group] or "") if group <= found.re.groups else ""


def regexp_match(look: Look, text: str, pattern: str, flags: str = "") -> str | None:
    _unambiguous(pattern)
    found = _affordable(look, text, pattern, flags).search(text)
    if found is None:
        return None
    return json.dumps(list(found.groups()) or [found.group()], ensure_ascii=False)


def substring_regex(look: Look, text: str, pattern: str) -> str | None:
    _unambiguous(pattern)
    found = _affordable(look, text, pattern).search(text)
    return None if found is None else found.group(1) if found.groups() else found.group()


def regexp_split(look: Look, text: str, pattern: str) -> str:
    """Nothing is cut at the text's ends, nor where the last cut was."""
    _unambiguous(pattern)
    out, at = [], 0
    for found in _affordable(look, text, pattern).finditer(text):
        if found.start() == found.end() and found.start() in (0, at, len(text)):
            continue
        out.append(text[at : found.start()])
        at = found.end()
        if len(out) >= MOST_ITEMS:
            raise Malformed("54000", "a text is split into a million parts at most in the embedded store")
        if len(out) % 10_000 == 0:
            look()
    return json.dumps([*out, text[at:]], ensure_ascii=False)
