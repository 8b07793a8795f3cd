"""Asking the server itself what proves a user."""

from typing import Annotated

from config.quantities import Duration
from config.secret import Secret
from config.sections.token import Token
from config.setting import Section, setting
from config.text import Text

QUERY = (
    "SELECT rolname, CASE WHEN rolvaliduntil < pg_catalog.now() THEN NULL ELSE rolpassword END "
    "FROM pg_catalog.pg_authid WHERE rolname = $1 AND rolcanlogin"
)


class AuthQuery(Section, frozen=True):
    """`auth_query` in a cluster or a database: where to look up users that have no `password` here."""

    user: Annotated[str, setting("The name to ask with. It has to be allowed to run `query`.", "at once")]
    password: Annotated[
        Secret | None, setting("Its password; a reference, as a user's.", "new connections")
    ] = None
    token: Annotated[
        Token | None,
        setting("Instead of `password`: one that is got anew, time and again.", "new connections"),
    ] = None
    dbname: Annotated[
        str | None,
        setting(
            "The database on the servers to ask in, where it is not the one that the client wants. A database named "
            "`*` needs it.",
            "new connections",
        ),
    ] = None
    query: Annotated[
        Text,
        setting(
            "One statement with the parameter `$1`, the user's name. It gives no row, or one: the name, and the SCRAM "
            "verifier, MD5 hash or password (null: no log-in). More than one row, or another name, is no log-in.",
            "at once",
        ),
    ] = Text(QUERY)
    cache: Annotated[
        Duration,
        setting(
            "How long an answer holds. After a failed log-in it is asked again at the next, at most once a second.",
            "at once",
            least=0,
        ),
    ] = Duration(60_000)
    timeout: Annotated[
        Duration, setting("How long the server may take to answer.", "at once", least=1, most=60_000)
    ] = Duration(5_000)
