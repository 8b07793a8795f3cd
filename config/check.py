"""What the types cannot say: whether a configuration makes sense as a whole.

A rule takes the Snapshot and yields findings. Rules may be shown a Snapshot in which stand-ins replace broken values:
what they then say of a broken path is dropped here, for it was said already.
"""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime

from config.errors import Finding
from config.positions import KeyPath, touches
from config.rules.credentials import credentials, other_credentials
from config.rules.listening import addresses, monitoring, ways_in
from config.rules.names import aliases, known_names, nothing_to_serve, own_database, unique_names, wildcards
from config.rules.parameters import parameters
from config.rules.pools import pools
from config.rules.tls import tls_files
from config.snapshot import Snapshot

Rule = Callable[[Snapshot], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    unique_names,
    aliases,
    wildcards,
    known_names,
    own_database,
    nothing_to_serve,
    addresses,
    ways_in,
    monitoring,
    credentials,
    other_credentials,
    parameters,
    pools,
)


def check(snapshot: Snapshot, now: datetime, broken: Collection[KeyPath] = ()) -> Iterator[Finding]:
    """Everything that is wrong or doubtful, but for what rests on a path that is known to be broken."""
    findings = (finding for rule in RULES for finding in rule(snapshot))
    for finding in (*findings, *tls_files(snapshot, now)):
        rests_on = (finding.path, *finding.because)
        if not any(touches(path, other) for path in rests_on for other in broken):
            yield finding
