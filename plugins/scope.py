"""Everything a plan may depend on besides the statement. Data only."""

import msgspec

_NO = ("f", "fa", "fal", "fals", "false", "n", "no", "of", "off", "0")


class Scope(msgspec.Struct, frozen=True):
    """Where a statement is said, by whom, and under which session settings.

    `settings` holds those that change meaning, lower-case name and value as SQL text."""

    listener: str = ""
    user: str = ""
    database: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    application: str = ""
    """What the client calls itself (`application_name`); known only where a plugin of the chain asks for it."""
    networks: tuple[str, ...] = ()
    """Of the networks that plugins of the chain ask about, those that the client's address lies in, as they are
    written."""
    moment: float = 0.0
    """When it is planned, in seconds since 1970. A plan that depends on it says until when it holds."""

    def setting(self, name: str) -> str | None:
        for key, value in self.settings:
            if key == name:
                return value
        return None

    def is_off(self, name: str) -> bool:
        """Whether a yes-or-no setting is known to be no."""
        value = self.setting(name)
        return value is not None and value.strip().strip("'").lower() in _NO


def plain(value: str) -> str:
    """What a setting's value says, as the core writes values in SQL."""
    if value[:2] in ("E'", "e'") and value.endswith("'"):
        return value[2:-1].replace("''", "'").replace("\\\\", "\\")
    if len(value) > 1 and value[0] == value[-1] == "'":
        return value[1:-1].replace("''", "'")
    return value
