"""Who may come in, and as whom they reach the servers."""

from typing import Annotated

from config.secret import Secret
from config.sections.databases import WILDCARD, Database
from config.sections.parameters import Parameter
from config.sections.pool import PoolOptions
from config.sections.token import Token
from config.setting import Section, setting


class User(Section, frozen=True):
    """`[[users]]`: a name clients log in with."""

    name: Annotated[
        str,
        setting(
            "The name clients log in with. `*` is every name that no other user has: those that an `auth_query`, a "
            "certificate or a `trust` lets in.",
            "new connections",
        ),
    ]
    password: Annotated[
        Secret | None,
        setting(
            "The password, or the SCRAM verifier PostgreSQL stores for it (`SCRAM-SHA-256$…`). A reference: "
            "`env://NAME`, as it was when the process started, or `file:///path`, read anew by a reload. "
            "Without it the `auth_query` of the database is asked, where there is one.",
            "new connections",
        ),
    ] = None
    databases: Annotated[
        tuple[str, ...] | None,
        setting(
            "The databases this user may connect to, by `name` (not an alias). Without it, all of them.",
            "new connections",
        ),
    ] = None
    server_user: Annotated[
        str | None,
        setting("The name to log in to servers with, where that is another one.", "new connections"),
    ] = None
    server_password: Annotated[
        Secret | None,
        setting(
            "The password to log in to servers with, where that is another one; a reference, as `password`. "
            "A user who has only a verifier can do without it where the servers have the same verifier and the client "
            "proves itself by SCRAM or in clear: the keys of that proof then serve at the servers too.",
            "new connections",
        ),
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
            "Settings that this user's server connections begin with; they win over the database's.",
            "new connections",
        ),
    ] = ()
    replication: Annotated[
        bool,
        setting(
            "May replicate: base backups, WAL and logical decoding, on server connections of their own. Whoever may, "
            "reads all there is, past every rule; the server's own rights (`REPLICATION`) come on top. Taken away, it "
            "ends at once.",
            "at once",
        ),
    ] = False
    max_clients: Annotated[
        int,
        setting(
            "Most clients connected with this name at a time; the next one is turned away. 0 is without limit. Of `*`, "
            "each name's own.",
            "new connections",
            least=0,
            most=1_000_000,
        ),
    ] = 0
    pool: Annotated[
        PoolOptions,
        setting("Pool settings for this user; they win over the database's and the cluster's.", "at once"),
    ] = PoolOptions()

    @property
    def wild(self) -> bool:
        """It stands for every name that no other user has."""
        return self.name == WILDCARD

    def brings_none(self, database: Database) -> bool:
        """Without a server credential of its own, where the database has one."""
        none = self.server_user is None and self.server_password is None and self.server_token is None
        return none and database.server_user is not None

    def token(self, database: Database) -> Token | None:
        """How the password for the servers is got, where it is a token."""
        return database.server_token if self.brings_none(database) else self.server_token

    def at_servers(self, database: Database) -> tuple[str, Secret | None]:
        """The name to log in to servers with, and the password; None where nothing known can be one."""
        if self.brings_none(database):
            return database.server_user or "", database.server_password
        name = self.server_user or self.name
        if self.server_password is not None:
            return name, self.server_password
        known = self.password is not None and self.password.form == "password" and self.server_token is None
        return name, self.password if known else None

    def may_use(self, database: str) -> bool:
        """The allow list, where there is one, holds this database."""
        return self.databases is None or database in self.databases
