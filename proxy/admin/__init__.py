"""The administrator's console: the answers of the database called `articdbm` (or `pgbouncer`, for old habits).

`console` takes a statement and gives its reply; `commands` is the one visible table of what it knows; `figures` and
`connections` are what it shows, `orders` what it does. No secret can reach any of it.
"""

from proxy.admin.console import Console
from proxy.admin.place import House, Source

__all__ = ["Console", "House", "Source"]
