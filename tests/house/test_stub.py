"""The stub check finds each difference between a stub and a module, and none where there is none."""

from types import ModuleType

import pytest

from checks import stub

STUB = """
class Event:
    def __init__(self, conn: int, *, data: bytes = b"") -> None: ...
    conn: int
    data: bytes

class Core:
    def __init__(self, carriers: int) -> None: ...
    def turn(self, timeout_ms: int = 0) -> None: ...

class Figures:
    clients: int

Either = Event | Core
def fingerprint(text: bytes, *, strict: bool = True) -> bytes: ...
"""

MODULE = """
class Event:
    __slots__ = ("conn", "data")
    def __init__(self, conn, *, data=b""): ...

class Core:
    def __init__(self, carriers): ...
    def turn(self, timeout_ms=0): ...

class Figures:
    clients = property(lambda self: 0)

def fingerprint(text, *, strict=True): ...
"""


def built(source: str) -> ModuleType:
    module = ModuleType("proxy._core")
    exec(compile(source, "module", "exec"), vars(module))
    return module


def test_the_same_is_no_difference() -> None:
    assert stub.problems(STUB, built(MODULE)) == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            '__slots__ = ("conn", "data")',
            '__slots__ = ("conn",)',
            "Event.data: in the stub, not an attribute",
        ),
        ('"data")', '"data", "more")', "Event.more: in the module, not in the stub"),
        ("conn, *, data", "conn, data", "Event.__init__: the stub says"),
        ('data=b""', "data", "Event.__init__: the stub says"),
        ("timeout_ms=0", "timeout_ms=1", "Core.turn: the stub says"),
        ("conn, *,", "handle, *,", "Event.__init__: the stub says"),
        ("def turn(self, timeout_ms=0)", "def turn(self)", "Core.turn: the stub says"),
        ("def turn", "def step", "Core.turn: in the stub, not in the module"),
        ("def turn", "def step", "Core.step: in the module, not in the stub"),
        ("def turn(self, timeout_ms=0): ...", "turn = 1", "Core.turn: a function in the stub"),
        ("class Figures", "class Numbers", "Figures: in the stub, not a class"),
        ("class Figures", "class Numbers", "Numbers: in the module, not in the stub"),
        ("def fingerprint", "def key", "fingerprint: in the stub, not a function"),
        ("strict=True", "strict", "fingerprint: the stub says"),
    ],
)
def test_each_difference_is_found(before: str, after: str, said: str) -> None:
    assert before in MODULE
    found = stub.problems(STUB, built(MODULE.replace(before, after)))
    assert any(line.startswith(said) for line in found), found
