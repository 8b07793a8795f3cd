"""How the process speaks to its operator: one line an event, for people on a terminal, JSON elsewhere.

It knows nothing of what is logged. Callers pass facts as `extra={"facts": {...}}` through `note`, never
secrets and never statement literals.
"""

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import IO

Fact = str | int | float | bool | None

QUOTING = ("sqlglot",)
"""Libraries whose log lines quote statements, literals and all. What they say is known from what they return."""
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def note(logger: logging.Logger, level: int, what: str, **facts: Fact) -> None:
    """Log `what` with its facts beside it, so that machines need not parse a sentence."""
    if logger.isEnabledFor(level):
        logger.log(level, what, extra={"facts": facts})


def configure(level: str, stream: IO[str] | None = None) -> None:
    """Send the process's log to `stream` (default: standard error)."""
    target = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(target)
    handler.setFormatter(ForPeople() if target.isatty() else ForMachines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    for name in QUOTING:
        logging.getLogger(name).disabled = True
    set_level(level)


def set_level(level: str) -> None:
    """The least important lines that are still written."""
    logging.getLogger().setLevel(LEVELS.get(level, logging.INFO))


def _facts(record: logging.LogRecord) -> Mapping[str, Fact]:
    facts: Mapping[str, Fact] = getattr(record, "facts", {})
    return facts


class ForPeople(logging.Formatter):
    """`12:00:01 warning server refused us  pool=shop/app address=…`."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).astimezone().strftime("%H:%M:%S")
        facts = " ".join(f"{name}={_plain(value)}" for name, value in _facts(record).items())
        line = f"{moment} {record.levelname.lower():7} {_one_line(record.getMessage())}"
        line = f"{line}  {facts}" if facts else line
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class ForMachines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Fact] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry.update(_facts(record))
        if record.exc_info:
            entry["trace"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)


def _plain(value: Fact) -> str:
    text = _one_line(str(value))
    return f'"{text}"' if " " in text or not text else text


def _one_line(text: str) -> str:
    """What a peer sent must not be able to forge a second log line."""
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)
