"""Statements written down, to be judged again by another configuration."""

from pathlib import Path
from typing import Annotated

from config.quantities import Size
from config.setting import Section, setting


class Capture(Section, frozen=True):
    """`[capture]`: each statement that gets a plan is written to a file, once per plan, for `articdbm replay`."""

    file: Annotated[
        Path | None,
        setting(
            "Where to; only its owner can read it. When it is full it becomes FILE.1. Without it nothing is written.",
            "at once",
        ),
    ] = None
    size: Annotated[Size, setting("How large one file grows.", "at once", least=65_536)] = Size(16 << 20)
    files: Annotated[
        int, setting("How many are kept, the one that grows included.", "at once", least=1, most=100)
    ] = 4
    literals: Annotated[
        bool,
        setting(
            "Write down the values in statements too. Without it each is replaced by one of its kind.",
            "at once",
        ),
    ] = False
