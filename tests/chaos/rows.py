"""The thirty rows of the chaos table: which fault, how it was injected, and who survived it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from textwrap import wrap

INJECTED, FIGURE = 46, 60  # how wide the texts are
FAULTS = {
    1: "tip crash",
    2: "crash while busy",
    3: "signal missing",
    4: "connection lost",
    5: "half-open",
    6: "damaged reply",
    7: "reply for another",
    8: "partial frame",
    9: "bad spectrum",
    10: "stuck feedback",
    11: "stuck axis",
    12: "drift",
    13: "out of range",
    14: "two clients",
    15: "agent gone astray",
    16: "kill -9",
    17: "segfault",
    18: "disk",
    19: "flipped bits",
    20: "malicious recipe",
    21: "malicious HDF5",
    22: "malicious model",
    23: "no credentials",
    24: "overload",
    25: "clock jumps",
    26: "wrong instrument",
    27: "version skew",
    28: "changed outside",
    29: "withdraw fails",
    30: "window fails",
}


@dataclass(slots=True)
class Row:
    """What was done of one row of the table.

    Attributes:
        injected: How the fault was injected, in the words of each test.
        figures: What was measured on the way.
        cases: How many cases there were.
        survived: How many of them met the row's criterion.
    """

    injected: list[str] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)
    cases: int = 0
    survived: int = 0

    def case(self, survived: bool) -> None:
        """Count a case; the test that counts one that did not survive fails at its end."""
        self.cases += 1
        self.survived += survived

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Count a case that survives unless the block raises."""
        survived = False
        try:
            yield
            survived = True
        finally:
            self.case(survived)

    def figure(self, text: str) -> None:
        """Add what was measured."""
        self.figures.append(text)


class Table:
    """The rows of a session."""

    def __init__(self) -> None:
        self._rows: dict[int, Row] = {}

    def __call__(self, number: int, fault: str, injected: str) -> Row:
        """Give the row of a fault, to count cases in.

        Args:
            number: Its number in the table.
            fault: Its name, as in `FAULTS`: whoever reads the test needs no table beside it.
            injected: How this test injects it.
        """
        assert FAULTS[number] == fault, f"row {number} is {FAULTS[number]!r}, and not {fault!r}"
        row = self._rows.setdefault(number, Row())
        if injected not in row.injected:
            row.injected.append(injected)
        return row

    @property
    def fallen(self) -> dict[int, int]:
        """How many cases of which row did not survive."""
        lost = {number: row.cases - row.survived for number, row in self._rows.items()}
        return {number: count for number, count in lost.items() if count}

    def lines(self) -> Iterator[str]:
        """Yield the table."""
        yield _line("row", "fault", "injected", "cases", "survived", "figure")
        for number, fault in FAULTS.items():
            row = self._rows.get(number, Row())
            injected = wrap(" + ".join(row.injected) or "not run", INJECTED)
            figures = [part for text in row.figures for part in wrap(text, FIGURE)]
            counts = (f"{row.cases:,}", f"{row.survived:,}") if row.cases else ("", "")
            yield _line(str(number), fault, injected[0], *counts, *figures[:1])
            for left, right in zip_longest(injected[1:], figures[1:], fillvalue=""):
                yield _line("", "", left, "", "", right)
        cases = sum(row.cases for row in self._rows.values())
        survived = sum(row.survived for row in self._rows.values())
        yield _line("", "together", "", f"{cases:,}", f"{survived:,}")


def _line(
    number: str, fault: str, injected: str, cases: str, survived: str, figure: str = ""
) -> str:
    """Lay out one line of the table."""
    parts = f"{number:>3}  {fault:<18} {injected:<{INJECTED}} {cases:>7} {survived:>8}  {figure}"
    return parts.rstrip()
