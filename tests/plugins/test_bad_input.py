"""Texts that are no statement, or too much of one: a clear plan, a reading that says so, and bounded memory."""

import tracemalloc

import pytest

from plugins import statement
from plugins.catalogue import Catalogue, Column, Names, Relation
from plugins.chain import Chain
from plugins.model import Source
from plugins.registry import standard
from plugins.scope import Scope

MOST = 512 << 20
T = Relation(Source("public", "t"), columns=(Column("a"), Column("b")))
TEXTS: dict[str, tuple[bytes, bool]] = {
    "unparseable": (b"SELECT FROM WHERE ((", False),
    "no statement": (b"how are you", False),
    "invalid UTF-8": (b"SELECT '\xff\xfe' FROM t", False),
    "NUL": (b"SELECT a\0 FROM t", False),
    "an open quote": (b"SELECT 'a FROM t", False),
    "a megabyte of a string": (b"SELECT '" + b"x" * 1_000_000 + b"' FROM t", True),
    "a megabyte of doubled quotes": (b"SELECT '" + b"''" * 500_000 + b"' FROM t", True),
    "a hundred subscripts": (b"SELECT a" + b"[1]" * 101 + b" FROM t", True),
    "2,000 subscripts": (b"SELECT a" + b"[1]" * 2_000 + b" FROM t", False),
    "a megabyte of signs": (b"SELECT " + b"+-" * 500_000 + b"1", False),
    "a megabyte of an operator": (b"SELECT 1 " + b"<" * 1_000_000 + b" 2", False),
    "more than a megabyte": (b"SELECT '" + b"x" * 1_100_000 + b"'", False),
    "a megabyte of brackets": (b"(" * 1_000_000, False),
    "a megabyte of commas": (b"SELECT a" + b",a" * 40_000 + b" FROM t", False),
    "a list of 10,000": (
        b"SELECT a FROM t WHERE b IN (" + b",".join(b"%d" % n for n in range(10_000)) + b")",
        True,
    ),
    "10,000 rows": (b"INSERT INTO t VALUES " + b",".join(b"(%d, 'x')" % n for n in range(10_000)), True),
    "500 brackets deep": (b"SELECT " + b"(" * 500 + b"1" + b")" * 500, False),
    "500 queries deep": (b"SELECT * FROM (" * 500 + b"SELECT 1" + b") x" * 500, False),
    "90 queries deep": (b"SELECT * FROM (" * 90 + b"SELECT a FROM t" + b") x" * 90, True),
    "500 WITHs": (
        b"WITH c0 AS (SELECT a FROM t)"
        + b"".join(b", c%d AS (SELECT x.a FROM c%d x, c%d y)" % (n, n - 1, n - 1) for n in range(1, 200))
        + b" SELECT a FROM c199",
        True,
    ),
    "a long chain of OR": (b"SELECT a FROM t WHERE a = 1" + b" OR b = 2" * 100, True),
}


@pytest.mark.parametrize("kind", ["'x'", "E'x'", '"x"', "$$x$$", "/*x*/ a", "--x\n a", "x"])
def test_what_is_one_token_takes_little_more_than_its_own_size(kind: str) -> None:
    text = f"SELECT {kind.replace('x', 'x' * 1_000_000)} FROM t".encode()
    tracemalloc.start()
    try:
        read = statement.read(text, Scope(), exact=False)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert read.kind == "query"
    assert peak < 16 << 20


@pytest.mark.parametrize("what", TEXTS)
def test_a_clear_plan_and_a_reading_in_bounded_memory(what: str) -> None:
    text, readable = TEXTS[what]
    tracemalloc.start()
    try:
        read = statement.read(text, Scope(), exact=False, names=Names(Catalogue((T,))))
        plan = Chain(standard()).plan(read, Scope())
        reading = read.reading
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MOST
    assert plan.trail
    assert all(step.reason for step in plan.trail)
    assert reading.sure == readable, reading.doubts
    if not readable:
        assert reading.reads.possibly(Source("public", "anything"))
        assert plan.pin or plan.action == "deny"
        assert not plan.shareable


def test_views_that_double_are_read_once_each() -> None:
    """Forty views, each reading the one before twice: 2^40 ways down."""
    views = [
        Relation(
            Source("public", f"v{n}"),
            "view",
            (Column("a"),),
            definition=f"SELECT x.a FROM {'public.t' if n == 0 else f'public.v{n - 1}'} x, "
            f"{'public.t' if n == 0 else f'public.v{n - 1}'} y;",
        )
        for n in range(40)
    ]
    names = Names(Catalogue((T, *views)))
    found = statement.read(b"SELECT a FROM v39", Scope(), exact=False, names=names).reading
    assert found.sure
    assert {str(field) for field in found.outputs[0].value} == {"public.t.a"}


def test_views_that_read_themselves_are_a_doubt() -> None:
    """No server lets them be made; a catalogue read halfway through a change could hold them."""
    loop = [
        Relation(Source("public", one), "view", (Column("a"),), definition=f"SELECT a FROM public.{other};")
        for one, other in (("v", "w"), ("w", "v"))
    ]
    found = statement.read(
        b"SELECT a FROM v", Scope(), exact=False, names=Names(Catalogue(tuple(loop)))
    ).reading
    assert not found.sure
    assert not found.outputs[0].sure
