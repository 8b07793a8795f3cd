"""The line of every key: against tomllib for what keys there are, against the writer for where they stand."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.positions import KeyPath, locate, nearest

CASES = sorted((Path(__file__).parent / "cases").glob("*.toml"))

TABLE = """\
# comment with [brackets] and a = "b"
title = "x"
[a]           # 3
b.c = 1
b . "d e" = 2
[ a . f ]     # 6
'g' = [ 1,
  [ 2, # ]
    3 ], { h = 4, i.j = 5 },
]
[[k]]         # 11
l = "]"
[[k.m]]
[[k.m]]
n = '''
[not] = a table
'''
[[k]]         # 18
[k.o]
p = 1979-05-27 07:32:00
[[k.m]]       # 21
q = \"\"\"a \\\"\"\" [b]
\"\"\"\"\"
r = 3
"""


def test_the_table() -> None:
    assert locate(TABLE) == {
        ("title",): 2,
        ("a",): 3,
        ("a", "b"): 4,
        ("a", "b", "c"): 4,
        ("a", "b", "d e"): 5,
        ("a", "f"): 6,
        ("a", "f", "g"): 7,
        ("a", "f", "g", 0): 7,
        ("a", "f", "g", 1): 8,
        ("a", "f", "g", 1, 0): 8,
        ("a", "f", "g", 1, 1): 9,
        ("a", "f", "g", 2): 9,
        ("a", "f", "g", 2, "h"): 9,
        ("a", "f", "g", 2, "i"): 9,
        ("a", "f", "g", 2, "i", "j"): 9,
        ("k",): 11,
        ("k", 0): 11,
        ("k", 0, "l"): 12,
        ("k", 0, "m"): 13,
        ("k", 0, "m", 0): 13,
        ("k", 0, "m", 1): 14,
        ("k", 0, "m", 1, "n"): 15,
        ("k", 1): 18,
        ("k", 1, "o"): 19,
        ("k", 1, "o", "p"): 20,
        ("k", 1, "m"): 21,
        ("k", 1, "m", 0): 21,
        ("k", 1, "m", 0, "q"): 22,
        ("k", 1, "m", 0, "r"): 24,
    }
    assert set(locate(TABLE)) == set(paths(tomllib.loads(TABLE)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_the_keys_tomllib_finds(case: Path) -> None:
    text = case.read_text()
    assert set(locate(text)) == set(paths(tomllib.loads(text)))


def test_what_is_missing_is_where_it_would_belong() -> None:
    lines = locate("\n[a]\nb = 1\n")
    assert nearest(lines, ("a", "c", 0, "d")) == 2
    assert nearest(lines, ("z", "b")) == 0


def basic(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def spelled(name: str) -> str:
    bare = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return name if bare else basic(name)


blanks = st.sampled_from(["", " ", "\t", "  "])
fillers = st.lists(st.sampled_from(["", "# [x] = \"'''", "   # }]", "\t"]), max_size=2)
names = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
)
scalars = st.one_of(
    st.integers(-1000, 1000).map(str),
    st.sampled_from(
        ["true", "1e3", "inf", "1979-05-27T07:32:00Z", "1979-05-27 07:32:00", "07:32:00.5", "0xDEAD"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(basic),
    st.sampled_from(
        ["''", '""', "'#]}'", '"""\n[a]\nb = 1\n"""', "'''\n[[x]]\n'''", '""""q"""""', "''''q'''''"]
    ),
    st.sampled_from(['"\\\\"', '"\\""', '"""\\"""\\\n  """', "'\\'", '"""""\\""""', "''''''"]),
)


def listed(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    gaps = st.sampled_from(["", " ", "\n", " # ],\n", "\t\n\n"])
    elements = st.lists(st.tuples(gaps, inner, gaps).map("".join), max_size=3)
    return st.tuples(elements, st.booleans()).map(
        lambda both: "[" + ",".join(both[0]) + ("," if both[1] and both[0] else "") + "\n]"
    )


def inline(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.dictionaries(names, inner, max_size=3)
    return pairs.map(
        lambda table: "{" + ", ".join(f"{spelled(name)} = {value}" for name, value in table.items()) + "}"
    )


values = st.recursive(scalars, lambda inner: listed(inner) | inline(inner), max_leaves=8)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Pairs and headers in any order; what tomllib does not take is left out, line group by line group."""
    text = ""
    for _ in range(draw(st.integers(0, 8))):
        key = (draw(blanks) + "." + draw(blanks)).join(
            map(spelled, draw(st.lists(names | st.sampled_from("abc"), min_size=1, max_size=3)))
        )
        shape = draw(st.sampled_from(["pair", "pair", "table", "tables"]))
        match shape:
            case "pair":
                group = f"{draw(blanks)}{key}{draw(blanks)}={draw(blanks)}{draw(values)}{draw(blanks)}"
            case "table":
                group = f"{draw(blanks)}[{draw(blanks)}{key}{draw(blanks)}]"
            case _:
                group = f"[[{draw(blanks)}{key}{draw(blanks)}]]{draw(blanks)}"
        longer = text + "".join(
            f"{line}\n" for line in [*draw(fillers), group + draw(st.sampled_from(["", " # ="]))]
        )
        try:
            tomllib.loads(longer)
        except tomllib.TOMLDecodeError:
            continue
        text = longer
    return text


@settings(deadline=None)
@given(documents())
def test_any_document(text: str) -> None:
    lines = locate(text)
    assert set(lines) == set(paths(tomllib.loads(text)))
    written = text.split("\n")
    for path, line in lines.items():
        name = next((part for part in reversed(path) if isinstance(part, str)), "")
        if path and isinstance(path[-1], str):
            assert spelled(name) in written[line - 1]


@settings(deadline=None)
@given(st.lists(st.tuples(names, values), unique_by=lambda pair: pair[0], max_size=6))
def test_each_pair_is_where_it_was_written(pairs: list[tuple[str, str]]) -> None:
    text, expected = "", {}
    for name, value in pairs:
        expected[(name,)] = text.count("\n") + 1
        text += f"{spelled(name)} = {value}\n"
    lines = locate(text)
    assert set(lines) == set(paths(tomllib.loads(text)))
    assert {path: line for path, line in lines.items() if len(path) == 1} == expected


def paths(value: object, here: KeyPath = ()) -> Iterator[KeyPath]:
    """Every key path of a parsed document."""
    items: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    for key, inner in items:
        yield (*here, key)
        yield from paths(inner, (*here, key))
