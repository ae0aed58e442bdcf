"""StmSurface: a conducting surface that answers a junction, and keeps the marks of a crash."""

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from spm_auto.instrument import FloatArray

from ..protocol import Range
from .kernels import Electrons, Spots
from .landscape import Density, Kind, Lattice, Steps, Stripes, bins_of, bump_reach, relief_of
from .protocol import Junction
from .tunnelling import CONDUCTANCE_QUANTUM, Barrier, decay, modulated
from .view import Corrugation, Geometry, SurfaceView, contrast_of, lattice_decay

USUAL_SETPOINT = 100e-12  # [A] at which corrugations are given
RIM_HEIGHT = 0.25  # of a pit's depth: what it held lies around it
RIM_WIDTH = 2.0  # in radii of the pit
KEPT = 8  # tables and densities that are remembered

T = TypeVar("T")
Dent = tuple[float, float, float, float]  # x, y, radius, depth [m]


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What a surface is made of, and where everything on it lies.

    Attributes:
        name: The surface, for people.
        size: Side of the square sample, centred on (0, 0) [m].
        temperature: That it is usually measured at [K].
        bias: That it is usually imaged at [V].
        work_function: Mean of tip and sample [eV].
        lattice: Its atoms.
        spots: Features on it.
        density: Its electrons at a temperature [K] for a tip of some blur [m].
        steps: Its steps.
        stripes: Its reconstruction.
        gap_field: Relative gap over the sample, periodic, shape [n, n]; empty for 1 everywhere.
    """

    name: str
    size: float
    temperature: float
    bias: float
    work_function: float
    lattice: Lattice
    spots: Spots
    density: Callable[[float, float], Density]
    steps: Steps = field(default_factory=Steps)
    stripes: Stripes = field(default_factory=Stripes)
    gap_field: FloatArray = field(default_factory=lambda: np.empty((0, 0)))


class StmSurface:
    """A surface for tunnelling; see `StmSample`.

    Args:
        material: What it is made of.
    """

    def __init__(self, material: Material) -> None:
        self.material = material
        self.decay = decay(material.work_function)
        self.usual_gap = (
            math.log(CONDUCTANCE_QUANTUM * abs(material.bias) / USUAL_SETPOINT) / self.decay
        )
        self._dents: tuple[Dent, ...] = ()
        self._recent = _Recent()

    @property
    def name(self) -> str:
        """The sample, for people."""
        return self.material.name

    @property
    def x_range(self) -> Range:
        """Where the sample lies [m]."""
        return -self.material.size / 2, self.material.size / 2

    @property
    def y_range(self) -> Range:
        """Where the sample lies [m]."""
        return self.x_range

    @property
    def temperature(self) -> float:
        """Temperature that it is usually measured at [K]."""
        return self.material.temperature

    @property
    def bias(self) -> float:
        """Bias that it is usually imaged at [V]."""
        return self.material.bias

    @property
    def dents(self) -> tuple[Dent, ...]:
        """Pits that a tip has left: x, y, radius and depth of each [m]."""
        return self._dents

    def dent(self, x: float, y: float, radius: float, depth: float) -> None:
        """Leave a pit with a rim where the tip ran into the surface; see `StmSample`."""
        if not 0 < radius < math.inf:
            raise ValueError(f"a pit's radius must be positive, got {radius} m")
        if not all(math.isfinite(value) for value in (x, y, depth)):
            raise ValueError(f"a pit needs a finite place and depth, got {x}, {y}, {depth} m")
        self._dents = (*self._dents, (x, y, radius, depth))

    def snapshot(self) -> Any:
        """Return the marks on it."""
        return self._dents

    def restore(self, snapshot: Any) -> None:
        """Go back to a snapshot, bit by bit."""
        self._dents = snapshot

    def view(self, junction: Junction) -> SurfaceView:
        """Freeze what a junction would find now."""
        if junction.bias == 0:
            raise ValueError("no current flows at a bias of 0 V, so it cannot set the distance")
        lattice = self.material.lattice
        fall = self.decay * junction.exponent
        corrugation = Corrugation(
            contrast=contrast_of(lattice.corrugation, fall, lattice.reciprocal, junction.blur),
            reference=self.usual_gap,
            decay=lattice_decay(fall, lattice.reciprocal),
        )
        return SurfaceView(
            junction, fall, self._geometry(junction), corrugation, self._tables_of(junction)
        )

    def _density(self, junction: Junction) -> Density:
        key = junction.temperature, junction.blur
        return self._recent.get(
            ("density", *key), lambda: self.material.density(junction.temperature, junction.blur)
        )

    def _geometry(self, junction: Junction) -> Geometry:
        dents = self._dents

        def make() -> Geometry:
            spots, kinds = self._with_dents(self._density(junction).kinds, dents)
            material = self.material
            return Geometry(
                bins_of(material.size, spots, [bump_reach(k, junction.blur) for k in kinds]),
                bins_of(material.size, spots, [kind.reach for kind in kinds]),
                spots,
                relief_of(kinds, material.lattice, material.steps, material.stripes, junction.blur),
            )

        return self._recent.get(("geometry", junction.temperature, junction.blur, dents), make)

    def _tables_of(self, junction: Junction) -> Callable[[FloatArray, float], Electrons]:
        density = self._density(junction)
        dents = self._dents
        field = self.material.gap_field
        pitch = self.material.size / max(len(field), 1)
        barrier = Barrier(self.material.work_function, self.usual_gap)
        temperature = junction.temperature
        whose = (temperature, junction.blur, len(dents))

        def tables(bias: FloatArray, modulation: float) -> Electrons:
            def make() -> Electrons:
                columns = modulated(density.energy, bias, temperature, barrier, modulation)
                _, kinds = self._with_dents(density.kinds, dents)
                full = replace(density, kinds=kinds)
                return full.answers_to(np.concatenate(columns), field, pitch)

            return self._recent.get(("tables", bias.tobytes(), modulation, *whose), make)

        return tables

    def _with_dents(
        self, kinds: tuple[Kind, ...], dents: tuple[Dent, ...]
    ) -> tuple[Spots, tuple[Kind, ...]]:
        """Return features and kinds together with the pits and their rims."""
        spots = self.material.spots
        if not dents:
            return spots, kinds
        marks: list[Kind] = []
        for _, _, radius, depth in dents:
            rim = RIM_HEIGHT * depth
            marks.append(Kind(height=-(depth + rim), width=radius))
            marks.append(Kind(height=rim, width=RIM_WIDTH * radius))
        x = np.repeat([dent[0] for dent in dents], 2)
        y = np.repeat([dent[1] for dent in dents], 2)
        full = Spots(
            np.concatenate([spots.x, x]),
            np.concatenate([spots.y, y]),
            np.concatenate([spots.kind, len(kinds) + np.arange(2 * len(dents))]),
        )
        return full, (*kinds, *marks)


class _Recent:
    """Remembers the last few of what is costly to make and always comes out the same."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: tuple[Hashable, ...], make: Callable[[], T]) -> T:
        """Return what was made for this key before, or make it."""
        if key not in self._kept:
            self._kept[key] = make()
            if len(self._kept) > 4 * KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        value: T = self._kept[key]
        return value
