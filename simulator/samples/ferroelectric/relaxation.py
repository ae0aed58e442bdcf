"""Relaxation of a uniaxial ferroelectric film from noise to a labyrinth of domains.

Everything here is in reduced units: polarisation in units of the spontaneous one, energy in units
of the double well's, time in units of the Landau-Khalatnikov relaxation time.
"""

from dataclasses import dataclass

import numpy as np

from spm_auto.instrument import FloatArray

from ..fields import wave_numbers

SPLITTING = 2.0  # part of the double well that the implicit side takes; 2 keeps the energy falling


@dataclass(frozen=True, slots=True)
class FilmEnergy:
    """Free energy of a film polarised along its normal.

    The density is -p^2/2 + p^4/4 + l^2 |grad p|^2 / 2 + p (D * p) / 2 - e p. The kernel
    D(k) = D0 (1 - exp(-k d)) / (k d) is the depolarising field of a film of thickness d, D0 being
    what the electrodes leave unscreened: it forbids a uniform polarisation, so domains of a finite
    width appear.

    Attributes:
        cells: Cells along each side of the periodic square grid.
        cell: Side of one cell [m].
        wall_length: Length l of the gradient term [m]; a wall is tanh(x / (sqrt(2) l)).
        depolarization: Unscreened share D0 of the depolarising field.
        thickness: Of the film [m].

    Source:
        Landau-Ginzburg energy with the magnetostatic-like kernel of a slab, e.g. A. M. Bratkovsky
        and A. P. Levanyuk, Phys. Rev. Lett. 84, 3177 (2000), here with a partial screening.
    """

    cells: int
    cell: float
    wall_length: float
    depolarization: float
    thickness: float

    def stiffness(self) -> FloatArray:
        """Return l^2 k^2 + D(k), shape (cells, cells // 2 + 1)."""
        k = wave_numbers(self.cells, self.cell)
        depth = k * self.thickness
        with np.errstate(invalid="ignore"):
            screened = np.where(depth > 0, -np.expm1(-depth) / depth, 1.0)
        return np.asarray((self.wall_length * k) ** 2 + self.depolarization * screened)

    def total(self, polarization: FloatArray, field: FloatArray) -> float:
        """Return the energy per cell of a polarisation in a field, both of shape (cells, cells)."""
        p = polarization
        stiff = np.fft.irfft2(self.stiffness() * np.fft.rfft2(p), s=p.shape)
        return float(np.mean(-(p**2) / 2 + p**4 / 4 + p * stiff / 2 - field * p))


def relax(
    energy: FilmEnergy,
    polarization: FloatArray,
    field: FloatArray,
    steps: int,
    time_step: float = 0.5,
) -> FloatArray:
    """Let a polarisation slide down the energy: dp/dt = p - p^3 + l^2 lap p - D * p + e.

    Each step treats the gradient and the depolarising field implicitly in Fourier space, and so
    much of the double well that the explicit rest is convex; it stays stable at large time steps.

    Args:
        energy: Of the film.
        polarization: Where to start, shape (cells, cells).
        field: Frozen field e, shape (cells, cells).
        steps: How many steps.
        time_step: Length of a step in reduced time.

    Returns:
        The relaxed polarisation, shape (cells, cells).

    Source:
        Semi-implicit Fourier scheme: L. Q. Chen and J. Shen, Comput. Phys. Commun. 108, 147 (1998).
    """
    damping = 1 / (1 + time_step * (SPLITTING + energy.stiffness()))
    p = polarization
    spectrum = np.fft.rfft2(p)
    for _ in range(steps):
        explicit = p * (1 + SPLITTING - p * p) + field
        spectrum = (spectrum + time_step * np.fft.rfft2(explicit)) * damping
        p = np.fft.irfft2(spectrum, s=p.shape)
    return np.asarray(p)
