"""Every statement of `statements/*.sql`, on a real PostgreSQL and on the embedded store: the same rows, as text and in
binary, the same types, names, tags and error codes. What is marked `-- differs` is refused with that code."""

from pathlib import Path

import pytest

from tests.answers import comparing
from tests.servers import proxy

FILES = sorted((Path(__file__).parent / "statements").glob("*.sql"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_same_answers(file: Path, real: str, store: proxy.Proxy) -> None:
    one, other = comparing.connect(real), comparing.connect(store.dsn())
    wrong: list[str] = []
    asked = 0
    for line, text, differs in comparing.statements(file):
        want, have = comparing.ask(one, text), comparing.ask(other, text)
        asked += 1
        if differs:
            if have.code != differs or want.code == differs:
                wrong.append(f"{line}: {text}\n    marked as {differs}: {want} and {have}")
            continue
        if want == have and want.code == "00000" and comparing.reads_only(text):
            want, have = comparing.ask_in_binary(one, text), comparing.ask_in_binary(other, text)
        if want != have:
            wrong.append(f"{line}: {text}\n    PostgreSQL: {want}\n    embedded:   {have}")
    assert not wrong, f"{len(wrong)} of {asked} differ\n" + "\n".join(wrong)
    assert asked
