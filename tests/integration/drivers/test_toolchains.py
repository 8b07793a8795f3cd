"""A toolchain that is missing, or that cannot build, fails with what to do; what is built is kept."""

from pathlib import Path

import pytest

from tests.integration.drivers import toolchains
from tests.integration.drivers.toolchains import GO, JAVA, NODE, RUST, NoToolchainError, Toolchain


@pytest.mark.parametrize("toolchain", [GO, NODE, RUST, JAVA], ids=lambda toolchain: toolchain.language)
def test_a_missing_tool_is_told_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, toolchain: Toolchain
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(NoToolchainError, match=f"^{toolchain.tools[0][0]} is missing; {toolchain.remedy}$"):
        toolchain.programs()
    assert list((tmp_path / "articdbm").glob("drivers-*-*")) == []


def test_what_was_built_is_used_until_its_sources_change(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(toolchains, "HERE", tmp_path)
    (tmp_path / "words").mkdir()
    source = tmp_path / "words" / "said"
    built: list[str] = []

    def build(sources: Path, target: Path) -> None:
        built.append((sources / "said").read_text())
        (target / "program").write_text(built[-1])

    words = Toolchain("words", (("true",),), "", build)
    for text in ("one", "one", "two", "one"):
        source.write_text(text)
        assert (words.programs() / "program").read_text() == text
    assert built == ["one", "two"]


def test_what_fails_to_build_is_told_and_not_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(toolchains, "HERE", tmp_path)
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "said").write_text("one")
    failing = Toolchain(
        "words", (("true",),), "", lambda sources, _: print(toolchains.run(("false", "it"), sources))
    )
    for _ in range(2):
        with pytest.raises(NoToolchainError, match=r"^false it ended with status 1"):
            failing.programs()
