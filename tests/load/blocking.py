"""The proxy with a brain that can be blocked: on SIGUSR1 its loop does nothing at all for the seconds given.

    python -m tests.load.blocking CONFIG SECONDS

Everything else is as `articdbm serve` does it. Writes when it is ready, and when each block began and ended.
"""

import asyncio
import signal
import sys
import time
from pathlib import Path

from proxy import app


def _say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def main(path: str, seconds: str) -> None:
    def block() -> None:
        begun = time.monotonic()
        time.sleep(float(seconds))
        _say("blocked", begun, time.monotonic())

    def ready(addresses: list[str]) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, block)
        _say("ready", *addresses)

    app.run(Path(path), ready)


if __name__ == "__main__":
    main(*sys.argv[1:])
