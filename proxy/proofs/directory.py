"""LDAP: whether a directory takes a user's name and password, by a bind as that user.

It blocks, so it is for a thread; every step has what is left of the time. It speaks through libldap (the extra `ldap`),
as PostgreSQL itself does.
"""

import time
from collections.abc import Callable
from typing import Any

from config.sections.outside import PLACEHOLDER, Ldap
from proxy.proofs.verdict import NoVerdict

MOST_INFO = 200
"""Characters of what a directory says that go into the log."""


def asks(said: Ldap, user: str, password: bytes) -> Callable[[], bool]:
    """What a thread has to do."""
    return lambda: ask(said, user, password)


def ask(said: Ldap, user: str, password: bytes) -> bool:
    """Whether the directory lets this user in. Raises NoVerdict."""
    ldap = _library()
    if not password or not user.isprintable():
        # A bind without a password succeeds as nobody.
        return False
    deadline = time.monotonic() + said.timeout.seconds
    last = "no server is configured"
    for tried, url in enumerate(said.urls):
        left = (deadline - time.monotonic()) / (len(said.urls) - tried)
        if left <= 0:
            break
        try:
            return _at(ldap, str(url), said, user, password, time.monotonic() + left)
        except (ldap.SERVER_DOWN, ldap.CONNECT_ERROR, ldap.TIMEOUT, ldap.BUSY, ldap.UNAVAILABLE) as error:
            last = f"{url}: {_words(error)}"
        except ldap.LDAPError as error:
            raise NoVerdict(f"{url}: {_words(error)}") from None
    raise NoVerdict(f"no directory answers: {last}")


def _at(ldap: Any, url: str, said: Ldap, user: str, password: bytes, deadline: float) -> bool:
    # Name and password are what the user may get wrong; whatever else is refused is not the user's fault.
    wrong = (
        ldap.INVALID_CREDENTIALS,
        ldap.INAPPROPRIATE_AUTH,
        ldap.UNWILLING_TO_PERFORM,
        ldap.CONSTRAINT_VIOLATION,
        ldap.INSUFFICIENT_ACCESS,
        ldap.NO_SUCH_OBJECT,
        ldap.INVALID_DN_SYNTAX,
    )
    line = _open(ldap, url, said, deadline)
    try:
        if said.starttls:
            line.start_tls_s()
        if said.dn is not None:
            name: str | None = said.dn.replace(PLACEHOLDER, ldap.dn.escape_dn_chars(user))
        else:
            name = _found(ldap, line, said, user, deadline)
        if name is None:
            return False
        _in_time(ldap, line, deadline)
        try:
            line.simple_bind_s(name, password)
        except wrong:
            return False
        return True
    finally:
        line.unbind_ext()


def _open(ldap: Any, url: str, said: Ldap, deadline: float) -> Any:
    line = ldap.initialize(url)
    line.protocol_version = 3
    # Another directory's word is not asked for.
    line.set_option(ldap.OPT_REFERRALS, 0)
    _in_time(ldap, line, deadline)
    if url.startswith("ldaps:") or said.starttls:
        line.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_DEMAND)
        if said.ca is not None:
            line.set_option(ldap.OPT_X_TLS_CACERTFILE, said.ca.path)
        line.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
    return line


def _found(ldap: Any, line: Any, said: Ldap, user: str, deadline: float) -> str | None:
    """The name of the one entry that is the user's; None where there is none, or more than one."""
    if said.bind_dn is not None and said.bind_password is not None:
        try:
            line.simple_bind_s(str(said.bind_dn), said.bind_password.reveal())
        except ldap.INVALID_CREDENTIALS:
            raise NoVerdict("the directory refuses bind_dn and bind_password") from None
    escaped = ldap.filter.escape_filter_chars(user)
    wanted = (said.search_filter or f"({said.search_attribute}={PLACEHOLDER})").replace(PLACEHOLDER, escaped)
    scopes = {"base": ldap.SCOPE_BASE, "one": ldap.SCOPE_ONELEVEL, "sub": ldap.SCOPE_SUBTREE}
    left = _in_time(ldap, line, deadline)
    try:
        # "1.1": no attributes. Two are one too many.
        entries = line.search_ext_s(
            str(said.base_dn), scopes[said.scope], wanted, ["1.1"], timeout=left, sizelimit=2
        )
    except ldap.SIZELIMIT_EXCEEDED:
        return None
    names = [name for name, _ in entries if name]
    return names[0] if len(names) == 1 else None


def _in_time(ldap: Any, line: Any, deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise ldap.TIMEOUT({"desc": "no time is left"})
    line.set_option(ldap.OPT_NETWORK_TIMEOUT, left)
    line.set_option(ldap.OPT_TIMEOUT, left)
    return left


def _library() -> Any:
    """The extra: whoever is not let in by a directory does without it."""
    try:
        import ldap.dn  # type: ignore[import-untyped]  # noqa: PLC0415
        import ldap.filter  # type: ignore[import-untyped]  # noqa: PLC0415
    except ImportError:
        raise NoVerdict("LDAP is not installed: pip install 'articdbm[ldap]'") from None
    return ldap


def _words(error: Exception) -> str:
    told = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    text = ": ".join(str(told[part]) for part in ("desc", "info") if told.get(part)) or type(error).__name__
    return text[:MOST_INFO]
