"""Tunnelling: from a density of states to the current and the conductance of a junction.

I = G0 exp(-2 kappa s) U(V), with U(V) the integral of rho(E) T(E, V) [f(E - eV) - f(E)] over E. The
density rho is 1 for a plain metal and linear between the energies where it is given; then the
integrals over the Fermi functions are exact, at any temperature, and dU/dV is the derivative of U
to the last digits. Energies in electronvolts, from the Fermi level of the sample.
"""

import math
from dataclasses import dataclass

import numpy as np

from spm_auto.instrument import FloatArray

CONDUCTANCE_QUANTUM = 7.748091729e-5  # [S], CODATA 2022: the conductance at contact
ELECTRON_MASS = 9.1093837139e-31  # [kg], CODATA 2022
REDUCED_PLANCK = 1.054571817e-34  # [J s], CODATA 2022
ELECTRONVOLT = 1.602176634e-19  # [J], exact
BOLTZMANN = 8.617333262e-5  # [eV/K], CODATA 2022

FARTHEST = 40.0  # thermal energies beyond which a Fermi function is 0 or 1
DIGITS = 12.0  # to which a modulation is averaged, as a power of e^-2
LOWEST_BARRIER = 0.1  # of the work function: only far from where electrons tunnel is it lower


def wave_number(energy: FloatArray | float, mass: float = 1.0) -> FloatArray:
    """Return sqrt(2 m E) / hbar [1/m] of an energy [eV]; 0 where the energy is negative.

    Args:
        energy: Kinetic energy, or height of a barrier [eV].
        mass: In electron masses.
    """
    joules = np.maximum(energy, 0.0) * ELECTRONVOLT
    return np.asarray(np.sqrt(2 * mass * ELECTRON_MASS * joules) / REDUCED_PLANCK)


def decay(work_function: float) -> float:
    """Return 2 kappa [1/m]: the current falls as exp(-2 kappa s) with the gap s.

    Args:
        work_function: Mean of tip and sample [eV].

    Source:
        J. Tersoff and D. R. Hamann, Phys. Rev. B 31, 805 (1985).
    """
    return 2 * float(wave_number(work_function))


@dataclass(frozen=True, slots=True)
class Barrier:
    """What the electrons tunnel through.

    Attributes:
        work_function: Mean of tip and sample [eV].
        gap: Gap at which the barrier's dependence on energy is taken [m]; 0 for none. It is that
            of a usual set-point: so the constant-current surface stays a closed form.
    """

    work_function: float
    gap: float = 0.0

    def transmission(self, energy: FloatArray, bias: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return T(E, V) and its derivative by V, both [bias, energy], 1 at small energies.

        T = exp(-2 s [kappa(phi + eV/2 - E) - kappa(phi)]), the barrier of a trapezoid.

        Source:
            R. J. Hamers, Annu. Rev. Phys. Chem. 40, 531 (1989).
        """
        bias = bias[:, np.newaxis]
        height = self.work_function + bias / 2 - energy
        height = np.maximum(height, LOWEST_BARRIER * self.work_function)
        kappa = wave_number(height)
        growth = -2 * self.gap * (kappa - decay(self.work_function) / 2)
        value = np.exp(growth)
        slope = -2 * self.gap * kappa / (4 * height)
        return np.asarray(value), np.asarray(value * slope)


def weights(
    energy: FloatArray, bias: FloatArray, temperature: float, barrier: Barrier
) -> tuple[FloatArray, FloatArray]:
    """Return how much the density at each energy counts in U [V] and in dU/dV.

    Beyond the first and the last energy the density goes on as it ends.

    Args:
        energy: Where the density of states is given [eV], rising, shape (m,).
        bias: Sample bias [V], shape (n,).
        temperature: Of the junction [K].
        barrier: What lies between.

    Returns:
        U and dU/dV are these two matrices times the density; shape [bias, energy].
    """
    current, slope = _through(energy, bias, temperature)
    value, growth = barrier.transmission(energy, bias)
    return value * current, value * slope + growth * current


def modulated(
    energy: FloatArray, bias: FloatArray, temperature: float, barrier: Barrier, amplitude: float
) -> tuple[FloatArray, FloatArray]:
    """Return `weights` as a lock-in sees them that shakes the bias by an amplitude [V].

    The current is the mean over a period, the conductance the first harmonic divided by the
    amplitude: (2 / pi Vm) times the integral of I(V + Vm cos th) cos th over half a period.
    """
    if amplitude == 0:
        return weights(energy, bias, temperature, barrier)
    # the current is analytic as far as pi kT off the real axis: so the sum converges
    points = 4 + math.ceil(DIGITS / math.asinh(math.pi * BOLTZMANN * temperature / amplitude))
    cosines = np.cos(np.pi * (np.arange(points) + 0.5) / points)
    current = np.zeros((len(bias), len(energy)))
    conductance = np.zeros_like(current)
    for cosine in cosines:
        here, _ = weights(energy, bias + amplitude * cosine, temperature, barrier)
        current += here / points
        conductance += 2 * cosine / (amplitude * points) * here
    return current, conductance


def _through(
    energy: FloatArray, bias: FloatArray, temperature: float
) -> tuple[FloatArray, FloatArray]:
    """Return `weights` without a barrier: the Fermi functions integrated over each energy's hat."""
    from scipy.special import spence

    kt = BOLTZMANN * temperature
    shifted = energy - bias[:, np.newaxis]
    step = np.diff(energy)

    def second(values: FloatArray, below: FloatArray | float) -> FloatArray:
        """Return how the slope changes at each energy; it is `below` left of them and 0 right."""
        slopes = np.empty((len(values), len(energy) + 1))
        slopes[:, 0] = below
        slopes[:, 1:-1] = np.diff(values, axis=1) / step
        slopes[:, -1] = 0.0
        return np.diff(slopes, axis=1)

    def tail(e: FloatArray) -> FloatArray:
        """Return exp(-|e| / kT), 0 where it does not count any more."""
        scaled = np.abs(e) / kt
        return np.exp(-scaled, out=np.zeros_like(scaled), where=scaled < FARTHEST)

    def once(e: FloatArray) -> FloatArray:
        """Integrate the Fermi function."""
        return np.minimum(e, 0.0) - kt * np.log1p(tail(e))

    def twice(e: FloatArray) -> FloatArray:
        """Integrate it twice; spence(1 + u) is the dilogarithm of -u."""
        u = tail(e)
        near = u > 0
        u[near] = kt**2 * spence(1 + u[near])
        return np.where(e >= 0, -u, e**2 / 2 + kt**2 * math.pi**2 / 6 + u)

    return second(twice(shifted) - twice(energy)[np.newaxis], -bias), -second(once(shifted), 1.0)
