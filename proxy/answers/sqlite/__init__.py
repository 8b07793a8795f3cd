"""SQLite as a store behind PostgreSQL's wire: its SQL translated, its types, its transactions."""

from proxy.answers.sqlite.database import Database

__all__ = ["Database"]
