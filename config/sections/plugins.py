"""Which plugins judge statements besides ArticDBM's own, and what each is told."""

from typing import Annotated

from config.setting import Section, setting


class Plugins(Section, frozen=True):
    """`[plugins]`. What one plugin is told stands in `[plugins.NAME]`."""

    load: Annotated[
        tuple[str, ...],
        setting(
            "Plugins of other installed packages, by name (`articdbm plugins` lists what there is). The order counts "
            "among those of one stage.",
            "at once",
        ),
    ] = ()
    settings: tuple[tuple[str, Section], ...] = ()
    """Of the plugins that have a table, by name."""
