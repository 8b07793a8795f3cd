"""`python -m articdbm`: the same as the `articdbm` command."""

import sys

from articdbm.main import main

if __name__ == "__main__":
    sys.exit(main())
