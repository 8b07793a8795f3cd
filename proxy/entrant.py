"""One client's log-in under way: what is known of it, and the steps that are pure work.

Data that `proxy/session.py` alone changes.
"""

import logging
import pwd
from collections.abc import Mapping

from config.sections.rules import Rule
from protocols.postgres.auth import ClientAuth
from protocols.postgres.credential import Credential
from protocols.postgres.errors import WireError
from protocols.postgres.session import Startup as Asked
from protocols.postgres.types import Step
from proxy.directory import Place
from proxy.doors import Door
from proxy.lookups import Where
from proxy.outside import Timer
from proxy.profiles import Settings
from proxy.proofs import ELSEWHERE

logger = logging.getLogger(__name__)

UNASKED = ("trust", "cert", "peer")
"""Methods that ask the client nothing: there the user has to be known first."""


class Entrant:
    """One client's log-in."""

    __slots__ = (
        "asked",
        "auth",
        "busy",
        "conn",
        "door",
        "own",
        "password",
        "peer",
        "place",
        "rule",
        "settings",
        "timer",
        "where",
    )

    def __init__(self, conn: int, peer: str, door: Door, rule: Rule, asked: Asked) -> None:
        self.conn = conn
        self.peer = peer
        self.door = door
        self.rule = rule
        self.asked = asked
        self.auth: ClientAuth | None = None
        self.busy = False
        """Something is being computed for it; a client that speaks meanwhile breaks the protocol."""
        self.where: Where | None = None
        """Where its credential was looked up."""
        self.place: Place | None = None
        self.own: Mapping[str, str] = {}
        self.password: str | None = None
        """What it proved itself with, where that is to be passed on to servers."""
        self.settings: Settings = ()
        self.timer: Timer | None = None

    @property
    def method(self) -> str:
        return self.rule.auth

    def keep(self, password: bytes) -> None:
        """It was right: remember it, if the rule passes passwords on."""
        said = self.rule.ldap if self.method == "ldap" else self.rule.pam
        if said is not None and said.pass_password:
            self.password = password.decode("utf-8", "surrogateescape")


def exchange(client: Entrant, credential: Credential | None) -> str:
    """What is said to the client. Who is looked up and not found is asked as most of those who are found would be."""
    if client.method == "peer":
        return "trust"
    if client.method in ELSEWHERE:
        return "elsewhere"
    lost = client.where is not None and credential is None
    return "scram-sha-256" if lost and client.method == "md5" else client.method


def received(auth: ClientAuth, kind: int, body: bytes) -> Step | WireError:
    try:
        return auth.receive(kind, body)
    except WireError as error:
        return error


def parsed(stored: str, user: str, secret: bytes) -> Credential | None:
    try:
        return Credential.parse(stored, user=user, secret=secret)
    except ValueError:
        # The configuration was checked; what is wrong all the same admits nobody.
        return None
    except Exception:
        # Others wait for this: they have to hear something.
        logger.exception("a defect: a credential could not be worked out")
        return None


def name_of(uid: int | None) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_name if uid is not None else None
    except (KeyError, OSError):
        return None
