"""SurfaceView: a surface under one junction, with the current in closed form.

The current is I = G0 U(x, y, V) exp(-2 kappa s), and a tip that feels the gap s stands at
z = h(x, y) + s + ln(1 + M(s) L(x, y)) / (2 kappa). Here h is the surface without its lattice, L the
lattice from 0 to 1, and M = M0 exp(-2 s [sqrt(kappa^2 + G^2/4) - kappa]): the density of a lattice
dies away faster than the density itself (Tersoff and Hamann, 1985). So the height at a set-point is
a formula, and so is every spectrum: the gap does not change while the bias is swept.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spm_auto.instrument import FloatArray

from ...compiled import compiled
from .kernels import Bins, Electrons, Relief, Spots, answers, heights
from .protocol import Junction
from .tunnelling import CONDUCTANCE_QUANTUM

ITERATIONS = 60  # of Newton's method from a height to a gap; it ends when nothing changes


@dataclass(frozen=True, slots=True)
class Corrugation:
    """How the lattice shows at each gap.

    Attributes:
        contrast: M at the reference gap, for the tip in use.
        reference: That gap [m].
        decay: Of M with the gap [1/m].
    """

    contrast: float
    reference: float
    decay: float

    def at(self, gap: FloatArray) -> FloatArray:
        """Return M at a gap [m]."""
        return self.contrast * np.exp(-self.decay * (gap - self.reference))


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """Where everything is, as the inner loops want it.

    Attributes:
        bumps: Which features stand out where.
        felt: Which ones the electrons feel where.
        spots: The features.
        relief: Their shape and that of the surface.
    """

    bumps: Bins
    felt: Bins
    spots: Spots
    relief: Relief


class SurfaceView:
    """A surface as a tip finds it at one moment; see `StmView`.

    Args:
        junction: How the tip stands over it.
        decay: 2 kappa [1/m].
        geometry: Of the surface.
        corrugation: Of its lattice.
        tables: Makes the electrons' tables for biases [V] and a modulation [V]: all integrals U,
            then all derivatives dU/dV.
    """

    def __init__(
        self,
        junction: Junction,
        decay: float,
        geometry: Geometry,
        corrugation: Corrugation,
        tables: Callable[[FloatArray, float], Electrons],
    ) -> None:
        self.junction = junction
        self.decay = decay
        self._geometry = geometry
        self._corrugation = corrugation
        self._tables = tables
        self._here = tables(np.array([junction.bias]), junction.modulation)

    def contour(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Return the heights of the tip at which the current is the set-point [m]."""
        return self.topography(x, y)[0]

    def topography(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the contour [m] and the conductance on it at the junction's bias [S]."""
        flat_x, flat_y = _flat(x), _flat(y)
        smooth, lattice = self._heights(flat_x, flat_y)
        found = self._answers(flat_x, flat_y, self._here)
        gap = self._gap(found[:, 0])
        bright = np.log1p(self._corrugation.at(gap) * lattice) / self.decay
        z = smooth + gap + bright
        conductance = found[:, 1] / np.abs(found[:, 0]) * self.junction.setpoint
        return z.reshape(np.shape(x)), conductance.reshape(np.shape(x))

    def current(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """Return the current at the junction's bias and any height [A], of the points' shape."""
        flat_x, flat_y = _flat(x), _flat(y)
        smooth, lattice = self._heights(flat_x, flat_y)
        found = self._answers(flat_x, flat_y, self._here)[:, 0]
        gap = self._gap_below(np.broadcast_to(z, np.shape(x)).ravel() - smooth, lattice)
        current = CONDUCTANCE_QUANTUM * found * np.exp(-self.decay * gap)
        return current.reshape(np.shape(x))

    def spectra(
        self, x: FloatArray, y: FloatArray, bias: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return current [A] and conductance [S] where the tip was set and then held."""
        flat_x, flat_y = _flat(x), _flat(y)
        biases = np.concatenate((bias, (self.junction.bias,)))
        found = self._answers(flat_x, flat_y, self._tables(biases, self.junction.modulation))
        found *= (self.junction.setpoint / np.abs(found[:, len(bias)]))[:, np.newaxis]
        shape, end = (*np.shape(x), len(bias)), len(biases) + len(bias)
        return found[:, : len(bias)].reshape(shape), found[:, len(biases) : end].reshape(shape)

    def _gap(self, integral: FloatArray) -> FloatArray:
        """Return the gap at which the current is the set-point [m]."""
        ratio = CONDUCTANCE_QUANTUM * np.abs(integral) / self.junction.setpoint
        return np.asarray(np.log(ratio) / self.decay)

    def _gap_below(self, height: FloatArray, lattice: FloatArray) -> FloatArray:
        """Return the gap under a tip that stands so high over the surface without atoms [m]."""
        gap = np.array(height, dtype=float)
        for _ in range(ITERATIONS):
            contrast = self._corrugation.at(gap) * lattice
            bright = np.log1p(contrast) / self.decay
            slope = 1 - self._corrugation.decay / self.decay * contrast / (1 + contrast)
            step = (gap + bright - height) / np.maximum(slope, 0.3)
            gap = gap - step
            if not np.any(np.abs(step) > 1e-19):
                break
        return gap

    def _heights(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the height without the lattice [m] and the lattice from 0 to 1."""
        smooth, lattice = np.empty(len(x)), np.empty(len(x))
        where = self._geometry
        compiled(heights)(x, y, where.bumps, where.spots, where.relief, smooth, lattice)
        return smooth, lattice

    def _answers(self, x: FloatArray, y: FloatArray, electrons: Electrons) -> FloatArray:
        out = np.empty((len(x), electrons.base.shape[1]))
        where = self._geometry
        compiled(answers)(x, y, where.felt, where.spots, where.relief, electrons, out)
        return out


def contrast_of(corrugation: float, decay: float, reciprocal: float, blur: float) -> float:
    """Return M that shows as a corrugation [m] to a perfect tip, lessened for one that blurs.

    Args:
        corrugation: From the deepest to the highest point [m].
        decay: 2 kappa [1/m].
        reciprocal: Length G of the lattice's shortest reciprocal vector [rad/m].
        blur: Standard deviation of the area that the tip averages over [m].
    """
    return math.expm1(decay * corrugation) * math.exp(-((reciprocal * blur) ** 2) / 2)


def lattice_decay(decay: float, reciprocal: float) -> float:
    """Return 2 [sqrt(kappa^2 + G^2 / 4) - kappa] [1/m]: how a lattice fades with the gap.

    Source:
        J. Tersoff and D. R. Hamann, Phys. Rev. B 31, 805 (1985).
    """
    return math.hypot(decay, reciprocal) - decay


def _flat(values: FloatArray) -> FloatArray:
    return np.ascontiguousarray(values, dtype=float).ravel()
