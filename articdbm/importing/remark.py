"""What an import has to say of a setting besides the configuration it writes. Never holds a setting's value."""

from typing import Literal

import msgspec

State = Literal["differs", "to do", "not yet", "not needed", "no equivalent", "unknown"]
"""`differs`: taken over, and means something a little other. `to do`: the operator's part. `not yet`: it is missing
here. `not needed`: done without being asked. `no equivalent`: there is nothing like it here.
`unknown`: not understood."""


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """One thing at one place of a file; line 0 where it is about what is not written there."""

    file: str
    line: int
    setting: str
    state: State
    why: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.state}: {self.setting}: {self.why}"


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file: our configuration, what there is to say, and the secrets to write beside it."""

    toml: str
    remarks: tuple[Remark, ...]
    secrets: dict[str, str]
    """File names and contents, where the caller asked for files."""

    def __repr__(self) -> str:
        return (
            f"Imported({len(self.toml)} characters, {len(self.remarks)} remarks, {len(self.secrets)} secrets)"
        )
