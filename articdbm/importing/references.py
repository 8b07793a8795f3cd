"""Where passwords go: nowhere into the configuration, which holds references to files or to environment variables."""

import re
from pathlib import Path


class References:
    """Gives each secret a name of its own."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.files: dict[str, str] = {}
        """What has to be written into the folder, by file name."""
        self._taken: dict[str, tuple[str, str, str | None]] = {}

    def refer(self, whose: str, what: str, secret: str | None) -> tuple[str, str]:
        """A reference for `what` (password, server_password) of somebody, and what the operator has to do for it;
        nothing, where that was said before.

        `secret` is None where it is not known: then there is nothing to write, whatever was asked for.
        """
        stem = re.sub(r"[^A-Za-z0-9]+", "_", f"{whose}_{what}").strip("_").upper()
        stem = f"_{stem}" if stem[:1].isdigit() else stem
        name, count, said = stem, 1, (whose, what, secret)
        known = len(self._taken)
        while self._taken.setdefault(name, said) != said:
            count += 1
            name = f"{stem}_{count}"
        new = len(self._taken) > known
        if self._folder is None or secret is None:
            return f"env://{name}", f"set the environment variable {name}" if new else ""
        file = self._folder / name.lower()
        self.files[file.name] = secret
        return f"file://{file}", f"{file} holds it: give it to the proxy's user alone" if new else ""
