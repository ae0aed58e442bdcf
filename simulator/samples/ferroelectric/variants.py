"""Growth of a film with all three variants: c domains that stand, a1 and a2 lamellae that lie."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spm_auto.instrument import FloatArray

ComplexArray = NDArray[np.complex128]

SPLITTING = 2.5  # part of the double well that the implicit side takes
TIME_STEP = 0.4  # reduced time of one step


@dataclass(frozen=True, slots=True)
class VariantEnergy:
    """Free energy of a film whose polarisation P may point along three axes.

    In reduced units, S2 being the sum of all Pi^2 and q1 = P1^2, q2 = P2^2 the lying variants:

    -S2 / 2 + S2^2 / 4 + beta (P1^2 P2^2 + P2^2 P3^2 + P3^2 P1^2) + l^2 |grad P|^2 / 2
    + B (kt^2 / k^2) |q1|^2 / 2 + B (ka^2 / k^2) |q2|^2 / 2: walls that are compatible with the
    lattice lie across the axis of their own variant, so lamellae of a1 run along the second axis;
    + Bc lp(k) |q1 + q2 - a|^2 / 2 with lp = (1 - exp(-k h)) / (k h): the substrate wants a share a
    of lying domains, seen over more than the film's thickness h;
    + Kd |k . P|^2 / (2 k^2): no charge inside the film; + D0 lp(k) |P3|^2 / 2: nor on its faces.

    The kernels are projections of three-dimensional elasticity on the plane of the film.

    Attributes:
        cells: Cells along each side of the periodic grid.
        cell: Side of one cell [m]; the gradient length l is one cell.
        thickness: Of the film [m].
        depolarization: Unscreened share D0 of the depolarising field.
        anisotropy: Cost beta of a polarisation between the axes.
        compatibility: Stiffness B of the lattice.
        clamping: Stiffness Bc of the substrate.
        lying: Share a of lying domains that the misfit asks for.
        charge: Cost Kd of charge inside the film.
        angle: Of the first crystal axis, from x [rad].

    Source:
        Phase-field theory of ferroelastic twins with compatibility kernels: A. Khachaturyan, Theory
        of Structural Transformations in Solids (1983); S. Semenovskaya and A. Khachaturyan, J.
        Appl. Phys. 83, 5125 (1998). The projection is this program's own.
    """

    cells: int
    cell: float
    thickness: float
    depolarization: float
    anisotropy: float
    compatibility: float
    clamping: float
    lying: float
    charge: float
    angle: float

    def relax(self, polarization: FloatArray, field: FloatArray, steps: int) -> FloatArray:
        """Let the polarisation slide down the energy; semi-implicit in Fourier space.

        Args:
            polarization: Components along the first and second crystal axis and the normal, shape
                [3, row, column]; left as it is.
            field: Frozen field along the normal, shape (cells, cells).
            steps: How many steps.
        """
        from scipy.fft import irfft2, rfft2

        kernel = _Kernel.of(self)
        beta, dt = 2 * self.anisotropy, TIME_STEP
        p = polarization.copy()
        shape = p.shape[1:]
        spectrum = rfft2(p)
        forces = np.empty((5, *shape))
        elastic = np.empty((2, *spectrum.shape[1:]), dtype=complex)
        for _ in range(steps):
            q = p * p
            total = q.sum(axis=0)
            forces[:3] = p * (1 + SPLITTING + beta * q - (1 + beta) * total)
            forces[2] += field
            forces[3:] = q[:2]
            transformed = rfft2(forces)
            both = kernel.clamping * (transformed[3] + transformed[4])
            elastic[0] = kernel.across * transformed[3] + both
            elastic[1] = kernel.along * transformed[4] + both
            stress = irfft2(elastic, s=shape) - self.clamping * self.lying
            transformed[:2] -= rfft2(2 * p[:2] * stress)
            charge = self.charge * (kernel.first * spectrum[0] + kernel.second * spectrum[1])
            transformed[0] -= kernel.first * charge
            transformed[1] -= kernel.second * charge
            spectrum = (spectrum + dt * transformed[:3]) * kernel.damping
            p = irfft2(spectrum, s=shape)
        return np.asarray(p)


@dataclass(frozen=True, slots=True, eq=False)
class _Kernel:
    """Kernels on the half plane of wave vectors; ``first`` and ``second`` are unit vectors."""

    first: FloatArray
    second: FloatArray
    across: FloatArray
    along: FloatArray
    clamping: FloatArray
    damping: FloatArray

    @classmethod
    def of(cls, energy: VariantEnergy) -> "_Kernel":
        ky = 2 * np.pi * np.fft.fftfreq(energy.cells)[:, np.newaxis]
        kx = 2 * np.pi * np.fft.rfftfreq(energy.cells)[np.newaxis, :]
        k = np.hypot(kx, ky)
        k[0, 0] = 1.0
        cos, sin = math.cos(energy.angle), math.sin(energy.angle)
        first, second = (cos * kx + sin * ky) / k, (cos * ky - sin * kx) / k
        k[0, 0] = 0.0
        first[0, 0] = second[0, 0] = 0.0
        depth = k * energy.thickness / energy.cell
        with np.errstate(invalid="ignore"):
            screened = np.where(depth > 0, -np.expm1(-depth) / depth, 1.0)
        lying = 1 / (1 + TIME_STEP * (SPLITTING + k**2))
        standing = 1 / (1 + TIME_STEP * (SPLITTING + k**2 + energy.depolarization * screened))
        return cls(
            first=first,
            second=second,
            across=energy.compatibility * second**2,
            along=energy.compatibility * first**2,
            clamping=energy.clamping * screened,
            damping=np.stack([lying, lying, standing]),
        )
