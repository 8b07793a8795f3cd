"""What is said of settings that several poolers have, under whatever names: why they are not taken over."""

from articdbm.importing.remark import State

YEAR = 366 * 86_400_000
"""The longest time that is taken over, in milliseconds."""
Verdict = tuple[State, str]

CHECKS: Verdict = ("not needed", "a connection that the server has closed is noticed at once")
LOG: Verdict = ("no equivalent", "the log goes to standard error; see log.level")
METRICS: Verdict = ("to do", "set metrics.address, which nothing but loopback should reach unguarded")
MIRROR: Verdict = ("not yet", "there is no mirroring")
REPLICAS: Verdict = ("not yet", "everything goes to the primary")
SERVICE: Verdict = ("no equivalent", "that is the service manager's: the process stays in the foreground")
SHARDS: Verdict = ("not yet", "there is no sharding")
SOCKETS: Verdict = ("no equivalent", "sockets are set as a proxy needs them")
THREADS: Verdict = ("not needed", "limits.carriers is one thread for each core by itself")
