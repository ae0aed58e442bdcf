"""What the torture has to say at the end: a table of counts for each test that counts."""

import pytest
from counting import TABLES, Count, counter, lines_of


@pytest.fixture
def count(request: pytest.FixtureRequest) -> Count:
    """Give a function that adds to a row of the test's table: row, then columns by name."""
    return counter(request.node.name.removeprefix("test_").replace("_", " "))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for title, table in TABLES.items():
        terminalreporter.section(title, "-")
        for line in lines_of(table):
            terminalreporter.line(line)
