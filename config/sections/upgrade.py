"""How a new process takes over from this one."""

from pathlib import Path
from typing import Annotated

from config.quantities import Duration
from config.setting import Section, setting


class Upgrade(Section, frozen=True):
    """`[upgrade]`: a new process takes over the listening sockets, and the old one finishes (`articdbm upgrade`)."""

    directory: Annotated[
        Path | None,
        setting(
            "Where the process waits for its successor: a directory that nobody but its user may enter (mode 0700), "
            "made if missing; a relative path starts at the folder of the configuration file. Without it the one that "
            "systemd made (RuntimeDirectory=) is used, and without that there is no taking over.",
            "restart",
        ),
    ] = None
    ready: Annotated[
        Duration,
        setting("How long the new process may take to be ready before it is given up.", "at once", least=100),
    ] = Duration(60_000)
    drain: Annotated[
        Duration,
        setting(
            "How long the clients of the old process have to leave by themselves. Then it stops as at SIGTERM. Until "
            "then both processes hold server connections.",
            "at once",
        ),
    ] = Duration(600_000)
