"""`articdbm serve --config FILE`, with the example plugin of the tests in front of the house's own."""

import sys
from pathlib import Path

from plugins.registry import Registry
from proxy import app
from tests.plugins.amounts import AmountLimit

if __name__ == "__main__":
    registry = Registry(first=(AmountLimit(),))
    app.run(Path(sys.argv[-1]), lambda listening: print(listening, flush=True), registry=registry)
