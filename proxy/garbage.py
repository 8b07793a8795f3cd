"""When Python looks for garbage that only a collection finds.

A collection in the middle of a new statement is the longest thing in it, and mostly finds nothing: the statement's tree
has more nodes than Python makes between two of them, and is taken apart as soon as there is a plan
(`Statement.release`). So what is there when the service begins is never looked through again, and what came since only
where much of it has stayed.
"""

import gc

STAYED = 4_000
"""Objects. A text of 1 KB makes under half as many for a moment; looking through so many takes less than one."""


def settle() -> None:
    """All that is here now is here to stay."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(STAYED, *gc.get_threshold()[1:])
