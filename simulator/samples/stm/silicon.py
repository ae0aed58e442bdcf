"""Si(111)-7x7: twelve adatoms in a cell, corner holes, and two halves that are not alike."""

import math
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from spm_auto.instrument import FloatArray
from spm_auto.units import Length, Temperature

from ...checks import positive, within
from ...randomness import RandomStreams
from ..protocol import Sample
from .growth import wandering_steps
from .kernels import Spots
from .landscape import Density, Kind, Lattice
from .protocol import StmSampleSettings
from .surface import Material, StmSurface

CELL, STEP_HEIGHT = 2.688e-9, 0.314e-9  # [m]
WORK_FUNCTION = 4.6  # [eV]
ENERGIES = np.linspace(-3.2, 3.2, 1281)  # [eV]
CORNER_ADATOMS = ((1, 1), (5, 1), (1, 5))  # of the faulted half, in sevenths of the cell
CENTRE_ADATOMS = ((3, 1), (1, 3), (3, 3))
REST_ATOMS = ((2, 2), (2, 3), (3, 2))
ADATOM_HEIGHT, ADATOM_WIDTH = 0.1e-9, 0.17e-9  # [m]
HOLE_DEPTH, HOLE_WIDTH = 0.15e-9, 0.3e-9  # [m]
CLOUD = 0.24e-9  # [m] standard deviation of a dangling bond as the tip sees it
CLOUD_REACH = 4.0  # of them that are counted
ROWS = 96

# Peaks of each kind of site: energy [eV], width [eV], weight; filled states, then empty ones
# (R. J. Hamers, R. M. Tromp and J. E. Demuth, Phys. Rev. Lett. 56, 1972 (1986))
PEAKS = {
    "faulted corner": ((-0.35, 0.14, 1.5), (0.45, 0.2, 1.25), (-1.7, 0.25, 0.6)),
    "faulted centre": ((-0.35, 0.14, 0.95), (0.45, 0.2, 1.35), (-1.7, 0.25, 0.6)),
    "unfaulted corner": ((-0.35, 0.14, 1.05), (0.5, 0.2, 1.25), (-1.7, 0.25, 0.6)),
    "unfaulted centre": ((-0.35, 0.14, 0.6), (0.5, 0.2, 1.35), (-1.7, 0.25, 0.6)),
    "rest atom": ((-0.8, 0.16, 1.3), (1.4, 0.3, 0.5)),
}
HOLE = len(PEAKS)  # index of the kind after them


class Si1117x7Settings(StmSampleSettings):
    """The 7x7 reconstruction of Si(111), with adatoms missing here and there.

    Attributes:
        size: Side of the square sample, centred on (0, 0) [m].
        temperature: That it is measured at when nothing else is said [K].
        steps: Steps of one double layer.
        missing: Share of the adatoms that are not there.
        fermi_density: Density of states at the Fermi level between the atoms.
    """

    kind: Literal["si111_7x7"] = "si111_7x7"
    size: Annotated[Length, within(1e-9, 200e-9, "m")] = 30e-9
    temperature: Annotated[Temperature, positive("K")] = 78.0
    steps: int = Field(default=0, ge=0, le=3)
    missing: float = Field(default=0.02, ge=0, le=1)
    fermi_density: float = Field(default=0.06, gt=0)

    def build(self, streams: RandomStreams) -> Sample:
        """Lay out the cells and take some adatoms away."""
        rng = streams.stream("lattice")
        angle = float(rng.uniform(0, 2 * math.pi))
        origin = rng.uniform(0, CELL, 2)
        spots = self._sites(angle, origin, streams.stream("missing adatoms"))
        return StmSurface(
            Material(
                name="Si(111)-7x7",
                size=self.size,
                temperature=self.temperature,
                bias=1.0,
                work_function=WORK_FUNCTION,
                lattice=Lattice(CELL / 7, 0.0, angle),
                spots=spots,
                density=self.density,
                steps=wandering_steps(
                    self.steps, STEP_HEIGHT, self.size, 0.4e-9, streams.stream("steps")
                ),
            )
        )

    def density(self, temperature: float, blur: float) -> Density:  # noqa: ARG002
        """Return the density between the atoms, which nearly has a gap, and that of each site."""
        edge = np.abs(ENERGIES) / 0.9
        base = self.fermi_density + edge**2 / (1 + edge)
        width = math.hypot(CLOUD, blur)
        reach = CLOUD_REACH * width
        distance = np.linspace(0, reach, ROWS)
        cloud = (CLOUD / width) ** 2 * (
            np.exp(-(distance**2) / (2 * width**2)) - math.exp(-(CLOUD_REACH**2) / 2)
        )
        kinds = [
            Kind(
                height=0.0 if name == "rest atom" else ADATOM_HEIGHT,
                width=ADATOM_WIDTH,
                reach=reach,
                added=(cloud[:, np.newaxis], _peaks(peaks)[np.newaxis]),
            )
            for name, peaks in PEAKS.items()
        ]
        hole = Kind(height=-HOLE_DEPTH, width=HOLE_WIDTH)
        return Density(ENERGIES, np.stack([base, base]), 1.0, (*kinds, hole))

    def _sites(self, angle: float, origin: FloatArray, rng: np.random.Generator) -> Spots:
        """Return all atoms and corner holes on the sample and a little around it."""
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        axes = turn @ (CELL * np.array([[1, 0.5], [0, math.sqrt(3) / 2]]))  # cell vectors
        inside, kinds = _cell()
        far = math.ceil(1.2 * self.size / CELL) + 2
        cells = np.stack(np.meshgrid(np.arange(-far, far + 1), np.arange(-far, far + 1)), axis=-1)
        places = cells.reshape(-1, 1, 2) + inside
        x, y = axes @ places.reshape(-1, 2).T + origin[:, np.newaxis]
        kind = np.tile(kinds, len(places))
        near = np.maximum(np.abs(x), np.abs(y)) < self.size / 2 + CELL
        x, y, kind = x[near], y[near], kind[near]
        is_adatom = kind < HOLE - 1
        kept = ~(is_adatom & (rng.random(len(x)) < self.missing))
        return Spots(x[kept], y[kept], kind[kept])


def _cell() -> tuple[FloatArray, NDArray[np.int64]]:
    """Return the sites of one cell, in cell vectors, and their kinds."""
    faulted = [*CORNER_ADATOMS, *CENTRE_ADATOMS, *REST_ATOMS]
    unfaulted = [(7 - u, 7 - v) for u, v in faulted]
    sites = np.array([*faulted, *unfaulted, (0, 0)], dtype=float) / 7
    kinds = np.repeat([0, 1, 4, 2, 3, 4, HOLE], [3, 3, 3, 3, 3, 3, 1])
    return sites, kinds.astype(np.int64)


def _peaks(peaks: tuple[tuple[float, float, float], ...]) -> FloatArray:
    """Return the density of one site."""
    total = np.zeros_like(ENERGIES)
    for energy, width, weight in peaks:
        total += weight * np.exp(-((ENERGIES - energy) ** 2) / (2 * width**2))
    return total
