"""Counts of the torture, for the table that is printed at the end."""

from collections import Counter
from collections.abc import Callable, Iterator

Count = Callable[..., None]
TABLES: dict[str, dict[str, Counter[str]]] = {}


def counter(title: str) -> Count:
    """Make a function that adds to a row of a table: row, then columns by name."""
    table = TABLES.setdefault(title, {})

    def add(row: str, **columns: int) -> None:
        table.setdefault(row, Counter()).update(columns)

    return add


def lines_of(table: dict[str, Counter[str]]) -> Iterator[str]:
    """Yield the lines of a table, with the sums of its columns at the end."""
    columns = list(dict.fromkeys(name for row in table.values() for name in row))
    total: Counter[str] = Counter()
    for row in table.values():
        total.update(row)
    rows = {**table, "together": total} if len(table) > 1 else table
    yield " " * 24 + "".join(f"{name.replace('_', ' '):>17}" for name in columns)
    for name, row in rows.items():
        yield f"{name:>24}" + "".join(f"{row[column]:>17,}" for column in columns)
