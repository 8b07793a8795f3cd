"""Who may come in, and as whom they reach the servers."""

from typing import Annotated

from config.secret import Secret
from config.sections.pool import PoolOptions
from config.setting import Section, setting


class User(Section, frozen=True):
    """`[[users]]`: a name clients log in with."""

    name: Annotated[str, setting("The name clients log in with.", "new connections")]
    password: Annotated[
        Secret | None,
        setting(
            "The password, or the SCRAM verifier PostgreSQL stores for it (`SCRAM-SHA-256$…`). A reference: "
            "`env://NAME`, as it was when the process started, or `file:///path`, read anew by a reload. "
            'Not needed where every listener has `auth = "cert"` or `"trust"`.',
            "new connections",
        ),
    ] = None
    databases: Annotated[
        tuple[str, ...] | None,
        setting("The databases this user may connect to. Without it, all of them.", "new connections"),
    ] = None
    server_user: Annotated[
        str | None,
        setting("The name to log in to servers with, where that is another one.", "new connections"),
    ] = None
    server_password: Annotated[
        Secret | None,
        setting(
            "The password to log in to servers with, where that is another one; a reference, as `password`. "
            "A user who has only a verifier needs it: a verifier proves nothing to a server.",
            "new connections",
        ),
    ] = None
    pool: Annotated[
        PoolOptions,
        setting("Pool settings for this user; they win over the database's and the cluster's.", "at once"),
    ] = PoolOptions()

    @property
    def server_name(self) -> str:
        """The name to log in to servers with."""
        return self.server_user or self.name

    @property
    def server_secret(self) -> Secret | None:
        """The password to log in to servers with; None where nothing known can be one."""
        if self.server_password is not None:
            return self.server_password
        return self.password if self.password is not None and self.password.form == "password" else None

    def may_use(self, database: str) -> bool:
        """The allow list, where there is one, holds this database."""
        return self.databases is None or database in self.databases
