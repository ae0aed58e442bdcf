"""Room on the disk: whether a run fits before it starts, and whether any is left while it runs.

The reserve is what a run must not use up: the report and other programs need some of it, too.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from ..errors import DataError
from ..units import format as format_quantity


def free_at(folder: Path) -> int:
    """Return how much is free on the disk of a folder [bytes], whether or not it exists yet.

    Raises:
        OSError: The disk does not answer.
    """
    there = next((place for place in (folder, *folder.parents) if place.exists()), Path())
    return shutil.disk_usage(there).free


class Room:
    """Room on the disk where a run is kept.

    Args:
        folder: The run's folder; it need not exist yet.
        reserve: What stays free [bytes].
        free: Tells how much is free on the disk of a folder [bytes].
    """

    def __init__(self, folder: Path, reserve: float, free: Callable[[Path], int] = free_at) -> None:
        self._folder = folder.absolute()
        self._reserve = reserve
        self._free_at = free

    @property
    def free(self) -> int:
        """How much is free, the reserve included [bytes].

        Raises:
            DataError: The disk does not answer.
        """
        try:
            return self._free_at(self._folder)
        except OSError as error:
            raise DataError(
                f"{self._folder}: how much room there is cannot be found out: {error}"
            ) from error

    @property
    def is_short(self) -> bool:
        """Whether less is free than the reserve.

        Raises:
            DataError: The disk does not answer.
        """
        return self.free < self._reserve

    @property
    def message(self) -> str:
        """What there is and what should be, in words."""
        return (
            f"{self._folder}: only {_said(self.free)} are free, and {_said(self._reserve)} shall "
            "stay in reserve; the run waits until there is room"
        )

    def check(self, needed: int) -> None:
        """Refuse a run that may not fit.

        Args:
            needed: What it may need [bytes].

        Raises:
            DataError: Less is free than that and the reserve together, or the disk does not answer.
        """
        free = self.free
        if free < needed + self._reserve:
            raise DataError(
                f"{self._folder}: {_said(free)} are free, the run may need {_said(needed)} "
                f"and {_said(self._reserve)} stay in reserve"
            )


def _said(size: float) -> str:
    return format_quantity(size, "B", 3)
