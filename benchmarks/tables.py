"""Tables: figures of several seeds as markdown, line by line as they come."""

import math
from collections.abc import Iterable, Iterator, Sequence

NOT_INSTALLED = "not installed"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a markdown table, each row as soon as it is known.

    A row that is too short belongs to somebody who is not installed.
    """
    yield _line(head)
    yield _line(["---"] * len(head))
    for cells in rows:
        yield _line([*cells, *[NOT_INSTALLED] * (len(head) - len(cells))])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Write mean ± standard deviation; the mean alone of one value, a dash of none."""
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return "–"
    mean = sum(known) / len(known)
    if len(known) == 1:
        return f"{mean:.{digits}f}"
    deviation = math.sqrt(sum((value - mean) ** 2 for value in known) / (len(known) - 1))
    return f"{mean:.{digits}f} ± {deviation:.{digits}f}"


def seconds(value: float) -> str:
    """Write a time in the unit that suits it."""
    if not math.isfinite(value):
        return "–"
    if value >= 1:
        return f"{value:.3g} s"
    return f"{1e3 * value:.3g} ms"
