"""Electrostatic force of a conducting tip, and the contact potential that a Kelvin probe finds."""

import math

import numpy as np
from numpy.typing import ArrayLike

from spm_auto.instrument import FloatArray

VACUUM_PERMITTIVITY = 8.8541878188e-12  # [F/m], CODATA 2022


def capacitance_gradient(radius: float, distance: float) -> float:
    """Return dC/dz of a spherical apex before a flat conductor [F/m], negative.

    dC/dz = -2 pi eps0 R^2 / (z (z + R)).

    Args:
        radius: Of the apex [m].
        distance: Apex to surface [m], positive.

    Source:
        S. Hudlet et al., Eur. Phys. J. B 2, 5 (1998).
    """
    return -2 * math.pi * VACUUM_PERMITTIVITY * radius**2 / (distance * (distance + radius))


def capacitance_curvature(radius: float, distance: float) -> float:
    """Return d2C/dz2 of the same apex [F/m^2], positive."""
    slope = capacitance_gradient(radius, distance)
    return -slope * (2 * distance + radius) / (distance * (distance + radius))


def electrostatic_force(
    gradient: float, bias: ArrayLike, contact_potential: ArrayLike
) -> FloatArray:
    """Return 1/2 dC/dz (V - V_cpd)^2 [N], negative: the tip is attracted.

    Args:
        gradient: dC/dz of tip and cantilever together [F/m].
        bias: Tip-sample voltage [V].
        contact_potential: At which there is no force [V].
    """
    return np.asarray(0.5 * gradient * np.subtract(bias, contact_potential) ** 2)


def frequency_shift(
    curvature: float,
    stiffness: float,
    resonance: float,
    bias: ArrayLike,
    contact_potential: ArrayLike,
) -> FloatArray:
    """Return the shift of a resonance by the gradient of the electrostatic force [Hz].

    df = -(f0 / 2k) dF/dz with dF/dz = 1/2 d2C/dz2 (V - V_cpd)^2, for amplitudes much smaller than
    the distance: a parabola, open below.

    Args:
        curvature: d2C/dz2 [F/m^2].
        stiffness: Of the cantilever [N/m].
        resonance: Of the cantilever [Hz].
        bias: Tip-sample voltage [V].
        contact_potential: Where the parabola has its top [V].
    """
    force_gradient = electrostatic_force(curvature, bias, contact_potential)
    return np.asarray(-resonance / (2 * stiffness) * force_gradient)


def kelvin_width(radius: float, lift: float) -> float:
    """Return the full width at half maximum of what a Kelvin probe averages over [m]: 2R + lift."""
    return 2 * radius + lift
