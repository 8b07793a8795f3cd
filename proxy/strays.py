"""Cancel requests for statements of the processes that this one took over from: they are sent on to them.

Such a process listens, until it ends, at a socket of its own in the private directory. Which of several it is for is
not known here: each is asked, and whose key it is not does nothing.
"""

import asyncio
from pathlib import Path

from protocols.postgres import messages
from proxy import handover
from proxy.native import CancelStray, Close
from proxy.outside import Commands, Outside

MOST = 32
"""Under way at a time; one more is hung up on."""
SECONDS = 5.0


class Strays:
    """Answers CancelStray."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._under_way = 0
        self.directory = Path()
        self.names: list[str] = []
        """The sockets of those before us; who has ended is dropped when that is seen."""

    def told(self, event: CancelStray) -> Commands:
        if self._under_way >= MOST or not self.names:
            return [Close(event.conn)]
        self._under_way += 1
        self._outside.start(self._send_on(event))
        return []

    async def _send_on(self, event: CancelStray) -> Commands:
        try:
            request = messages.cancel_request(event.pid, event.secret)
            await asyncio.gather(*(self._say(name, request) for name in tuple(self.names)))
        finally:
            self._under_way -= 1
        return [Close(event.conn)]

    async def _say(self, name: str, request: bytes) -> None:
        try:
            async with asyncio.timeout(SECONDS):
                with handover.private(self.directory) as place:
                    reader, writer = await asyncio.open_unix_connection(str(place / name))
                try:
                    writer.write(request)
                    # It hangs up when the request is spent.
                    await reader.read()
                finally:
                    writer.close()
        except (FileNotFoundError, ConnectionRefusedError, handover.HandoverError):
            if name in self.names:
                self.names.remove(name)
        except (OSError, TimeoutError):
            return
