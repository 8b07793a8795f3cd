"""Users: what proves them to the proxy, and what proves them to servers."""

from collections.abc import Iterator

from config.errors import Finding, itself
from config.positions import KeyPath
from config.snapshot import Snapshot


def credentials(snapshot: Snapshot) -> Iterator[Finding]:
    everywhere: tuple[KeyPath, ...] = (
        itself("listeners"),
        *(("listeners", index, "auth") for index in range(len(snapshot.listeners))),
    )
    by_secret = [one for one in snapshot.listeners if one.auth not in ("trust", "cert")]
    for index, user in enumerate(snapshot.users):
        at: KeyPath = ("users", index)
        password, own = (*at, "password"), (*at, "server_password")
        for path, secret in ((password, user.password), (own, user.server_password)):
            if secret is not None and secret.literal and secret.form == "password":
                yield Finding(
                    path,
                    "the password stands in the file, for everyone who reads it",
                    'keep it elsewhere and write a reference: "env://NAME" or "file:///path"',
                    "warning",
                )
        if user.server_password is not None and user.server_password.form != "password":
            yield Finding(own, "a verifier proves nothing to a server", "give the password itself")
        if user.password is None and by_secret and len(by_secret) == len(snapshot.listeners):
            yield Finding(
                password,
                "there is none, and every listener asks for one: this user cannot log in",
                'write a reference: "env://NAME" or "file:///path"',
                "warning",
                because=everywhere,
            )
        if user.password is None or user.password.form != "scram-verifier":
            continue
        if user.server_password is None:
            yield Finding(
                password,
                "a verifier is known, not the password: servers that ask for one will refuse this user",
                "set server_password, unless the servers trust this user or take the cluster's certificate",
                "warning",
                because=(own,),
            )
        if any(listener.auth == "md5" for listener in snapshot.listeners):
            yield Finding(
                password,
                'a verifier cannot serve a listener with auth = "md5"',
                'give the password, or set auth = "scram-sha-256" there',
                "warning",
                because=everywhere,
            )
