"""Passwords that somebody else makes and that soon expire: tokens, as clouds give them to log in to databases with."""

from typing import Annotated

from config.quantities import Duration
from config.setting import Section, setting
from config.text import Text


class Token(Section, frozen=True):
    """`server_token` in a user or a database, `token` in an `auth_query`: how to get the password each time."""

    command: Annotated[
        tuple[Text, ...],
        setting(
            "A program, by its absolute path, and its arguments. It is run without a shell and prints the token: one "
            "line. What it says on standard error is thrown away.",
            "new connections",
        ),
    ] = ()
    file: Annotated[
        Text | None,
        setting(
            "A file that somebody keeps fresh, by its absolute path; instead of `command`.", "new connections"
        ),
    ] = None
    lifetime: Annotated[
        Duration,
        setting(
            "How long a token is used for new connections. One that a server refuses is got anew at once.",
            "new connections",
            least=0,
        ),
    ] = Duration(600_000)
    timeout: Annotated[
        Duration,
        setting("How long the command may take; it is killed then.", "new connections", least=1, most=60_000),
    ] = Duration(5_000)
