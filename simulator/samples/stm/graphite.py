"""Graphite (HOPG): every second atom bright, a V-shaped density of states, vacancies that glow."""

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from spm_auto.units import Length, Temperature

from ...checks import not_negative, positive
from ...randomness import RandomStreams
from ..protocol import Sample
from .densities import lorentzian
from .growth import scatter, wandering_steps
from .kernels import Spots
from .landscape import Density, Kind, Lattice
from .protocol import SampleSize, StmSampleSettings
from .surface import Material, StmSurface

CONSTANT, STEP_HEIGHT = 0.2461e-9, 0.335e-9  # [m]
WORK_FUNCTION = 4.6  # [eV]
ENERGIES = np.linspace(-2.8, 2.8, 1401)  # [eV]
CLOSEST = 2e-9  # [m] between two vacancies
ROWS = 128


class HopgSettings(StmSampleSettings):
    """Cleaved graphite with a few steps and single vacancies.

    The atoms above an atom of the second layer (alpha) are darker than those above a hollow (beta).

    Attributes:
        size: Side of the square sample, centred on (0, 0) [m].
        temperature: That it is measured at when nothing else is said [K].
        steps: Steps of one layer.
        vacancies: Single missing atoms.
        corrugation: From the hollow to the bright atom for a perfect tip at 0.1 V and 100 pA [m].
        asymmetry: 0 for alpha atoms as dark as the hollows, pi / 3 for as bright as beta [rad].
        fermi_density: Density of states at the Fermi level.
        slope: How fast it grows on both sides of it [1/eV].
        resonance: How much a vacancy adds at the Fermi level.
        resonance_width: Half-width of that peak [eV].
        resonance_reach: Over which it dies away from the vacancy [m].
    """

    kind: Literal["hopg"] = "hopg"
    size: SampleSize = 50e-9
    temperature: Annotated[Temperature, positive("K")] = 4.2
    steps: int = Field(default=1, ge=0, le=5)
    vacancies: int = Field(default=8, ge=0, le=2000)
    corrugation: Annotated[Length, not_negative("m")] = 0.1e-9
    asymmetry: float = Field(default=0.35, ge=0, le=math.pi / 3)
    fermi_density: float = Field(default=0.25, gt=0)
    slope: float = Field(default=2.5, ge=0)
    resonance: float = Field(default=1.5, ge=0)
    resonance_width: float = Field(default=0.02, gt=0)
    resonance_reach: Annotated[Length, positive("m")] = 1.2e-9

    def build(self, streams: RandomStreams) -> Sample:
        """Lay the steps and knock out the atoms."""
        angle = float(streams.stream("lattice").uniform(0, 2 * math.pi))
        x, y = scatter(self.vacancies, self.size, CLOSEST, streams.stream("features"))
        return StmSurface(
            Material(
                name="HOPG",
                size=self.size,
                temperature=self.temperature,
                bias=0.1,
                work_function=WORK_FUNCTION,
                lattice=Lattice(CONSTANT, self.corrugation, angle, self.asymmetry),
                spots=Spots(x, y, np.zeros(self.vacancies, dtype=np.int64)),
                density=self.density,
                steps=wandering_steps(
                    self.steps, STEP_HEIGHT, self.size, 0.2e-9, streams.stream("steps")
                ),
            )
        )

    def density(self, temperature: float, blur: float) -> Density:  # noqa: ARG002
        """Return the V of graphite and the resonance of a vacancy."""
        base = self.fermi_density + self.slope * np.abs(ENERGIES)
        reach = 6 * self.resonance_reach
        distance = np.linspace(0, reach, ROWS)
        fades = np.exp(-np.hypot(distance, blur) / self.resonance_reach) - math.exp(-6.0)
        peak = self.resonance * lorentzian(ENERGIES, 0.0, self.resonance_width)
        vacancy = Kind(
            height=-0.03e-9,
            width=0.15e-9,
            reach=reach,
            added=(np.maximum(fades, 0)[:, np.newaxis], peak[np.newaxis]),
        )
        return Density(ENERGIES, np.stack([base, base]), 1.0, (vacancy,))
