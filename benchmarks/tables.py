"""Tables: figures of several seeds as markdown."""

import math
from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


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
