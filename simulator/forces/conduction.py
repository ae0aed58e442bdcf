"""Current through a film under a conducting tip: ohmic and Poole-Frenkel, over the contact area."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from spm_auto.instrument import FloatArray

from ..noise_sources import BOLTZMANN, ELEMENTARY_CHARGE
from .electrostatics import VACUUM_PERMITTIVITY


@dataclass(frozen=True, slots=True)
class Conduction:
    """How a film conducts between tip and electrode.

    J = sigma E [(1 - s) + s exp(beta sqrt(|E|) / kT)] with the field E = V / thickness. The depth
    of the traps, exp(-E_t / kT), is in the conductivity, so s is the share of the current at small
    bias that comes out of traps.

    Attributes:
        thickness: Of the film [m].
        permittivity: Relative, at optical frequencies.
        trapped: Share s of the carriers that come out of traps.
        temperature: Of the sample [K].

    Source:
        J. Frenkel, Phys. Rev. 54, 647 (1938): beta = sqrt(e^3 / (pi eps0 eps_r)).
    """

    thickness: float
    permittivity: float
    trapped: float
    temperature: float = 300.0

    def lowering(self, field: ArrayLike) -> FloatArray:
        """Return by how much a field [V/m] lowers the barrier of a trap, in units of kT."""
        charge, vacuum = ELEMENTARY_CHARGE, VACUUM_PERMITTIVITY
        beta = math.sqrt(charge**3 / (math.pi * vacuum * self.permittivity))
        strength = np.sqrt(np.abs(np.asarray(field, dtype=float)))
        return np.asarray(beta * strength / (BOLTZMANN * self.temperature))

    def current_density(self, conductivity: ArrayLike, bias: ArrayLike) -> FloatArray:
        """Return J [A/m^2].

        Args:
            conductivity: At small bias [S/m].
            bias: Tip-sample voltage [V].
        """
        field = np.asarray(bias, dtype=float) / self.thickness
        easier = 1 - self.trapped + self.trapped * np.exp(self.lowering(field))
        return np.asarray(np.asarray(conductivity, dtype=float) * field * easier)
