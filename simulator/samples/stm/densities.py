"""Densities of states: what the surfaces of this package are made of, as formulas."""

import math

import numpy as np

from spm_auto.instrument import FloatArray

from .tunnelling import wave_number

WEAK_COUPLING = 1.74  # slope of the gap near the critical temperature
FLUX_QUANTUM = 2.067833848e-15  # [Wb], CODATA 2022


def dynes(energy: FloatArray, gap: FloatArray | float, broadening: float) -> FloatArray:
    """Return the density of states of a superconductor, 1 far from the gap.

    N(E) = |Re[(E - iG) / sqrt((E - iG)^2 - D^2)]|.

    Args:
        energy: From the Fermi level, in any unit.
        gap: Half-width D of the gap in the same unit; 0 for a normal metal.
        broadening: Inverse lifetime G in the same unit, positive.

    Source:
        R. C. Dynes, V. Narayanamurti and J. P. Garno, Phys. Rev. Lett. 41, 1509 (1978).
    """
    z = np.asarray(energy) - 1j * broadening
    return np.asarray(np.abs((z / np.sqrt(z * z - np.square(gap))).real))


def gap_at(gap: float, critical_temperature: float, temperature: float) -> float:
    """Return the gap at a temperature [K]: D tanh(1.74 sqrt(Tc / T - 1)), 0 above Tc."""
    if temperature >= critical_temperature:
        return 0.0
    return gap * math.tanh(WEAK_COUPLING * math.sqrt(critical_temperature / temperature - 1))


def vortex_spacing(field: float) -> float:
    """Return the distance of neighbours in a triangular lattice of flux quanta [m].

    Args:
        field: Magnetic field [T], positive.
    """
    return math.sqrt(2 / math.sqrt(3) * FLUX_QUANTUM / field)


def lorentzian(energy: FloatArray, centre: float, half_width: float) -> FloatArray:
    """Return a peak of height 1."""
    return np.asarray(half_width**2 / ((energy - centre) ** 2 + half_width**2))


def band_onset(energy: FloatArray, bottom: float, broadening: float) -> FloatArray:
    """Return the step of a two-dimensional band, smeared by a lifetime, from 0 to 1."""
    return np.asarray(0.5 + np.arctan((energy - bottom) / broadening) / math.pi)


def point_scattering(
    distance: FloatArray,
    energy: FloatArray,
    bottom: float,
    mass: float,
    strength: float,
    phase: float,
    length: float,
) -> FloatArray:
    """Return the ring waves of a surface band around a point, in units of its density.

    A cos(2 k r + d) exp(-r / l) / (k r), levelled off inside the first half wave.

    Args:
        distance: From the scatterer [m], shape (n,).
        energy: From the Fermi level [eV], shape (m,).
        bottom: Of the band [eV].
        mass: Effective, in electron masses.
        strength: Amplitude A.
        phase: Of the scattered wave [rad].
        length: Over which the waves die away [m].

    Returns:
        Shape [distance, energy].

    Source:
        M. F. Crommie, C. P. Lutz and D. M. Eigler, Nature 363, 524 (1993).
    """
    k = wave_number(energy - bottom, mass)
    kr = k * distance[:, np.newaxis]
    wave = strength * np.cos(2 * kr + phase) / np.hypot(kr, math.pi / 2)
    return np.asarray(wave * np.exp(-distance[:, np.newaxis] / length) * (k > 0))


def step_scattering(
    distance: FloatArray, energy: FloatArray, bottom: float, mass: float, length: float
) -> FloatArray:
    """Return the standing waves of a surface band beside a step, in units of its density.

    The density is 1 - J0(2 k x): it vanishes at a step that reflects everything.

    Source:
        Y. Hasegawa and Ph. Avouris, Phys. Rev. Lett. 71, 1071 (1993).
    """
    from scipy.special import j0

    k = wave_number(energy - bottom, mass)
    x = distance[:, np.newaxis]
    return np.asarray(-j0(2 * k * x) * np.exp(-x / length) * (k > 0))
