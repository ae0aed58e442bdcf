"""Past: what earlier servers of the same instrument wrote down, that a new one must know."""

from dataclasses import dataclass
from pathlib import Path

from ..data import JournalReader, LeaseChanged, Record, ServerStopped, TipWithdrawn, carried_out
from ..errors import DataError
from ..instrument import Instruction

JOURNAL = "server.spmj"
_KEPT = 1000  # journals that are looked at, at most


@dataclass(frozen=True, slots=True)
class Past:
    """What earlier servers of an instrument wrote down.

    Attributes:
        instructions: What was begun, in order: for what is left of exposure budgets.
        orphan: Who had control when the last server was killed; empty when nobody had, or when the
            tip was withdrawn since.
    """

    instructions: tuple[Instruction, ...] = ()
    orphan: str = ""


def next_place(folder: Path) -> Path:
    """Return where the journal of the next server goes: a folder with the next number.

    Raises:
        DataError: The folder cannot be read.
    """
    numbers = [int(each.parent.name) for each in _journals(folder)]
    return folder / f"{max(numbers, default=0) + 1:05d}" / JOURNAL


def read_past(folder: Path) -> Past:
    """Read what earlier servers wrote down; what is damaged is read as far as it goes.

    Raises:
        DataError: The folder or a journal cannot be read at all.
    """
    instructions: list[Instruction] = []
    orphan = ""
    for path in _journals(folder)[-_KEPT:]:
        records = _records(path)
        instructions.extend(carried_out(records))
        for record in records:
            match record.event:
                case LeaseChanged(who=who, what="taken"):
                    orphan = who
                case LeaseChanged(what="released") | TipWithdrawn(is_confirmed=True):
                    orphan = ""
                case ServerStopped():
                    orphan = ""
    return Past(tuple(instructions), orphan)


def _journals(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    try:
        found = [each / JOURNAL for each in folder.iterdir() if each.name.isdecimal()]
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror or error}") from error
    return sorted(
        (path for path in found if path.is_file()), key=lambda path: int(path.parent.name)
    )


def _records(path: Path) -> tuple[Record, ...]:
    try:
        return tuple(JournalReader(path).poll())
    except DataError:
        if path.stat().st_size == 0:  # killed before it wrote anything
            return ()
        raise
