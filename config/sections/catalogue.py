"""How the proxy knows what databases hold."""

from typing import Annotated

from config.quantities import Duration
from config.setting import Section, setting


class CatalogueSettings(Section, frozen=True):
    """`[catalogue]`: what plugins know of tables, columns, views and functions. It is read, as any user of a database,
    when the first statement comes that a plugin wants to know it for; without such a plugin it is never read."""

    refresh: Annotated[
        Duration,
        setting(
            "How often it is read again. After a definition (`CREATE`, `ALTER`, `DROP`) that passes it is read within "
            "a second; one made elsewhere is noticed so much later.",
            "at once",
            least=1_000,
        ),
    ] = Duration(60_000)
    wait: Annotated[
        Duration,
        setting(
            "Longest that a statement waits for the first reading. Then it is judged without, and what guards by "
            "the catalogue denies it.",
            "at once",
            least=100,
            most=60_000,
        ),
    ] = Duration(10_000)
