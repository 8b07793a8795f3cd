"""PAM: whether the machine's own rules (`/etc/pam.d`) take a user's name and password.

Each question is a process of its own. A module of PAM may hang, fork, change what the process may do, or end it: none
of this may happen to a proxy. What the process is asked it reads from a pipe, never from its arguments or environment.
"""

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from config.sections.outside import Pam
from proxy.proofs.verdict import NoVerdict

ASKER = Path(__file__).with_name("pam_asker.py")
RIGHT, WRONG = 0, 1
MOST_SAID = 200
LAST_WORDS = 2.0
"""Seconds it has to end in order."""
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
"""What modules and their programs see: none of the proxy's own, where there may be secrets."""


async def ask(said: Pam, user: str, password: bytes, host: str) -> bool:
    """Whether PAM lets this user in: the right password, of an account that is not locked. Raises NoVerdict."""
    try:
        question = json.dumps([said.service, said.directory, user, password.decode(), host])
    except ValueError:  # not UTF-8: nobody's
        return False
    try:
        # Isolated, and without site-packages: what it needs is Python's own.
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            str(ASKER),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=ENVIRONMENT,
            start_new_session=True,
        )
    except OSError as error:
        raise NoVerdict(f"PAM cannot be asked: {error.strerror}") from None
    try:
        _, told = await process.communicate(question.encode())
    finally:
        if process.returncode is None:
            await _end(process)
    if process.returncode not in (RIGHT, WRONG):
        why = told.decode(errors="replace")[-MOST_SAID:].strip() or f"ended with status {process.returncode}"
        raise NoVerdict(f"PAM service {said.service}: {why}")
    return process.returncode == RIGHT


async def _end(process: asyncio.subprocess.Process) -> None:
    """It ends what its modules have started, then itself."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(LAST_WORDS):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
