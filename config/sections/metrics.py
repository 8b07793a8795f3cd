"""What the process tells monitoring."""

from typing import Annotated

from config.address import Address
from config.setting import Section, setting


class Metrics(Section, frozen=True):
    """`[metrics]`: a listener of its own for Prometheus and for health checks, in plain HTTP."""

    address: Annotated[
        Address | None,
        setting(
            "Where `/metrics`, `/healthz` and `/readyz` are served; without it nowhere. Whoever reaches it may read "
            "it: names of databases and users are among what it says, no secret is.",
            "restart",
        ),
    ] = None
    statements: Annotated[
        bool,
        setting(
            "Serve `/statements` there too: which statements take the servers' time, as text without literals.",
            "at once",
        ),
    ] = False
