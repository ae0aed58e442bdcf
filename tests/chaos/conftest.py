"""What the chaos has in common: a table of thirty rows, and quick or full numbers of cases.

Every test here runs in the normal suite with few cases, unless it is marked ``chaos`` itself: that
one takes long. ``pytest -m chaos tests/chaos`` runs all of them with all their cases.
"""

from collections.abc import Callable, Generator

import pytest
from killing import Whole, essence, run_command, run_to_the_end
from rows import Table
from test_full_disk import disk  # noqa: F401  a fixture

TABLE = pytest.StashKey[Table]()


def is_full(config: pytest.Config) -> bool:
    """Say whether chaos was asked for by its name."""
    return bool(config.option.markexpr == "chaos")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TABLE] = Table()


def pytest_itemcollected(item: pytest.Item) -> None:
    if is_full(item.config):
        item.add_marker("chaos")  # what is quick otherwise belongs to it as well


@pytest.fixture(scope="session")
def row(pytestconfig: pytest.Config) -> Table:
    """Give a function that gives a row of the table: its number, its fault, how it is injected."""
    return pytestconfig.stash[TABLE]


@pytest.fixture(scope="session")
def how_many(pytestconfig: pytest.Config) -> Callable[..., int]:
    """Give a function that chooses between ``quick`` and ``full`` numbers of cases."""

    def choose(quick: int, full: int) -> int:
        return full if is_full(pytestconfig) else quick

    return choose


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """Give a run that nobody disturbed."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    told = run_to_the_end(run_command(folder), folder.with_suffix(".log"))
    return Whole(len(told.digests), told.ending, essence(folder))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    before = item.config.stash[TABLE].fallen
    yield
    after = item.config.stash[TABLE].fallen
    new = {number: lost for number, lost in after.items() if lost > before.get(number, 0)}
    assert not new, f"cases that did not survive, by row of the table: {new}"


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if is_full(config):
        terminalreporter.section("chaos: what was done to it, and what it survived", "-")
        for line in config.stash[TABLE].lines():
            terminalreporter.line(line)
