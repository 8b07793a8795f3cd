"""How a client has to prove itself: the first of a listener's rules that fits it, or none.

Pure functions. It knows no user: a rule fits names, whether or not they are anybody's.
"""

import ipaddress

from config.network import Ip, Network
from config.sections.rules import REPLICATION, Rule
from protocols.postgres.errors import Known, problem
from protocols.postgres.types import Problem
from proxy.attempts import host


def decide(
    rules: tuple[Rule, ...], *, peer: str, local: bool, database: str | None, user: str, tls: bool
) -> Rule | Problem:
    """The rule that fits, or the refusal. `local`: through a Unix socket; `peer`: else its address and port. Without a
    database it is physical replication."""
    ip = _ip(peer) if not local and any(rule.hosts for rule in rules) else None
    found: Rule | None = None
    for rule in rules:
        if (
            _from(rule.hosts, ip, local=local)
            and _to(rule.databases, database)
            and (not rule.users or user in rule.users)
            and (rule.tls == "any" or (rule.tls == "required") == tls)
        ):
            if rule.auth != "reject":
                return rule
            found = rule
            break
    where = "this machine" if local else f'host "{host(peer).strip("[]")}"'
    how = "with TLS" if tls else "without TLS"
    verb = "no rule of this listener admits" if found is None else "a rule of this listener rejects"
    what = (
        f'user "{user}" on database "{database}"' if database is not None else f'replication by user "{user}"'
    )
    return problem(Known.NO_WAY_IN, what=f"{verb} {what} from {where} {how}")


def _to(databases: tuple[str, ...], asked: str | None) -> bool:
    """Who reads everything is never meant by `everybody`."""
    if asked is None:
        return REPLICATION in databases
    return not databases or (asked in databases and asked != REPLICATION)


def _from(hosts: tuple[Network, ...], ip: Ip | None, *, local: bool) -> bool:
    """What cannot be read as an address is nowhere, and no Unix socket either."""
    if not hosts:
        return True
    return (local or ip is not None) and any(network.holds(ip) for network in hosts)


def _ip(peer: str) -> Ip | None:
    try:
        return ipaddress.ip_address(host(peer).strip("[]"))
    except ValueError:
        return None
