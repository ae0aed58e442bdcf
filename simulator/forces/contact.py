"""ContactLaw: load, indentation and contact radius of an adhesive sphere on a flat."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from spm_auto.instrument import FloatArray

CUT_OFF = 0.165e-9  # [m], separation of surfaces in contact; J. Israelachvili, 2011, section 13.2

ContactModel = Literal["automatic", "hertz", "dmt", "jkr"]


def plane_strain_modulus(young_modulus: float, poisson_ratio: float) -> float:
    """Return E / (1 - nu^2) [Pa], what one body contributes to the stiffness of a contact."""
    return young_modulus / (1 - poisson_ratio**2)


def reduced_modulus(sample: ArrayLike, tip: float) -> FloatArray:
    """Return E* of two bodies [Pa], 1/E* = (1 - nu_s^2)/E_s + (1 - nu_t^2)/E_t.

    Args:
        sample: Plane-strain modulus of the sample [Pa], any shape.
        tip: Plane-strain modulus of the tip [Pa]; infinite for a rigid one.
    """
    return np.asarray(1 / (1 / np.asarray(sample, dtype=float) + 1 / tip))


def tabor_parameter(radius: float, modulus: ArrayLike, adhesion: ArrayLike) -> FloatArray:
    """Return (R w^2 / (E*^2 z0^3))^(1/3): far below 1 a contact is DMT-like, far above JKR-like.

    Args:
        radius: Of the apex [m].
        modulus: Reduced modulus [Pa].
        adhesion: Work of adhesion [J/m^2].

    Source:
        D. Tabor, J. Colloid Interface Sci. 58, 2 (1977).
    """
    stretch = np.asarray(adhesion, dtype=float) / np.asarray(modulus, dtype=float)
    return np.asarray(np.cbrt(radius * stretch**2 / CUT_OFF**3))


@dataclass(frozen=True, slots=True, eq=False)
class ContactLaw:
    """One form for Hertz, DMT, JKR and what lies between, with the contact radius a as parameter.

    With v = a^(3/2): load F = hertz v^2 - neck v - floor, indentation d = v^(4/3)/R - pull v^(1/3).
    JKR is exactly of this form (floor 0), DMT too (neck and pull 0); Hertz has only the first term.
    Fields are of one shape, or numbers.

    Attributes:
        radius: Of the apex [m].
        modulus: Reduced modulus [Pa].
        adhesion: Work of adhesion [J/m^2].
        pull_off: Largest attraction of the contact [N], positive.
        hertz: Coefficient 4 E* / 3 R [N/m^3].
        neck: Coefficient of the adhesion inside the contact [N/m^1.5].
        floor: Attraction from around the contact [N].
        pull: Coefficient of the raised rim [m^0.5].
        end: v = a^(3/2) at which a contact held at fixed distance breaks [m^1.5].
    """

    radius: float
    modulus: FloatArray
    adhesion: FloatArray
    pull_off: FloatArray
    hertz: FloatArray
    neck: FloatArray
    floor: FloatArray
    pull: FloatArray
    end: FloatArray

    def load(self, v: FloatArray) -> FloatArray:
        """Return the force that presses the tip on the sample [N] at v = a^(3/2) [m^1.5]."""
        return np.asarray((self.hertz * v - self.neck) * v - self.floor)

    def indentation(self, v: FloatArray) -> FloatArray:
        """Return how deep the apex is in the sample [m] at v = a^(3/2); negative with a neck."""
        root = np.cbrt(v)
        return np.asarray(v * root / self.radius - self.pull * root)

    def gap(self, v: FloatArray) -> FloatArray:
        """Return the gap at v = a^(3/2) [m]: the cut-off where the sphere just touches."""
        return np.asarray(CUT_OFF - self.indentation(v))

    def at_load(self, load: ArrayLike) -> FloatArray:
        """Return v = a^(3/2) [m^1.5] at a load [N]; NaN beyond the pull-off."""
        free = self.neck**2 + 4 * self.hertz * (np.asarray(load, dtype=float) + self.floor)
        root = np.sqrt(np.where(free >= 0, free, np.nan))
        return np.asarray((self.neck + root) / (2 * self.hertz))

    def indentation_at(self, load: ArrayLike) -> FloatArray:
        """Return the indentation at a load [m]; NaN beyond the pull-off."""
        return self.indentation(self.at_load(load))

    def area_at(self, load: ArrayLike) -> FloatArray:
        """Return the contact area pi a^2 at a load [m^2]; NaN beyond the pull-off."""
        return np.asarray(math.pi * self.at_load(load) ** (4 / 3))

    @property
    def hamaker_constant(self) -> FloatArray:
        """Hamaker constant that makes van der Waals attraction and adhesion one [J].

        Source:
            J. Israelachvili, Intermolecular and Surface Forces (2011): w = H / (12 pi a0^2).
        """
        return np.asarray(12 * math.pi * CUT_OFF**2 * self.adhesion)

    @property
    def touching(self) -> FloatArray:
        """Gap at which the surfaces come together: van der Waals equals the pull-off [m]."""
        ratio = np.ones_like(self.adhesion)
        np.divide(self.hamaker_constant * self.radius, 6 * self.pull_off, out=ratio,
                  where=self.pull_off > 0)  # fmt: skip
        return np.asarray(np.where(self.pull_off > 0, np.sqrt(ratio), CUT_OFF))

    def attraction(self, gap: FloatArray) -> FloatArray:
        """Return the van der Waals force on the tip in front of the sample [N], negative.

        F = -H R / 6 D^2 for gaps D much smaller than R.

        Args:
            gap: Between apex and surface [m], not below `touching`.
        """
        return np.asarray(-self.hamaker_constant * self.radius / (6 * gap**2))


def contact_law(
    radius: float,
    modulus: ArrayLike,
    adhesion: ArrayLike,
    model: ContactModel = "automatic",
) -> ContactLaw:
    """Return the law of a contact.

    "automatic" goes smoothly from DMT to JKR with the Tabor parameter. Between the two the form is
    that of Carpick, Ogletree and Salmeron; its contact radius at zero load is not taken from their
    fit, which misses the Hertz limit by up to 3 %, but from that limit.

    Args:
        radius: Of the apex [m], positive.
        modulus: Reduced modulus [Pa], any shape.
        adhesion: Work of adhesion [J/m^2], of the same shape or a number.
        model: Which theory; "hertz" has no attraction at all.

    Source:
        B. Derjaguin, V. Muller, Y. Toporov, J. Colloid Interface Sci. 53, 314 (1975);
        K. Johnson, K. Kendall, A. Roberts, Proc. R. Soc. A 324, 301 (1971);
        R. Carpick, D. Ogletree, M. Salmeron, J. Colloid Interface Sci. 211, 395 (1999);
        O. Pietrement, M. Troyon, J. Colloid Interface Sci. 226, 166 (2000) for the indentation.
    """
    modulus, adhesion = np.broadcast_arrays(
        np.asarray(modulus, dtype=float), np.asarray(adhesion, dtype=float)
    )
    if model == "hertz":
        adhesion = np.zeros_like(modulus)
    alpha, rim, share = _transition(tabor_parameter(radius, modulus, adhesion), model)
    hertz = 4 * modulus / (3 * radius)
    pull_off = share * math.pi * radius * adhesion
    # at a = a0, where u = 1 and F = 0: F = pull_off (((1 + alpha) u - alpha)^2 - 1), u = v / v0
    scale = np.sqrt(pull_off / hertz) * (1 + alpha)  # v0 = a0^(3/2)
    return ContactLaw(
        radius=radius,
        modulus=modulus,
        adhesion=adhesion,
        pull_off=np.asarray(pull_off),
        hertz=np.asarray(hertz),
        neck=np.asarray(2 * alpha * np.sqrt(pull_off * hertz)),
        floor=np.asarray(pull_off * (1 - alpha**2)),
        pull=np.asarray(rim * scale / radius),
        end=np.asarray(rim / 4 * scale),
    )


def _transition(
    tabor: FloatArray, model: ContactModel
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the transition parameter, the weight of the raised rim and pull-off / (pi R w)."""
    if model == "jkr":
        return np.ones_like(tabor), np.full_like(tabor, 2 / 3), np.full_like(tabor, 1.5)
    if model in ("dmt", "hertz"):
        return np.zeros_like(tabor), np.zeros_like(tabor), np.full_like(tabor, 2.0)
    maugis = 1.157 * tabor
    alpha = (1 - np.exp(-maugis / 0.924)) / 1.02
    power = 4.04 * maugis**1.4
    share = 1.75 - 0.25 * (power - 1) / (power + 1)
    rim = np.maximum(-2.160 * alpha**0.019 + 2.7531 * alpha**0.064 + 0.073 * alpha**1.919, 0.0)
    return np.asarray(alpha), np.asarray(rim), np.asarray(share)
