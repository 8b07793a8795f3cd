"""What a server's refusal means: for the client that hears of it, and for whether to try again.

Pure functions on a Problem.
"""

from protocols.postgres.errors import Known, problem
from protocols.postgres.types import Problem
from proxy.target import Target

CONFIGURATION = ("28", "3D")
MOMENT = ("08", "53", "57", "58", "XX")
BAD_SETTING = ("22023", "42501", "42704", "55P02")
UNVERIFIED = ("invalid peer certificate", "verify-full:")
"""How the core's reason begins where a certificate failed the checks that `tls.mode` asks for."""


def of_server(said: Problem) -> Problem:
    """A server's refusal in words a client cannot mistake for a judgement on its own password."""
    if said.code.startswith("28"):
        return problem(Known.SERVER_REFUSED, what=f"server login failed: {said.message}")
    return Problem("FATAL", said.code, said.message, said.detail, said.hint)


def of_log_in(said: Problem, to: Target, *, preparing: bool) -> Problem:
    """What ended a log-in. What the configuration sends along itself is no affair of the client, and stays wrong."""
    if preparing and not said.code.startswith(MOMENT):
        return problem(
            Known.SERVER_REFUSED, what=f"the connect_query of database {to.database} failed: {said.message}"
        )
    if to.parameters and said.code in BAD_SETTING:
        return problem(
            Known.SERVER_REFUSED, what=f"the server refuses the configured parameters: {said.message}"
        )
    return of_server(said)


def of_handshake(server: str, cluster: str, reason: str) -> Problem:
    """A TLS handshake that failed: by the server's moment, or by our verification, which is no moment's affair."""
    reason = reason.removeprefix("TLS: ")
    if not reason.startswith(UNVERIFIED):
        what = f"the connection to server {server} ended during the TLS handshake: {reason}"
        return problem(Known.SERVER_DOWN, what=what)
    if "UnknownIssuer" in reason:
        remedy = f"tls.ca of cluster {cluster} has to hold the authority that issued it"
    elif "name" in reason:
        remedy = f"address the server by a name it is for, or set tls.mode of cluster {cluster} to verify-ca"
    else:
        remedy = "give the server another one"
    what = f"the certificate of server {server} was refused ({reason}): {remedy}"
    return problem(Known.SERVER_UNVERIFIED, what=what)


def of_one_server(why: Problem) -> bool:
    """The cluster's other servers may do better."""
    return why.code == Known.SERVER_UNVERIFIED.code or not final(why)


def final(why: Problem) -> bool:
    """Nothing will change until somebody changes the configuration."""
    return why.code.startswith(CONFIGURATION) or why.code in ("42501", "08001", "08004")


def passing(why: Problem) -> bool:
    """It is about the server's moment, not about what was asked."""
    return why.code.startswith(MOMENT) and not final(why)
