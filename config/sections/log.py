"""What the process says about itself."""

from typing import Annotated, Literal

from config.quantities import Duration
from config.setting import Section, setting


class Log(Section, frozen=True):
    """`[log]`: lines on standard error."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        setting("The least important lines that are still written.", "at once"),
    ] = "info"
    slow: Annotated[
        Duration,
        setting(
            "Statements that take longer, waiting for a connection included, are logged with where their time went, "
            "their fingerprint, and their text without its literals; at most 20 a second for each carrier thread. 0 "
            "logs none.",
            "at once",
        ),
    ] = Duration(0)
    slow_parameters: Annotated[
        Literal["off", "masked"],
        setting(
            "`masked` adds of what kind the values were in such a statement: of bound ones null, text or binary, and "
            "the length; of literals text, number or another. Never the values.",
            "at once",
        ),
    ] = "off"
