"""Certificate and key files: named in the file by path, held as the bytes that were there when it was loaded.

Two configurations with the same paths are different when the files have changed: so a reload sees a renewed
certificate. What the bytes mean is `config.certificates`' business.
"""

from collections.abc import Callable
from pathlib import Path

from config.errors import RefusedError

_MOST_BYTES = 1 << 20


class Pem:
    """A PEM file as read. Shows its path only: it may be a private key."""

    __slots__ = ("data", "path")

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.data = data

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pem) and (self.path, self.data) == (other.path, other.data)

    def __hash__(self) -> int:
        return hash((self.path, self.data))

    def __repr__(self) -> str:
        return f"Pem({self.path!r})"

    def __reduce__(self) -> str:
        raise TypeError("a key is not written anywhere: pickling is refused")


def pem(written: object, folder: Path, read: Callable[[Path], bytes]) -> Pem:
    """Read the file; a relative path starts at `folder`, the configuration's own."""
    if not isinstance(written, str) or not written or "\0" in written:
        raise RefusedError("this is not a path", "write the path of a PEM file")
    path = folder / written
    try:
        data = read(path)
    except OSError as error:
        raise RefusedError(
            f"cannot read {path}: {error.strerror}", "put the PEM file there, readable for this user"
        ) from None
    if len(data) > _MOST_BYTES:
        raise RefusedError(f"{path} is longer than {_MOST_BYTES} bytes", "name a PEM file")
    return Pem(str(path), data)
