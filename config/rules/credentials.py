"""Users: what proves them to the proxy, and what proves them to servers."""

from collections.abc import Iterator

from config.errors import Finding, itself
from config.positions import KeyPath
from config.secret import Secret
from config.sections.auth_query import AuthQuery
from config.sections.token import Token
from config.snapshot import Snapshot
from config.values import naming

KEYED = ("scram-sha-256", "md5", "password")
"""Ways in at which a client whose verifier is known shows the keys that servers ask for."""


def credentials(snapshot: Snapshot) -> Iterator[Finding]:
    everywhere: tuple[KeyPath, ...] = (
        itself("listeners"),
        *(("listeners", index, "auth") for index in range(len(snapshot.listeners))),
    )
    ways = [way.auth for listener in snapshot.listeners for way in listener.ways]
    by_secret = [auth for auth in ways if auth not in ("trust", "cert", "peer", "ldap", "pam", "reject")]
    looked_up = any(snapshot.lookup(database) is not None for database in snapshot.databases)
    for index, user in enumerate(snapshot.users):
        at: KeyPath = ("users", index)
        password, own = (*at, "password"), (*at, "server_password")
        for path, secret in ((password, user.password), (own, user.server_password)):
            yield from _written_out(path, secret)
        yield from _no_verifier(own, user.server_password)
        yield from _token((*at, "server_token"), user.server_token, user.server_password)
        if user.password is None and by_secret and len(by_secret) == len(ways) and not looked_up:
            yield Finding(
                password,
                "there is none, and every listener asks for one: this user cannot log in",
                'write a reference: "env://NAME" or "file:///path"',
                "warning",
                because=everywhere,
            )
        if user.password is None or user.password.form != "scram-verifier":
            continue
        if (
            user.server_password is None
            and user.server_token is None
            and not any(auth in KEYED for auth in ways)
        ):
            yield Finding(
                password,
                "a verifier is known, not the password: servers that ask for one will refuse this user",
                "set server_password, unless the servers trust this user or take the cluster's certificate",
                "warning",
                because=(own, *everywhere),
            )


def other_credentials(snapshot: Snapshot) -> Iterator[Finding]:
    """Of databases, and of those who look users up."""
    for index, database in enumerate(snapshot.databases):
        at: KeyPath = ("databases", index)
        own = (*at, "server_password")
        yield from _written_out(own, database.server_password)
        yield from _no_verifier(own, database.server_password)
        yield from _token((*at, "server_token"), database.server_token, database.server_password)
        for path, given in ((own, database.server_password), ((*at, "server_token"), database.server_token)):
            if given is not None and database.server_user is None:
                yield Finding(path, "nobody is named whose password this is", "set server_user beside it")
        yield from _lookup((*at, "auth_query"), database.auth_query)
    for index, cluster in enumerate(snapshot.clusters):
        yield from _lookup(("clusters", index, "auth_query"), cluster.auth_query)
    for index, listener in enumerate(snapshot.listeners):
        beside: KeyPath = ("listeners", index)
        places = [((*beside, "ldap"), listener.ldap)]
        places += [
            ((*beside, "rules", place, "ldap"), rule.ldap) for place, rule in enumerate(listener.rules)
        ]
        for path, ldap in places:
            if ldap is not None:
                yield from _written_out((*path, "bind_password"), ldap.bind_password)
                yield from _no_verifier((*path, "bind_password"), ldap.bind_password)


def _token(at: KeyPath, token: Token | None, password: Secret | None) -> Iterator[Finding]:
    if token is None:
        return
    if password is not None:
        yield Finding(at, "there is a password for servers too", "give one of them")
    if bool(token.command) == (token.file is not None):
        yield Finding(at, "a token comes from a command or from a file", "give one of them: command or file")
    for name, path in (("command", token.command[0] if token.command else None), ("file", token.file)):
        if path is not None and not path.startswith("/"):
            yield Finding((*at, name), f"{naming(path)} is not an absolute path", "write the whole path")


def _lookup(at: KeyPath, lookup: AuthQuery | None) -> Iterator[Finding]:
    if lookup is None:
        return
    yield from _written_out((*at, "password"), lookup.password)
    yield from _no_verifier((*at, "password"), lookup.password)
    yield from _token((*at, "token"), lookup.token, lookup.password)
    if "$1" not in lookup.query:
        yield Finding(
            (*at, "query"),
            "the query does not ask about a user: there is no $1 in it",
            "write $1 for the name",
        )


def _written_out(path: KeyPath, secret: Secret | None) -> Iterator[Finding]:
    if secret is not None and secret.literal and secret.form == "password":
        yield Finding(
            path,
            "the password stands in the file, for everyone who reads it",
            'keep it elsewhere and write a reference: "env://NAME" or "file:///path"',
            "warning",
        )


def _no_verifier(path: KeyPath, secret: Secret | None) -> Iterator[Finding]:
    if secret is not None and secret.form != "password":
        yield Finding(path, "a verifier proves nothing to a server", "give the password itself")
