"""The fingerprint's promise against sqlglot: same fingerprint, same tree up to literal values.

The corpus (`fingerprint/*.sql`) names each trap in the database's own language. A block begins with
`--- same|different|exact: why`; each line is a statement, an indented line goes on with the one before.
"""

import os
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.native import fingerprint
from tests.proxy.core import statements
from tests.proxy.core.trees import without_values

EXAMPLES = int(os.environ.get("ARTICDBM_FUZZ", "300"))
CORPUS = Path(__file__).parent / "fingerprint"


class Block(NamedTuple):
    """Statements of the corpus that belong together."""

    file: str
    relation: str
    why: str
    statements: list[str]


def _blocks() -> list[Block]:
    blocks: list[Block] = []
    for path in sorted(CORPUS.glob("*.sql")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("--- "):
                relation, why = line.removeprefix("--- ").split(": ", 1)
                blocks.append(Block(path.stem, relation, why, []))
            elif line.startswith("  "):
                blocks[-1].statements[-1] += "\n" + line
            elif line:
                blocks[-1].statements.append(line)
    return blocks


BLOCKS = _blocks()


def _key(block: Block, statement: str) -> tuple[bytes, bool, list[tuple[int, int]]]:
    return fingerprint(statement.encode(), standard_conforming_strings=block.file != "old_strings")


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block.file}: {block.why}")
def test_corpus(block: Block) -> None:
    results = {statement: _key(block, statement) for statement in block.statements}
    keys = [key for key, _, _ in results.values()]
    assert len(results) == len(block.statements) > 1
    match block.relation:
        case "same":
            # Whether there is a comment counts, and nothing else of it.
            commented = {_key(block, f"{statement} --")[0] for statement in block.statements}
            assert len(commented) == 1, results
            assert not any(exact for _, exact, _ in results.values())
        case "different":
            assert [statements for statements in _groups(results) if len(statements) > 1] == []
        case "exact":
            assert [statement for statement, (_, exact, _) in results.items() if not exact] == []
            assert len(set(keys)) == len(keys)
        case relation:
            pytest.fail(f"{block.file}: no relation is called {relation!r}")


def _groups(results: dict[str, tuple[bytes, bool, list[tuple[int, int]]]]) -> list[list[str]]:
    groups: defaultdict[bytes, list[str]] = defaultdict(list)
    for statement, (key, _, _) in results.items():
        groups[key].append(statement)
    return list(groups.values())


def test_corpus_has_the_same_trees_under_one_fingerprint() -> None:
    """Over all blocks at once: whatever meets under one fingerprint must be one tree."""
    standard = [block for block in BLOCKS if block.file != "old_strings"]
    results = {statement: _key(block, statement) for block in standard for statement in block.statements}
    compared = 0
    for group in _groups(results):
        trees = [tree for tree in map(without_values, group) if tree is not None]
        assert all(tree == trees[0] for tree in trees), group
        compared += max(len(trees) - 1, 0)
    assert compared > 60


def test_literals_lie_where_they_are_said_to() -> None:
    text = "SELECT 'é', -1.5, $$x$$ FROM t WHERE a = E'\\'' AND b = 'c'\n'd' AND e = $1".encode()
    _, exact, found = fingerprint(text)
    assert not exact
    assert [text[start:end].decode() for start, end in found] == ["'é'", "1.5", "$$x$$", "E'\\''", "'c'\n'd'"]


class Tally(Counter[str]):
    """How pairs under one fingerprint fared; a run that compared next to nothing proves nothing."""

    def compare(self, first: str, second: str) -> None:
        if first == second or fingerprint(first.encode())[0] != fingerprint(second.encode())[0]:
            self["apart"] += 1
            return
        trees = without_values(first), without_values(second)
        if None in trees:
            self["unread"] += 1  # sqlglot knows less of PostgreSQL's comments and operators than PostgreSQL
            return
        assert trees[0] == trees[1], f"{first!r} and {second!r} have one fingerprint"
        self["compared"] += 1


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_other_values_and_spellings_under_one_fingerprint_have_one_tree() -> None:
    tally = Tally()

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def run(data: st.DataObject) -> None:
        shape = data.draw(statements.statement())
        tally.compare(data.draw(statements.written(shape)), data.draw(statements.written(shape)))

    run()
    assert tally["compared"] > 50, tally
    assert tally["unread"] < tally["compared"] / 4, tally


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_changed_texts_under_one_fingerprint_have_one_tree() -> None:
    tally = Tally()

    @settings(max_examples=EXAMPLES * 2, deadline=None, suppress_health_check=list(HealthCheck))
    @given(statements.text(), st.lists(statements.mutation(), min_size=1, max_size=3))
    def run(text: str, mutations: list[statements.Mutation]) -> None:
        changed = text
        for mutation in mutations:
            changed = mutation(changed)
        tally.compare(text, changed)

    run()
    assert tally["compared"] > 10, tally
    assert tally["unread"] < tally["compared"] / 2, tally
