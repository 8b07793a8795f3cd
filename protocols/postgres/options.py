"""The startup parameter `options`: switches for the server process, as PostgreSQL splits and reads them.

Yields settings and nothing else: a switch that no SET could express is refused, with the server's own words.
"""

from collections.abc import Iterator

from protocols.postgres.errors import Known, PeerError, problem
from protocols.postgres.settings import folded

_SPACE = " \t\n\v\f\r"
_FLAGS = {
    "e": ("datestyle", "euro"),
    "s": ("log_statement_stats", "true"),
    "O": ("allow_system_table_mods", "true"),
}
_PLANNER = {
    "b": "enable_bitmapscan",
    "h": "enable_hashjoin",
    "i": "enable_indexscan",
    "m": "enable_mergejoin",
    "n": "enable_nestloop",
    "o": "enable_indexonlyscan",
    "s": "enable_seqscan",
    "t": "enable_tidscan",
}
_STATISTICS = {"pa": "log_parser_stats", "pl": "log_planner_stats", "e": "log_executor_stats"}
_WITH_VALUE = "-cfSt"


def parse_options(options: str) -> list[tuple[str, str]]:
    """The settings, in their order, names in lower case. Raises PeerError."""
    arguments = iter(split(options))
    settings: list[tuple[str, str]] = []
    for argument in arguments:
        if argument == "--":
            break
        settings += _read(argument, arguments)
    for stray in arguments:
        raise _unknown(stray)
    return settings


def split(options: str) -> list[str]:
    """Cut at white space; a backslash takes the next character as it is."""
    arguments: list[str] = []
    current: str | None = None
    escaped = False
    for character in options:
        if character in _SPACE and not escaped:
            if current is not None:
                arguments.append(current)
            current = None
        elif character == "\\" and not escaped:
            escaped = True
            current = current or ""
        else:
            current = (current or "") + character
            escaped = False
    return arguments if current is None else [*arguments, current]


def _read(argument: str, following: Iterator[str]) -> Iterator[tuple[str, str]]:
    """One argument: switches in a row (`-es`), or one with its value, attached or next (`-c name=value`)."""
    if not argument.startswith("-") or argument == "-":
        raise _unknown(argument)
    rest = argument[1:]
    while rest:
        switch, rest = rest[0], rest[1:]
        if switch in _FLAGS:
            yield _FLAGS[switch]
            continue
        if switch not in _WITH_VALUE:
            raise _unknown(argument)
        if not rest:
            try:
                # What PostgreSQL names when it complains is the argument it read last.
                argument = rest = next(following)
            except StopIteration:
                raise _unknown(argument) from None
        yield _setting(switch, rest, argument)
        return


def _setting(switch: str, value: str, argument: str) -> tuple[str, str]:
    if switch == "S":
        return "work_mem", value
    if switch == "f" and value in _PLANNER:
        return _PLANNER[value], "false"
    if switch == "t":
        found = next((name for start, name in _STATISTICS.items() if value.startswith(start)), None)
        if found is not None:
            return found, "true"
    if switch in "c-":
        name, equals, setting = value.partition("=")
        if not equals:
            shown = f"--{value}" if switch == "-" else f"-c {value}"
            raise PeerError(problem(Known.SETTING_NEEDS_VALUE, switch=shown))
        return folded(name.replace("-", "_")), setting
    raise _unknown(argument)


def _unknown(argument: str) -> PeerError:
    return PeerError(
        problem(Known.BAD_SWITCH, argument=argument, hint='Try "postgres --help" for more information.')
    )
