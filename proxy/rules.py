"""How a client has to prove itself: the first of a listener's rules that fits it, or none.

Pure functions. It knows no user: a rule fits names, whether or not they are anybody's.
"""

import ipaddress

from config.network import Ip, Network
from config.sections.rules import Rule
from protocols.postgres.errors import Known, problem
from protocols.postgres.types import Problem
from proxy.attempts import host


def decide(
    rules: tuple[Rule, ...], *, peer: str, local: bool, database: str, user: str, tls: bool
) -> Rule | Problem:
    """The rule that fits, or the refusal. `local`: through a Unix socket; `peer`: else its address and port."""
    ip = _ip(peer) if not local and any(rule.hosts for rule in rules) else None
    found: Rule | None = None
    for rule in rules:
        if (
            _from(rule.hosts, ip, local=local)
            and (not rule.databases or database in rule.databases)
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
    return problem(Known.NO_WAY_IN, what=f'{verb} user "{user}" on database "{database}" from {where} {how}')


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
