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
    Branch,
    Break,
    Cancelled,
    CancelNeeded,
    CancelStray,
    CarrierFigures,
    ClientRow,
    Close,
    Closed,
    Condition,
    Core,
    Discarded,
    Drain,
    EarNeeded,
    Fail,
    Fault,
    Figures,
    ForgetPlans,
    Guard,
    Heard,
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
    Retire,
    Send,
    ServerLost,
    ServerMessage,
    ServerNeeded,
    ServerOpened,
    ServerRow,
    Silent,
    Slow,
    SlowAfter,
    Startup,
    Survey,
    Tell,
    TellStrays,
    Tie,
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
    | EarNeeded
    | Heard
    | AnswerNeeded
    | UnitNeeded
    | ServerNeeded
    | ServerOpened
    | ServerMessage
    | ServerLost
    | CancelNeeded
    | CancelStray
    | Silent
    | Slow
    | Listed
    | Fault
)

Command = (
    Send
    | Close
    | Admit
    | Attach
    | Tie
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
    | TellStrays
    | Survey
    | Break
    | Retire
    | ForgetPlans
    | Guard
    | Drain
    | SlowAfter
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
    "Branch",
    "Break",
    "CancelNeeded",
    "CancelStray",
    "Cancelled",
    "CarrierFigures",
    "ClientRow",
    "Close",
    "Closed",
    "Command",
    "Condition",
    "Core",
    "Discarded",
    "Drain",
    "EarNeeded",
    "Event",
    "Fail",
    "Fault",
    "Figures",
    "ForgetPlans",
    "Guard",
    "Heard",
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
    "Retire",
    "Send",
    "ServerLost",
    "ServerMessage",
    "ServerNeeded",
    "ServerOpened",
    "ServerRow",
    "Silent",
    "Slow",
    "SlowAfter",
    "Startup",
    "Survey",
    "Tell",
    "TellStrays",
    "Tie",
    "TlsClient",
    "TlsServer",
    "UnitNeeded",
    "Unlisten",
    "fingerprint",
]
