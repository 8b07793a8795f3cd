"""The databases clients may name."""

from typing import Annotated

from config.secret import Secret
from config.sections.auth_query import AuthQuery
from config.sections.parameters import Parameter
from config.sections.pool import PoolOptions
from config.sections.token import Token
from config.setting import Section, setting
from config.text import Text

WILDCARD = "*"
"""As a name: every one that no other element has."""


class Database(Section, frozen=True):
    """`[[databases]]`: a name clients connect to, and the cluster that answers."""

    name: Annotated[
        str,
        setting(
            "The name clients connect to. `articdbm` is the admin database's own; so is `pgbouncer`, unless a "
            "database here has that name. `*` is every name that no other database has.",
            "new connections",
        ),
    ]
    cluster: Annotated[str, setting("The cluster that holds it.", "new connections")]
    dbname: Annotated[
        str | None, setting("Its name on the servers, where that is another one.", "new connections")
    ] = None
    aliases: Annotated[
        tuple[str, ...],
        setting(
            "Other names clients may use for it. Pools, limits and rules know it by `name`.",
            "new connections",
        ),
    ] = ()
    server_user: Annotated[
        str | None,
        setting(
            "The name to log in to servers with, for users that have no `server_user` of their own.",
            "new connections",
        ),
    ] = None
    server_password: Annotated[
        Secret | None, setting("The password of `server_user`; a reference.", "new connections")
    ] = None
    server_token: Annotated[
        Token | None,
        setting(
            "Instead of `server_password`: a password that is got anew, time and again.", "new connections"
        ),
    ] = None
    parameters: Annotated[
        tuple[Parameter, ...],
        setting(
            "Settings that server connections begin with. What a client's startup packet says of them is ignored; a "
            "later `SET` is not: they are no fence.",
            "new connections",
        ),
    ] = ()
    connect_query: Annotated[
        Text | None,
        setting(
            "SQL run on each new server connection before it is used. If it fails, or leaves a transaction open, the "
            "connection is not used. `RESET` and `DISCARD` undo what it `SET`: use `parameters` for that.",
            "new connections",
        ),
    ] = None
    auth_query: Annotated[
        AuthQuery | None,
        setting("Where to look up users without a `password`; it wins over the cluster's.", "at once"),
    ] = None
    max_clients: Annotated[
        int,
        setting(
            "Most clients connected to it at a time; the next one is turned away. 0 is without limit.",
            "new connections",
            least=0,
            most=1_000_000,
        ),
    ] = 0
    pool: Annotated[
        PoolOptions, setting("Pool settings for this database; they win over the cluster's.", "at once")
    ] = PoolOptions()

    @property
    def wild(self) -> bool:
        """It stands for every name that no other database has."""
        return self.name == WILDCARD

    @property
    def remote(self) -> str:
        """Its name on the servers."""
        return self.dbname or self.name
