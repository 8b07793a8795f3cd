"""The process that asks PAM one question. Status 0: right; 1: wrong; 2: PAM itself fails, and says of what.

It asks in a child, and on SIGTERM ends that one and whatever a module has started, in sessions of their own too
(pam_exec): nothing is left behind.

Through ctypes on libpam, which every Linux has: the libraries for it on PyPI are the same few calls, are meant for the
caller's own process, and know no folder of services. It imports nothing of the house: it starts in milliseconds.
"""

import contextlib
import ctypes
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

SUCCESS, CONV_ERR = 0, 19
TROUBLE = 2
SET_PDEATHSIG, SET_CHILD_SUBREAPER = 1, 36
PAM_RHOST = 4
PROMPT_ECHO_OFF, ERROR_MSG, TEXT_INFO = 1, 3, 4
SILENT = 0x8000
DISALLOW_NULL_AUTHTOK = 0x1
OURS = (1, 2, 3, 5, 9, 19, 26, 28)
"""A module that is missing or cannot be loaded, a service that cannot be reached, a question nobody answers: no
judgement on a password. (4, a system error, is one: pam_exec says so of a program that ended with a status.)"""


class Message(ctypes.Structure):
    """What a module says."""

    _fields_ = [("style", ctypes.c_int), ("text", ctypes.c_char_p)]


class Response(ctypes.Structure):
    """What it hears; libpam frees both."""

    _fields_ = [("text", ctypes.c_void_p), ("code", ctypes.c_int)]


Talk = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_int,
    ctypes.POINTER(ctypes.POINTER(Message)),
    ctypes.POINTER(ctypes.POINTER(Response)),
    ctypes.c_void_p,
)


class Conversation(ctypes.Structure):
    """Who answers for the user."""

    _fields_ = [("talk", Talk), ("data", ctypes.c_void_p)]


class Ended(Exception):
    """Nobody waits for the answer any more."""


def main() -> int:
    """Ask what standard input says."""
    question = json.load(sys.stdin)
    libc = ctypes.CDLL(None)
    libc.prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    signal.signal(signal.SIGTERM, _end)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os._exit(_ask(libc, *question))
    try:
        _, status = os.waitpid(child, 0)
    except Ended:
        _sweep()
        return TROUBLE
    return (
        os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else _trouble("a module ended the process")
    )


def _end(_number: int, _frame: object) -> None:
    raise Ended


def _sweep() -> None:
    """End every child; the children of those become ours, until there is none."""
    me = os.getpid()
    while True:
        for pid in Path(f"/proc/{me}/task/{me}/children").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _ask(libc: Any, service: str, directory: str | None, user: str, password: str, host: str) -> int:
    try:
        pam = ctypes.CDLL("libpam.so.0")
    except OSError as error:
        return _trouble(str(error))
    libc.calloc.restype, libc.strdup.restype = ctypes.c_void_p, ctypes.c_void_p
    libc.calloc.argtypes = [ctypes.c_size_t, ctypes.c_size_t]
    pam.pam_strerror.restype = ctypes.c_char_p
    handle = ctypes.c_void_p()
    conversation = Conversation(_talk(libc, password.encode()), None)
    begin = [service.encode(), user.encode(), ctypes.byref(conversation)]
    if directory is None:
        status = pam.pam_start(*begin, ctypes.byref(handle))
    else:
        status = pam.pam_start_confdir(*begin, directory.encode(), ctypes.byref(handle))
    if status != SUCCESS:
        return _trouble(f"no service can be opened ({status})")
    pam.pam_set_item(handle, PAM_RHOST, host.encode())
    status = pam.pam_authenticate(handle, SILENT | DISALLOW_NULL_AUTHTOK)
    if status == SUCCESS:
        status = pam.pam_acct_mgmt(handle, SILENT | DISALLOW_NULL_AUTHTOK)
    words = pam.pam_strerror(handle, status)
    pam.pam_end(handle, status)
    if status in OURS:
        return _trouble(words.decode(errors="replace"))
    return 0 if status == SUCCESS else 1


def _talk(libc: Any, password: bytes) -> Any:
    """Answers the one question for a password; whatever else is asked, nobody is there to answer."""

    def talk(count: int, said: Any, heard: Any, _data: object) -> int:
        answers = libc.calloc(count, ctypes.sizeof(Response))
        if not answers:
            return CONV_ERR
        heard[0] = ctypes.cast(answers, ctypes.POINTER(Response))
        for at in range(count):
            style = said[at][0].style
            if style == PROMPT_ECHO_OFF:
                heard[0][at].text = libc.strdup(password)
            elif style not in (ERROR_MSG, TEXT_INFO):
                return CONV_ERR
        return SUCCESS

    return Talk(talk)


def _trouble(what: str) -> int:
    print(what, file=sys.stderr, flush=True)
    return TROUBLE


if __name__ == "__main__":
    sys.exit(main())
