"""Settings that server connections begin with, whatever clients ask for."""

from typing import Annotated

from config.setting import Section, setting
from config.text import Text


class Parameter(Section, frozen=True):
    """One element of `parameters`."""

    name: Annotated[str, setting("The name of a server setting, such as `search_path`.", "new connections")]
    value: Annotated[
        Text, setting("Its value, as a client's startup packet would have it.", "new connections")
    ]
