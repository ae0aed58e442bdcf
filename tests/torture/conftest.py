"""What the torture has to say at the end: a table of counts for each test that counts."""

import pytest
from counting import TABLES, Count, counter, lines_of
from killing import Whole, essence, run_command, run_to_the_end


@pytest.fixture
def count(request: pytest.FixtureRequest) -> Count:
    """Give a function that adds to a row of the test's table: row, then columns by name."""
    return counter(request.node.name.removeprefix("test_").replace("_", " "))


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """Give a run that nobody disturbed."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    told = run_to_the_end(run_command(folder), folder.with_suffix(".log"))
    return Whole(len(told.digests), told.ending, essence(folder))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for title, table in TABLES.items():
        terminalreporter.section(title, "-")
        for line in lines_of(table):
            terminalreporter.line(line)
