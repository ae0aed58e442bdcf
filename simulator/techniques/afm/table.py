"""TappingTable: where the feedback rests and with what phase, for all materials of a sample."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from spm_auto.instrument import FloatArray

from ...forces import (
    ContactModel,
    Oscillation,
    Regime,
    balance,
    contact_law,
    reduced_modulus,
    regime_on_approach,
    rest,
)
from ...samples.afm import Fields

NODES = (24, 12, 6)  # of modulus, adhesion and viscosity


@dataclass(frozen=True, slots=True, eq=False)
class TappingTable:
    """Lowest point and phase of the oscillation against modulus, adhesion and viscosity.

    Attributes:
        axes: Logarithm of the modulus, adhesion and viscosity at the nodes, rising.
        gap: Lowest point over the surface [m], shape of the nodes.
        phase: Behind the drive [rad], shape of the nodes.
        regime: On which branch the feedback came to rest.
    """

    axes: tuple[FloatArray, FloatArray, FloatArray]
    gap: FloatArray
    phase: FloatArray
    regime: Regime

    @classmethod
    def of(
        cls,
        fields: Fields,
        oscillation: Oscillation,
        radius: float,
        tip_modulus: float,
        model: ContactModel,
    ) -> Self:
        """Solve the harmonic balance for everything that occurs in a sample.

        The feedback is engaged on the commonest material, and stays on the branch that it finds.

        Args:
            fields: Of the sample.
            oscillation: Of the cantilever.
            radius: Of the apex [m].
            tip_modulus: Plane-strain modulus of the tip [Pa].
            model: Of the contact.

        Raises:
            ValueError: The sample is too soft for the set-point.
        """
        modulus = np.exp(_nodes(np.log(fields.modulus), NODES[0]))
        adhesion = _nodes(fields.adhesion, NODES[1])
        viscosity = _nodes(fields.viscosity, NODES[2])
        common = contact_law(
            radius,
            reduced_modulus(np.median(fields.modulus), tip_modulus),
            np.median(fields.adhesion),
            model,
        )
        regime = regime_on_approach(common, oscillation, float(np.median(fields.viscosity)))
        shape = len(modulus), len(adhesion), len(viscosity)
        gap, phase = np.empty(shape), np.empty(shape)
        for i, stiffness in enumerate(reduced_modulus(modulus, tip_modulus)):
            for j, attraction in enumerate(adhesion):
                law = contact_law(radius, stiffness, attraction, model)
                found = rest(balance(law, oscillation), oscillation, viscosity, regime)
                gap[i, j], phase[i, j] = found.gap, found.phase
        return cls((np.log(modulus), adhesion, viscosity), gap, phase, regime)

    def at(
        self, modulus: FloatArray, adhesion: FloatArray, viscosity: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return the lowest point [m] and the phase [rad] on materials, arrays of one shape."""
        from scipy.ndimage import map_coordinates

        asked = (np.log(modulus), adhesion, viscosity)
        where = np.stack([_index(a, v) for a, v in zip(self.axes, asked, strict=True)])
        gap: FloatArray = map_coordinates(self.gap, where, order=1, mode="nearest")
        phase: FloatArray = map_coordinates(self.phase, where, order=1, mode="nearest")
        return gap, phase


def _nodes(values: FloatArray, count: int) -> FloatArray:
    """Return evenly spaced nodes over everything that occurs; one if it is all the same."""
    low, high = float(values.min()), float(values.max())
    return np.linspace(low, high, count if high > low else 1)


def _index(axis: FloatArray, values: FloatArray) -> FloatArray:
    if len(axis) == 1:
        return np.zeros_like(values)
    step = (axis[-1] - axis[0]) / (len(axis) - 1)
    return np.asarray((values - axis[0]) / step)


def same_radius(radius: float) -> float:
    """Return the radius [m] that stands for all within 2.5 % in tables, so that wear makes few."""
    step = 0.05
    return math.exp(step * round(math.log(radius) / step))
