"""What a server's refusal means: for the client that hears of it, and for whether to try again.

Pure functions on a Problem.
"""

from protocols.postgres.errors import Known, problem
from protocols.postgres.types import Problem

CONFIGURATION = ("28", "3D")
MOMENT = ("08", "53", "57", "58", "XX")


def of_server(said: Problem) -> Problem:
    """A server's refusal in words a client cannot mistake for a judgement on its own password."""
    if said.code.startswith("28"):
        return problem(Known.SERVER_REFUSED, what=f"server login failed: {said.message}")
    return Problem("FATAL", said.code, said.message, said.detail, said.hint)


def final(why: Problem) -> bool:
    """Nothing will change until somebody changes the configuration."""
    return why.code.startswith(CONFIGURATION) or why.code in ("42501", "08004")


def passing(why: Problem) -> bool:
    """It is about the server's moment, not about what was asked."""
    return why.code.startswith(MOMENT)
