"""What the tests of the pages share: one built folder, and a tally that is printed at the end."""

from collections import Counter
from pathlib import Path

import pytest
import scenes

TALLY = pytest.StashKey[Counter[str]]()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scenes.build(tmp_path_factory.mktemp("pages"))


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Counter[str]:
    """Return what became of the blocks so far; a "not run" comes with its reason."""
    return request.config.stash.setdefault(TALLY, Counter())


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print what became of all blocks."""
    for what, number in sorted(config.stash.get(TALLY, Counter()).items()):
        terminalreporter.write_line(f"{number:5d}  {what}")
