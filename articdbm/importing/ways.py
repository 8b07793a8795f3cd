"""How clients prove themselves: PgBouncer's auth_type and HBA rules, as a listener's `auth` and `rules`.

A rule is for some listeners alone: `local` for Unix sockets, the others for TCP. Where one cannot be said as it is,
what is written lets in fewer.
"""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from articdbm.importing.hba import Names, Rule
from articdbm.importing.remark import State
from articdbm.importing.tree import Table, Value
from config.sections.admin import ADMIN_DATABASE, CONSOLE_NAMES
from config.sections.rules import REPLICATION

Say = Callable[[Rule, State, str], None]
REFUSED: Table = {"auth": "reject"}
PAM: Table = {"service": "pgbouncer", "pass_password": True}
_SCRAM = "scram-sha-256"
MD5 = 'scram-sha-256 instead: drivers since 2017 speak it; for older ones set auth = "md5"'
_NAMED = ("trust", "peer")
"""Ways that ask for no secret: who is looked up is let in by none of them."""


class Door(msgspec.Struct, frozen=True):
    """A listener, as far as a way in depends on it."""

    unix: bool
    loopback: bool
    tls: Table


class Known(msgspec.Struct, frozen=True):
    """Whom a rule can name."""

    databases: tuple[str, ...]
    users: tuple[str, ...]
    any_database: bool
    any_user: bool


def way(method: str, door: Door, *, tls: bool, here: bool) -> tuple[str, str]:
    """Our name for it, and what is other about it. `tls`: such clients have it; `here`: they are on this machine."""
    offers = bool(door.tls)
    demands = offers and (tls or door.tls.get("mode") == "require")
    match method:
        case "scram-sha-256" | "reject":
            return method, ""
        case "md5":
            return _SCRAM, MD5
        case "trust":
            return (
                ("trust", "")
                if here
                else (_SCRAM, "nobody is trusted beyond this machine: scram-sha-256 instead")
            )
        case "plain" | "password":
            if demands:
                return "password", ""
            return _SCRAM, "passwords in clear text need TLS: scram-sha-256 instead"
        case "cert":
            if offers and "client_ca" in door.tls:
                return "cert", ""
            return (
                "reject",
                "there are no client certificates without TLS and client_tls_ca_file: nobody gets in so",
            )
        case "peer":
            return ("peer", "") if door.unix else ("reject", "peer is for Unix sockets: nobody gets in so")
        case "pam":
            if demands or here:
                return "pam", ""
            return _SCRAM, "PAM needs the password in clear text, and so TLS: scram-sha-256 instead"
        case "ldap":
            return (
                _SCRAM,
                'scram-sha-256 instead: for the directory set ldap in the listener and auth = "ldap"',
            )
        case "any":
            return _SCRAM, "nobody is let in without a name: scram-sha-256 instead"
        case _:
            return _SCRAM, "there is no such method: scram-sha-256 instead"


def everywhere(method: str, door: Door, known: Known) -> tuple[Table, str]:
    """What a listener says where one method is for everybody, and what is other about it."""
    auth, why = way(method, door, tls=False, here=door.loopback)
    if auth == "reject" or (auth == "cert" and door.tls.get("mode") != "require"):
        return {
            "auth": _SCRAM,
            "rules": [REFUSED],
        }, why or "certificates need client_tls_sslmode = verify-full"
    if known.any_user and auth in (*_NAMED, "cert"):
        named: list[Value] = [{"auth": auth, "users": list(known.users)}] if known.users else []
        rest: Table = REFUSED if auth == "cert" else {"auth": _SCRAM}
        return {"auth": auth, "rules": [*named, rest]}, f"{auth} is for the users of auth_file alone"
    said: Table = {"auth": auth}
    return {**said, "pam": PAM} if auth == "pam" else said, why


def translate(found: Sequence[Rule], door: Door, known: Known, say: Say) -> list[Table]:
    """The rules for one listener. Never none: without any, everybody could try."""
    written = [
        one for rule in found if (rule.type == "local") == door.unix for one in _rule(rule, door, known, say)
    ]
    return written or [REFUSED]


def _rule(rule: Rule, door: Door, known: Known, say: Say) -> Iterator[Table]:
    if rule.type == "hostssl" and not door.tls:
        say(rule, "not needed", "clients have no TLS here: it fits nobody")
        return
    try:
        net = rule.net
    except ValueError:
        say(rule, "no equivalent", "its address is no network, or has bits beyond its prefix: it fits nobody")
        return
    here = door.loopback or (net is not None and net.is_loopback)
    auth, why = way(rule.method, door, tls=rule.type == "hostssl", here=here)
    if why:
        say(rule, "differs", why)
    if rule.more:
        say(rule, "differs", "what stands behind the method is not taken over")
    where: Table = {"hosts": [str(net)]} if net is not None else {}
    kinds = {"hostssl": "required", "hostnossl": "none"}
    tls: Table = {"tls": kinds[rule.type]} if rule.type in kinds else {}
    if rule.databases.groups or rule.users.groups:
        say(
            rule,
            "no equivalent",
            "members of roles are not known here, as they are not to PgBouncer: left out",
        )
        return
    fits = tuple(_whom(rule, auth, known, say))
    if not fits:
        say(rule, "not needed", "it names no database and user that are here")
    for whom in fits:
        yield from _ways(auth, {**where, **whom, **tls}, door, known)


def _whom(rule: Rule, auth: str, known: Known, say: Say) -> Iterator[Table]:
    """The databases and users it is for; more than one table where one cannot say it."""
    users: Table = {}
    if not rule.users.everyone:
        named: list[str] = [name for name in rule.users.names if known.any_user or name in known.users]
        if not named:
            return
        users = {"users": named}
    if rule.databases.replication:
        if REPLICATION in known.databases:
            say(
                rule,
                "no equivalent",
                "a database has the name that means physical replication here: left out",
            )
        else:
            say(rule, "to do", "who may replicate has to be said at the user: replication = true")
            yield {"databases": [REPLICATION], **users}
    if rule.databases.everyone:
        yield users
        return
    if databases := _databases(rule.databases, known):
        yield {"databases": databases, **users}
    if rule.databases.same:
        if rule.users.everyone and known.any_user:
            why = "sameuser is for the users of auth_file alone"
            if auth == "reject":
                why = "sameuser cannot be said of users that are looked up: it rejects them everywhere"
                yield users
            say(rule, "differs", why)
        for name in known.users if rule.users.everyone else rule.users.names:
            there = name != REPLICATION and (known.any_database or name in known.databases)
            if there and (known.any_user or name in known.users):
                yield {"databases": [name], "users": [name]}


def _databases(said: Names, known: Known) -> list[str]:
    """As rules know them: the console has one name, and `replication` is none."""
    there = [ADMIN_DATABASE if name in CONSOLE_NAMES else name for name in said.names]
    return [
        name
        for name in dict.fromkeys(there)
        if name != REPLICATION and (known.any_database or name in (*known.databases, ADMIN_DATABASE))
    ]


def _ways(auth: str, fits: Table, door: Door, known: Known) -> Iterator[Table]:
    """The rule, and behind it one for those of its clients whom it does not let in so."""
    rule: Table = {"auth": auth, **fits}
    if auth == "pam":
        rule["pam"] = PAM
    if auth == "cert":
        if fits.get("tls") == "none":
            yield {**REFUSED, **fits}
            return
        rule["tls"] = "required"
    if known.any_user and auth in (*_NAMED, "cert"):
        asked = fits.get("users")
        named = [name for name in known.users if not isinstance(asked, list) or name in asked]
        if named:
            yield {**rule, "users": list(named)}
        yield {**({"auth": _SCRAM} if auth in _NAMED else REFUSED), **fits}
        return
    yield rule
    if auth == "cert" and "tls" not in fits and door.tls.get("mode") != "require":
        yield {**REFUSED, **fits}
