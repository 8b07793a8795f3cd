"""How connections whose other end vanished are found."""

from typing import Annotated

from config.quantities import Duration
from config.setting import Section, setting


class Tcp(Section, frozen=True):
    """`[tcp]`: what the kernel does about silence, towards clients and servers alike."""

    keepalive_idle: Annotated[
        Duration,
        setting(
            "Silence after which the kernel asks whether the other end is still there; 0 never asks.",
            "new connections",
            most=32_767_000,
        ),
    ] = Duration(60_000)
    keepalive_interval: Annotated[
        Duration,
        setting(
            "How long it waits between two such questions.", "new connections", least=1_000, most=32_767_000
        ),
    ] = Duration(15_000)
    keepalive_count: Annotated[
        int,
        setting(
            "Unanswered questions after which the connection is broken.", "new connections", least=1, most=127
        ),
    ] = 4
    user_timeout: Annotated[
        Duration,
        setting(
            "How long sent data may stay unacknowledged before the connection is broken; 0 leaves it to the kernel "
            "(many minutes).",
            "new connections",
            most=2_147_483_647,
        ),
    ] = Duration(120_000)
