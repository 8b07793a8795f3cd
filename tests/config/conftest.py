"""What the tests of the configuration share."""

from pathlib import Path

import pytest

from tests.config.ground import lay


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder the case files are copied to, with all they refer to."""
    return lay(tmp_path_factory.mktemp("ground"))
