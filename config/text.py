"""Text that is more than a name: a statement, a setting's value, an argument of a command. One line or several."""

from config.errors import RefusedError

MOST_BYTES = 8192


class Text(str):
    """Some text, as it was written."""

    __slots__ = ()


def text(written: object) -> Text:
    """Any text but none at all; what PostgreSQL's wire ends text with cannot be in it."""
    if not isinstance(written, str) or not written or "\0" in written:
        raise RefusedError("this is not text", f"write text of 1 to {MOST_BYTES} bytes")
    if len(written.encode()) > MOST_BYTES:
        raise RefusedError(f"the text is longer than {MOST_BYTES} bytes", "write a shorter one")
    return Text(written)
