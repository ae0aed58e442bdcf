"""Every command of the Nanonis protocol that is known here, by name and release."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from . import (
    table_bias,
    table_lock_in,
    table_scan,
    table_signals,
    table_spectroscopy,
    table_tools,
    table_z,
)
from .fields import Field, fields_of
from .releases import MIDDLE, MIDDLE_ROWS, NEW, OLD, OLD_ROWS, profile

TABLES = (
    table_bias.TABLE,
    table_z.TABLE,
    table_scan.TABLE,
    table_spectroscopy.TABLE,
    table_signals.TABLE,
    table_lock_in.TABLE,
    table_tools.TABLE,
)


@dataclass(frozen=True, slots=True)
class Command:
    """What a command takes and gives, without header and error block.

    Attributes:
        name: As the maker spells it.
        request: Its arguments.
        reply: What it returns.
    """

    name: str
    request: tuple[Field, ...]
    reply: tuple[Field, ...]


def find(name: str, release: int = NEW) -> Command | None:
    """Return a command, whatever the case of its name; None when the release has none such."""
    return _commands(profile(release)).get(name.lower())


def commands(release: int = NEW) -> tuple[Command, ...]:
    """Return all commands of a release, in the order of the tables."""
    return tuple(_commands(profile(release)).values())


@cache
def _commands(release: int) -> dict[str, Command]:
    known: dict[str, Command] = {}
    older = {NEW: (), MIDDLE: (MIDDLE_ROWS,), OLD: (MIDDLE_ROWS, OLD_ROWS)}[release]
    for name, *fields in _rows("".join((*TABLES, *older))):
        if fields == ["gone"]:
            del known[name.lower()]
        else:
            request, reply = fields
            known[name.lower()] = Command(name, fields_of(request), fields_of(reply))
    return known


def _rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of each row; a line that begins with spaces goes on with the one before."""
    for row in text.replace("\n    ", " ").splitlines():
        if row:
            yield [cell.strip() for cell in row.split("|")]
