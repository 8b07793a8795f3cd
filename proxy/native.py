"""The door to the native core: the only module that imports `proxy._core`.

It owns nothing. What passes through it is described in `proxy/_core.pyi`.
"""

from proxy._core import (
    Admit,
    AdmitServer,
    Adopt,
    AnswerNeeded,
    Attach,
    AuthMessage,
    Break,
    Cancelled,
    CancelNeeded,
    CancelStray,
    Close,
    Closed,
    Core,
    Drain,
    Fail,
    Fault,
    Figures,
    ForgetPlans,
    Learn,
    Listen,
    OpenPool,
    Plan,
    PlanNeeded,
    PoolFigures,
    Recycle,
    Reply,
    Send,
    ServerLost,
    ServerMessage,
    ServerNeeded,
    ServerOpened,
    Silent,
    Slow,
    SlowAfter,
    Startup,
    Survey,
    TellStrays,
    TlsClient,
    TlsServer,
    Unlisten,
    fingerprint,
)

Event = (
    Startup
    | AuthMessage
    | Closed
    | PlanNeeded
    | AnswerNeeded
    | ServerNeeded
    | ServerOpened
    | ServerMessage
    | ServerLost
    | CancelNeeded
    | CancelStray
    | Silent
    | Slow
    | Fault
)

Command = (
    Send
    | Close
    | Admit
    | Attach
    | AdmitServer
    | Fail
    | Learn
    | Reply
    | Cancelled
    | Adopt
    | Listen
    | Unlisten
    | OpenPool
    | Recycle
    | TellStrays
    | Survey
    | Break
    | ForgetPlans
    | Drain
    | SlowAfter
)

__all__ = [
    "Admit",
    "AdmitServer",
    "Adopt",
    "AnswerNeeded",
    "Attach",
    "AuthMessage",
    "Break",
    "CancelNeeded",
    "CancelStray",
    "Cancelled",
    "Close",
    "Closed",
    "Command",
    "Core",
    "Drain",
    "Event",
    "Fail",
    "Fault",
    "Figures",
    "ForgetPlans",
    "Learn",
    "Listen",
    "OpenPool",
    "Plan",
    "PlanNeeded",
    "PoolFigures",
    "Recycle",
    "Reply",
    "Send",
    "ServerLost",
    "ServerMessage",
    "ServerNeeded",
    "ServerOpened",
    "Silent",
    "Slow",
    "SlowAfter",
    "Startup",
    "Survey",
    "TellStrays",
    "TlsClient",
    "TlsServer",
    "Unlisten",
    "fingerprint",
]
