"""Secrets: written in the file as a reference, held in memory without ever showing themselves.

`env://NAME` is an environment variable, `file:///path` the contents of a file; anything else is the secret itself.
Knows nothing of how a secret is used.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from config.errors import RefusedError

Form = Literal["password", "scram-verifier"]

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://(.*)", re.ASCII | re.DOTALL)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_BASE64 = r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
_VERIFIER = re.compile(
    rf"SCRAM-SHA-256\$[1-9]\d{{0,8}}:(?=.{{1,1024}}\$){_BASE64}\$[A-Za-z0-9+/]{{43}}=:[A-Za-z0-9+/]{{43}}=",
    re.ASCII,
)
_MD5 = re.compile(r"md5[0-9a-f]{32}", re.ASCII)
_MOST_BYTES = 65_536
_FIX = 'write a reference: "env://NAME" or "file:///path"'


class Secret:
    """A resolved secret. Text, repr and errors show where it came from, never what it is."""

    __slots__ = ("_text", "origin")

    def __init__(self, text: str, origin: str | None = None) -> None:
        self._text = text
        self.origin = origin
        """The reference it was read from; None when the file itself holds it."""

    @property
    def literal(self) -> bool:
        """Written out in the configuration file."""
        return self.origin is None

    @property
    def form(self) -> Form:
        """A password, or what PostgreSQL stores for one: `SCRAM-SHA-256$…`."""
        return "scram-verifier" if _VERIFIER.fullmatch(self._text) else "password"

    def reveal(self) -> str:
        """The secret itself, for whoever is about to prove or to check it."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (self._text, self.origin) == (other._text, other.origin)

    def __hash__(self) -> int:
        return hash((self._text, self.origin))

    def __repr__(self) -> str:
        return f"Secret({self.origin or '…'})"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written anywhere: pickling is refused")


def resolve(written: str, environ: Mapping[str, str], read: Callable[[Path], bytes]) -> Secret:
    """Read what a reference stands for; RefusedError says what to do, without telling the value."""
    found = _SCHEME.fullmatch(written)
    if not found:
        return Secret(_legal(written, "the secret"))
    match found[1]:
        case "env":
            return Secret(_from_environment(found[2], environ), written)
        case "file":
            return Secret(_from_file(found[2], read), written)
        case "vault" | "aws-sm" | "gcp-sm" | "azure-kv" | "infisical" as scheme:
            raise RefusedError(f"{scheme}:// is not supported by this version", _FIX)
        case _:
            raise RefusedError(
                "the scheme of this reference is unknown", f"{_FIX}; a password that holds :// goes there too"
            )


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    if not _VARIABLE.fullmatch(name):
        raise RefusedError("what follows env:// is not a variable's name", 'write "env://NAME"')
    if name not in environ:
        raise RefusedError(
            f"the environment variable {name} is not set", "set it in the environment this process starts in"
        )
    return _legal(environ[name], f"the environment variable {name}")


def _from_file(name: str, read: Callable[[Path], bytes]) -> str:
    if not name.startswith("/") or "\0" in name:
        raise RefusedError(
            "what follows file:// is not an absolute path", 'write three slashes: "file:///run/secrets/…"'
        )
    try:
        content = read(Path(name))
    except OSError as error:
        raise RefusedError(
            f"cannot read {name}: {error.strerror}", "put the secret there, readable for this user"
        ) from None
    if len(content) > _MOST_BYTES:
        raise RefusedError(
            f"{name} is longer than {_MOST_BYTES} bytes", "a secret is one line; name another file"
        )
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise RefusedError(f"{name} is not UTF-8 text", "write the secret as UTF-8 text") from None
    return _legal(text.removesuffix("\n").removesuffix("\r"), name)


def _legal(text: str, subject: str) -> str:
    if not text:
        raise RefusedError(f"{subject} is empty", "give it a value")
    if "\0" in text or "\n" in text:
        raise RefusedError(f"{subject} has more than one line", "a secret is one line of text")
    if _MD5.fullmatch(text):
        raise RefusedError(
            f"{subject} holds an MD5 hash", "give the password, or its verifier (SCRAM-SHA-256$…)"
        )
    if text.startswith("SCRAM-SHA-256$") and not _VERIFIER.fullmatch(text):
        raise RefusedError(
            f"{subject} starts like a SCRAM verifier but is none",
            "write SCRAM-SHA-256$iterations:salt$stored-key:server-key, as in pg_authid",
        )
    return text
