"""What the tests of the pages share: one built folder, and a tally that is printed at the end."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import scenes


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scenes.build(tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="session")
def tally(request: pytest.FixtureRequest) -> Iterator[Counter[str]]:
    """Count what became of each block; "not run: reason (place)" is printed line by line."""
    count: Counter[str] = Counter()
    yield count
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    reporter.write_line("")
    for what, number in sorted(count.items()):
        reporter.write_line(f"{number:5d}  {what}")
