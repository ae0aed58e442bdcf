"""AfmSample: a surface that an AFM feels, with its materials; a crash leaves a dent for good."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace

import numpy as np

from spm_auto.instrument import FloatArray

from ...forces import Conduction
from ..protocol import Range
from .materials import Fields
from .surface import Surface, middles

SMOOTH = ("height", "potential")  # read with cubic splines; other fields jump from cell to cell


@dataclass(frozen=True, slots=True)
class Spot:
    """A round piece of another material in the surface.

    Attributes:
        x: Of its middle [m].
        y: Of its middle [m].
        radius: Of its rim [m].
        height: By which it stands out in its middle [m].
        modulus: Plane-strain modulus [Pa].
        is_stiff: Whether it is a stiff inclusion; else it only looks like one.
    """

    x: float
    y: float
    radius: float
    height: float
    modulus: float
    is_stiff: bool


class AfmSample:
    """A square piece of surface that goes on periodically beyond its edges.

    Args:
        name: For people.
        size: Side of the square, centred on (0, 0) [m].
        made_of: What it is made of.
        spots: What is in it, for the truth.
        conduction: How currents flow through it.
    """

    def __init__(
        self,
        name: str,
        size: float,
        made_of: Fields,
        spots: tuple[Spot, ...] = (),
        conduction: Conduction | None = None,
    ) -> None:
        self._name = name
        self._size = size
        self._fields = made_of
        self._surfaces: dict[str, Surface] = {}
        self.spots = spots
        self.conduction = conduction or Conduction(100e-9, 2.5, 0.0)

    @property
    def name(self) -> str:
        """The sample, for people."""
        return self._name

    @property
    def size(self) -> float:
        """Side of the square [m]."""
        return self._size

    @property
    def cell(self) -> float:
        """Side of one cell of the fields [m]."""
        return self._size / len(self._fields.height)

    @property
    def x_range(self) -> Range:
        """Where the sample lies [m]."""
        return -self._size / 2, self._size / 2

    @property
    def y_range(self) -> Range:
        """Where the sample lies [m]."""
        return self.x_range

    @property
    def fields(self) -> Fields:
        """What it is made of now; the arrays are not to be written to."""
        return self._fields

    def at(self, x: float, y: float) -> "Place":
        """Return what the sample is at one point [m]."""
        where = np.array([x]), np.array([y])
        values: dict[str, float] = {
            field.name: self.surface(field.name).at(*where).item() for field in fields(Place)
        }
        return Place(**values)

    def surface(self, name: str) -> Surface:
        """Return a field that can be read anywhere."""
        if name not in self._surfaces:
            field = getattr(self._fields, name)
            self._surfaces[name] = Surface.of(field, self._size, name in SMOOTH)
        return self._surfaces[name]

    def dent(self, x: float, y: float, depth: float, radius: float) -> None:
        """Leave a round pit, or with a negative depth a mound.

        Args:
            x: Of its middle [m].
            y: Of its middle [m].
            depth: In its middle [m].
            radius: At which the surface is as it was [m].
        """
        right, up = self._from(x)[np.newaxis, :], self._from(y)[:, np.newaxis]
        squared = right**2 + up**2
        profile = np.maximum(1 - squared / radius**2, 0.0)
        self.restore(replace(self._fields, height=self._fields.height - depth * profile))

    def snapshot(self) -> Fields:
        """Return the sample as it is; what happens later makes new arrays."""
        return self._fields

    def restore(self, snapshot: Fields) -> None:
        """Go back to a snapshot."""
        self._fields = snapshot
        self._surfaces.clear()

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Undo whatever happens to the sample within."""
        before = self.snapshot()
        try:
            yield
        finally:
            self.restore(before)

    def _from(self, middle: float) -> FloatArray:
        """Return how far the cells lie from a coordinate, the short way around [m]."""
        along = middles(self._size, self._fields.height.shape[0]) - middle
        return np.asarray((along + self._size / 2) % self._size - self._size / 2)


@dataclass(frozen=True, slots=True)
class Place:
    """The fields at one point, see `Fields`."""

    height: float
    modulus: float
    adhesion: float
    viscosity: float
    potential: float
    conductivity: float
