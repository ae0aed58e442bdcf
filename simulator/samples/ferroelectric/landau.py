"""LandauMaterial: the free energy of a bulk ferroelectric, in volts, metres and coulombs.

Every quantity follows from the Gibbs energy density of a crystal free of stress, with S2 the sum of
Pi^2, S4 of Pi^4 and so on:

f = a1 S2 + a11 S4 + a12 (P1^2 P2^2 + ...) + a111 S6 + a112 (P1^4 (P2^2 + P3^2) + ...)
  + a123 P1^2 P2^2 P3^2 + a1111 S8 + a1112 (P1^6 (P2^2 + P3^2) + ...)
  + a1122 (P1^4 P2^4 + ...) + a1123 (P1^4 P2^2 P3^2 + ...) + (g / 2) |grad P|^2 - E . P
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spm_auto.instrument import FloatArray

VACUUM_PERMITTIVITY = 8.8541878188e-12  # [F/m], CODATA 2022
ROOM_TEMPERATURE = 25.0  # [C]
QUADRATURE_POINTS = 4001


class Stiffness(NamedTuple):
    """Landau coefficients at one temperature.

    Units: a1 [J m/C^2], a11 [J m^5/C^4], a111 [J m^9/C^6], a1111 [J m^13/C^8].
    """

    a1: float
    a11: float
    a111: float
    a1111: float


@dataclass(frozen=True, slots=True)
class LandauMaterial:
    """A tetragonal perovskite described by Landau, Ginzburg and Devonshire.

    Attributes:
        name: Chemical formula.
        curie_constant: Slope of a1 over temperature [J m/(C^2 K)].
        curie_temperature: Where a1 changes its sign [C].
        a11, a12: Of fourth order [J m^5/C^4].
        a111, a112, a123: Of sixth order [J m^9/C^6].
        a1111, a1112, a1122, a1123: Of eighth order [J m^13/C^8].
        q11, q12, q44: Electrostriction [m^4/C^2].
        gradient: Stiffness g of a 180-degree wall [J m^3/C^2].
        source: Where the numbers come from.
    """

    name: str
    curie_constant: float
    curie_temperature: float
    a11: float
    a12: float
    a111: float
    a112: float
    a123: float
    a1111: float
    a1112: float
    a1122: float
    a1123: float
    q11: float
    q12: float
    q44: float
    gradient: float
    source: str

    def stiffness(self, temperature: float = ROOM_TEMPERATURE) -> Stiffness:
        """Return the coefficients that matter to a polarisation along one axis.

        Raises:
            ValueError: The temperature [C] is not below that where a1 vanishes.
        """
        if not temperature < self.curie_temperature:
            raise ValueError(
                f"{self.name} must be colder than {self.curie_temperature:g} C, "
                f"got {temperature:g} C"
            )
        a1 = self.curie_constant * (temperature - self.curie_temperature)
        return Stiffness(a1, self.a11, self.a111, self.a1111)

    def density(
        self, polarization: FloatArray, temperature: float = ROOM_TEMPERATURE
    ) -> FloatArray:
        """Return the energy density [J/m^3] of polarisations [C/m^2], their components last."""
        q = np.asarray(polarization) ** 2
        x, y, z = q[..., 0], q[..., 1], q[..., 2]
        c = self.stiffness(temperature)
        pairs = x * y + y * z + z * x
        along = c.a1 * q.sum(-1) + c.a11 * (q**2).sum(-1) + c.a111 * (q**3).sum(-1)
        fourth = x**2 * (y + z) + y**2 * (z + x) + z**2 * (x + y)
        sixth = x**3 * (y + z) + y**3 * (z + x) + z**3 * (x + y)
        mixed = self.a12 * pairs + self.a112 * fourth + self.a123 * x * y * z
        eighth = (
            c.a1111 * (q**4).sum(-1)
            + self.a1112 * sixth
            + self.a1122 * ((x * y) ** 2 + (y * z) ** 2 + (z * x) ** 2)
            + self.a1123 * x * y * z * q.sum(-1)
        )
        return np.asarray(along + mixed + eighth)

    def axial_density(
        self, polarization: FloatArray, temperature: float = ROOM_TEMPERATURE
    ) -> FloatArray:
        """Return the energy density [J/m^3] of a polarisation along one axis [C/m^2]."""
        c, q = self.stiffness(temperature), np.asarray(polarization) ** 2
        return np.asarray(q * (c.a1 + q * (c.a11 + q * (c.a111 + q * c.a1111))))

    def axial_field(
        self, polarization: FloatArray, temperature: float = ROOM_TEMPERATURE
    ) -> FloatArray:
        """Return the field [V/m] that holds a polarisation along one axis [C/m^2]: df/dP."""
        c, p = self.stiffness(temperature), np.asarray(polarization)
        q = p * p
        return np.asarray(2 * p * (c.a1 + q * (2 * c.a11 + q * (3 * c.a111 + q * 4 * c.a1111))))

    def _inverse_susceptibility(self, polarization: float, temperature: float) -> float:
        """Return d2f/dP2 [V m/C]."""
        c, q = self.stiffness(temperature), polarization**2
        return 2 * c.a1 + q * (12 * c.a11 + q * (30 * c.a111 + q * 56 * c.a1111))

    def spontaneous_polarization(self, temperature: float = ROOM_TEMPERATURE) -> float:
        """Return the polarisation of lowest energy [C/m^2]."""
        c = self.stiffness(temperature)
        roots = np.roots([4 * c.a1111, 3 * c.a111, 2 * c.a11, c.a1])
        squares = roots.real[(abs(roots.imag) < 1e-9 * abs(roots)) & (roots.real > 0)]
        return float(np.sqrt(min(squares, key=lambda q: self.axial_density(q**0.5, temperature))))

    def permittivity(self, temperature: float = ROOM_TEMPERATURE) -> float:
        """Return the relative permittivity along the polar axis, without the vacuum's 1."""
        at_rest = self.spontaneous_polarization(temperature)
        return 1 / (VACUUM_PERMITTIVITY * self._inverse_susceptibility(at_rest, temperature))

    def coercive_field(self, temperature: float = ROOM_TEMPERATURE) -> float:
        """Return the intrinsic coercive field [V/m]: where a single domain loses its stability."""
        c = self.stiffness(temperature)
        roots = np.roots([56 * c.a1111, 30 * c.a111, 12 * c.a11, 2 * c.a1])
        squares = roots.real[(abs(roots.imag) < 1e-9 * abs(roots)) & (roots.real > 0)]
        most = self.spontaneous_polarization(temperature) ** 2
        at = np.sqrt(squares[squares < most])
        return float(np.max(np.abs(self.axial_field(at, temperature))))

    def d33(self, temperature: float = ROOM_TEMPERATURE) -> float:
        """Return the piezoelectric coefficient along the polar axis [m/V]."""
        return 2 * self._electrostriction(temperature) * self.q11

    def d31(self, temperature: float = ROOM_TEMPERATURE) -> float:
        """Return the piezoelectric coefficient across the polar axis [m/V]."""
        return 2 * self._electrostriction(temperature) * self.q12

    def _electrostriction(self, temperature: float) -> float:
        permittivity = VACUUM_PERMITTIVITY * self.permittivity(temperature)
        return permittivity * self.spontaneous_polarization(temperature)

    def tetragonality(self, temperature: float = ROOM_TEMPERATURE) -> float:
        """Return c/a - 1 of the crystal free of stress."""
        return (self.q11 - self.q12) * self.spontaneous_polarization(temperature) ** 2

    def wall_energy(self, temperature: float = ROOM_TEMPERATURE) -> float:
        """Return the energy of a 180-degree wall [J/m^2].

        sigma = int_{-Ps}^{Ps} sqrt(2 g (f(P) - f0)) dP, exact for a wall that only P crosses.
        """
        p, excess = self._across_the_wall(temperature)
        return float(2 * np.trapezoid(np.sqrt(2 * self.gradient * excess), p))

    def wall_half_width(self, temperature: float = ROOM_TEMPERATURE) -> float:
        """Return where the tangent at the middle of a 180-degree wall reaches Ps [m]."""
        p, excess = self._across_the_wall(temperature)
        return float(p[-1] / np.sqrt(2 * excess[0] / self.gradient))

    def wall_profile(
        self, distance: FloatArray, temperature: float = ROOM_TEMPERATURE
    ) -> FloatArray:
        """Return the polarisation [C/m^2] at distances from the middle of a 180-degree wall [m].

        From dx = dP / sqrt(2 (f(P) - f0) / g), integrated from the middle outwards.
        """
        p, excess = self._across_the_wall(temperature)
        slope = np.sqrt(2 * excess[:-1] / self.gradient)
        steps = np.diff(p[:-1]) * (1 / slope[1:] + 1 / slope[:-1]) / 2
        x = np.concatenate([[0.0], np.cumsum(steps)])
        away = np.abs(np.asarray(distance, dtype=float))
        return np.asarray(np.sign(distance) * np.interp(away, x, p[:-1], right=p[-1]))

    def _across_the_wall(self, temperature: float) -> tuple[FloatArray, FloatArray]:
        """Return polarisations from 0 to Ps, denser towards Ps, and their energy above f(Ps)."""
        full = self.spontaneous_polarization(temperature)
        p = full * np.sin(np.linspace(0, np.pi / 2, QUADRATURE_POINTS))
        density = self.axial_density(p, temperature)
        return p, np.maximum(density - density[-1], 0.0)


PBTIO3 = LandauMaterial(
    name="PbTiO3",
    curie_constant=3.8e5,
    curie_temperature=479.0,
    a11=-7.3e7,
    a12=7.5e8,
    a111=2.6e8,
    a112=6.1e8,
    a123=-3.7e9,
    a1111=0.0,
    a1112=0.0,
    a1122=0.0,
    a1123=0.0,
    q11=0.089,
    q12=-0.026,
    q44=0.0675,
    gradient=0.6 * 1.73e-10,
    source="M. J. Haun et al., J. Appl. Phys. 62, 3331 (1987); g: Y. L. Li et al., Acta Mater. 50, "
    "395 (2002)",
)

BATIO3 = LandauMaterial(
    name="BaTiO3",
    curie_constant=4.124e5,
    curie_temperature=115.0,
    a11=-2.097e8,
    a12=7.974e8,
    a111=1.294e9,
    a112=-1.950e9,
    a123=-2.5e9,
    a1111=3.863e10,
    a1112=2.529e10,
    a1122=1.637e10,
    a1123=1.367e10,
    q11=0.10,
    q12=-0.034,
    q44=0.029,
    gradient=1.5e-10,
    source="Y. L. Li, L. E. Cross and L. Q. Chen, J. Appl. Phys. 98, 064101 (2005); g: chosen for "
    "a wall energy of 10 mJ/m^2, published ones are 7 to 17 mJ/m^2",
)
