"""The data that PostgreSQL's wire is spoken with. Owns no behaviour; knows no socket and no setting."""

import msgspec

PROTOCOL_MAJOR = 3
NEWEST_MINOR = 2
"""The newest minor version of protocol 3 that is spoken here (PostgreSQL 18's)."""


class Problem(msgspec.Struct, frozen=True):
    """What an ErrorResponse or a NoticeResponse says."""

    severity: str
    code: str
    message: str
    detail: str = ""
    hint: str = ""
    where: str = ""
    """What was being done: PostgreSQL calls it the context."""


class Step(msgspec.Struct, frozen=True):
    """What one log-in message leads to: bytes for the peer (perhaps none), and whether that was the last."""

    send: bytes
    done: bool
