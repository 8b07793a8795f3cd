"""What the process says about itself."""

from typing import Annotated, Literal

from config.setting import Section, setting


class Log(Section, frozen=True):
    """`[log]`: lines on standard error."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        setting("The least important lines that are still written.", "at once"),
    ] = "info"
