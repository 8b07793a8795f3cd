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
    Cancelled,
    CancelNeeded,
    CarrierFigures,
    ClientRow,
    Close,
    Closed,
    Core,
    Discarded,
    Fail,
    Fault,
    Figures,
    ForgetPlans,
    Hold,
    Kill,
    Learn,
    List,
    Listed,
    Listen,
    OpenPool,
    Plan,
    PlanFigures,
    PlanNeeded,
    PoolFigures,
    Recycle,
    Reply,
    Send,
    ServerLost,
    ServerMessage,
    ServerNeeded,
    ServerOpened,
    ServerRow,
    Startup,
    Tell,
    TlsClient,
    TlsServer,
    UnitNeeded,
    Unlisten,
    fingerprint,
)

Event = (
    Startup
    | AuthMessage
    | Closed
    | Discarded
    | PlanNeeded
    | AnswerNeeded
    | UnitNeeded
    | ServerNeeded
    | ServerOpened
    | ServerMessage
    | ServerLost
    | CancelNeeded
    | Listed
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
    | Tell
    | Listen
    | Unlisten
    | OpenPool
    | Recycle
    | ForgetPlans
    | Hold
    | Kill
    | List
)

__all__ = [
    "Admit",
    "AdmitServer",
    "Adopt",
    "AnswerNeeded",
    "Attach",
    "AuthMessage",
    "CancelNeeded",
    "Cancelled",
    "CarrierFigures",
    "ClientRow",
    "Close",
    "Closed",
    "Command",
    "Core",
    "Discarded",
    "Event",
    "Fail",
    "Fault",
    "Figures",
    "ForgetPlans",
    "Hold",
    "Kill",
    "Learn",
    "List",
    "Listed",
    "Listen",
    "OpenPool",
    "Plan",
    "PlanFigures",
    "PlanNeeded",
    "PoolFigures",
    "Recycle",
    "Reply",
    "Send",
    "ServerLost",
    "ServerMessage",
    "ServerNeeded",
    "ServerOpened",
    "ServerRow",
    "Startup",
    "Tell",
    "TlsClient",
    "TlsServer",
    "UnitNeeded",
    "Unlisten",
    "fingerprint",
]
