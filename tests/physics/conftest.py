"""The validation of the simulator's physics: every row a test, all rows one printed table."""

import math
from dataclasses import dataclass

import pytest

ROWS = pytest.StashKey[list["Row"]]()


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        number: Of the row.
        check: What is checked.
        reference: What it should be.
        tolerance: How far off it may be.
        measured: What came out.
        source: Where the reference comes from.
        verdict: "ok", or why not.
    """

    number: int
    check: str
    reference: str
    tolerance: str
    measured: str
    source: str
    verdict: str


class Validation:
    """Writes rows of the table; a row that does not hold fails its test.

    Args:
        rows: Where they are kept until the end of the session.
    """

    def __init__(self, rows: list[Row]) -> None:
        self._rows = rows

    def close(
        self,
        number: int,
        check: str,
        measured: float,
        reference: float,
        source: str,
        relative: float = 0.0,
        absolute: float = 0.0,
        unit: str = "",
    ) -> None:
        """Demand that a value lies within a tolerance of its reference, both in the same unit."""
        allowed = max(absolute, relative * abs(reference))
        off = abs(measured - reference)
        tolerance = f"{relative:.3g}" if relative and not absolute else f"{allowed:.3g} {unit}"
        self.holds(
            number,
            check,
            off <= allowed and math.isfinite(off),
            measured=f"{measured:.6g} {unit}".strip(),
            reference=f"{reference:.6g} {unit}".strip(),
            tolerance=tolerance.strip(),
            source=source,
        )

    def holds(
        self,
        number: int,
        check: str,
        is_true: bool,
        measured: str,
        reference: str,
        source: str,
        tolerance: str = "exact",
    ) -> None:
        """Demand that a statement is true; the texts say of what it was found."""
        verdict = "ok" if is_true else "FAILS"
        self._rows.append(Row(number, check, reference, tolerance, measured, source, verdict))
        assert is_true, f"row {number}, {check}: {measured}, should be {reference} ({tolerance})"


@pytest.fixture
def validation(request: pytest.FixtureRequest) -> Validation:
    """Give the table to a test."""
    return Validation(request.config.stash.setdefault(ROWS, []))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/physics" in item.path.as_posix():
            item.add_marker(pytest.mark.physics)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    rows = sorted(config.stash.get(ROWS, []), key=lambda row: row.number)
    if not rows:
        return
    terminalreporter.section("validation of the physics")
    titles = ("#", "check", "reference", "tolerance", "measured", "source", "")
    cells = [titles] + [
        (str(r.number), r.check, r.reference, r.tolerance, r.measured, r.source, r.verdict)
        for r in rows
    ]
    widths = [max(len(line[i]) for line in cells) for i in range(len(titles))]
    for line in cells:
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        terminalreporter.write_line(text.rstrip())
    terminalreporter.write_line(
        f"{len({r.number for r in rows})} rows, {sum(r.verdict != 'ok' for r in rows)} fail"
    )
