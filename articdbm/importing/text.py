"""Reads the text of a foreign file; what is wrong with it is a ConfigError, as with ours."""

from pathlib import Path

from config.errors import ConfigError, Problem
from config.loader import read_file

_MOST_BYTES = 16 << 20


def refusal(file: Path, line: int, what: str, fix: str) -> ConfigError:
    return ConfigError([Problem(file=str(file), line=line, key="", what=what, fix=fix)])


def text(file: Path) -> str:
    """All of it, with line ends as one character."""
    try:
        content = read_file(file)
    except OSError as error:
        fix = "name a file that is there and readable for this user"
        raise refusal(file, 0, f"cannot read it: {error.strerror}", fix) from None
    except ValueError:
        raise refusal(file, 0, "this is no file's name", "name a file that is there") from None
    if len(content) > _MOST_BYTES:
        raise refusal(file, 0, f"it is longer than {_MOST_BYTES >> 20} MiB", "name a configuration file")
    try:
        return content.decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise refusal(file, line, "this is not UTF-8 text", "save the file as UTF-8") from None
