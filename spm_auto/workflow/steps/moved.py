"""Moved: where things have gone since they were measured, as images registered to one another say.

What steps know is in the coordinates of the time when it was measured. An image that was registered
to an earlier one says by how much the sample has moved in between; it is taken to have moved
steadily then.
"""

from dataclasses import dataclass, field

import numpy as np

from ...analysis import Shift
from ...instrument import FloatArray, ScanImage
from ..knowledge import Knowledge

_NAME = "moved"


@dataclass(slots=True, eq=False)
class Way:
    """The way of the sample, from knot to knot.

    Attributes:
        times: Of the knots, rising [s].
        places: By how much it has moved since the first one [m].
        uncertainty: Of the last one [m]; 0 where nothing was registered.
    """

    times: list[float] = field(default_factory=list)
    places: list[tuple[float, float]] = field(default_factory=list)
    uncertainty: float = 0.0

    def at(self, time: float) -> FloatArray:
        """Return by how much the sample has moved at a time [s]; before and after nothing more."""
        if not self.times:
            return np.zeros(2)
        return np.array([np.interp(time, self.times, axis) for axis in np.transpose(self.places)])

    def since(self, then: float, now: float) -> FloatArray:
        """Return by how much the sample has moved from one time to another one [m], shape (2,)."""
        return np.asarray(self.at(now) - self.at(then))

    def add(self, before: float, after: float, shift: Shift) -> None:
        """Learn how far it moved between two times [s], of which the later one is the latest."""
        if not self.times or after > self.times[-1]:
            start = self.at(before)
            if not self.times or before > self.times[-1]:
                self._append(before, start)
            self._append(after, start + np.array([shift.dx, shift.dy]))
            self.uncertainty = shift.uncertainty

    def _append(self, time: float, place: FloatArray) -> None:
        x, y = place.tolist()
        self.times.append(time)
        self.places.append((x, y))


def way_of(knowledge: Knowledge) -> Way:
    """Return the way of the sample as a run knows it."""
    way: Way = knowledge.shared.setdefault(_NAME, Way())
    return way


def time_at(image: ScanImage, place: tuple[float, float]) -> float:
    """Return when the scan of an image was at a place [m] on it [s]."""
    line, _ = image.frame.to_pixel(*place)
    share = min(max((float(line) + 0.5) / image.frame.shape[0], 0.0), 1.0)
    return image.start_time + share * (image.end_time - image.start_time)


def time_of(image: ScanImage) -> float:
    """Return the time that an image stands for, the middle of its scan [s]."""
    return (image.start_time + image.end_time) / 2
