"""Spread: what a composition does to a film whose phase changes somewhere along a library.

The curves are those of a rhombohedral ferroelectric that is doped towards a morphotropic phase
boundary, as bismuth ferrite with samarium: the response grows towards the boundary as the energy
becomes flat, about twice there what it is without, while the coercive field falls; beyond it the
film becomes antiferroelectric-like and what can be switched dies away within a few percent
(S. Fujino et al., Appl. Phys. Lett. 92, 202904 (2008): boundary at 14 % of samarium; D. Kan et al.,
Adv. Funct. Mater. 20, 1108 (2010): double loops beyond it). Their shapes are chosen, not fitted.
"""

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from spm_auto.instrument import FloatArray
from spm_auto.units import Bias

LEAST = 0.02  # share of the response that is left far beyond the boundary


class SpreadSettings(BaseModel):
    """How the properties of the film follow its composition c, a fraction.

    Attributes:
        boundary: Composition of the phase boundary.
        width: Over which the response grows towards the boundary.
        death: Over which the switchable response dies away beyond it.
        gain: Response at the boundary in units of that at c = 0, were there no other phase.
        softening: Share of the coercive bias that is lost from c = 0 to the boundary.
        imprint: Bias by which loops are shifted at the boundary; it grows in proportion to c.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    boundary: float = Field(default=0.14, gt=0, lt=1)
    width: float = Field(default=0.03, gt=0, lt=1)
    death: float = Field(default=0.006, gt=0, lt=1)
    gain: float = Field(default=2.2, ge=1, le=10)
    softening: float = Field(default=0.4, ge=0, lt=1)
    imprint: Bias = -0.8

    @model_validator(mode="after")
    def _has_an_optimum(self) -> "SpreadSettings":
        if self.death > self.width:
            raise ValueError(
                f"the response must die faster than it grew: death of {self.death:g} "
                f"is more than width of {self.width:g}"
            )
        return self

    def response(self, composition: FloatArray) -> FloatArray:
        """Return the switchable response in units of that at c = 0.

        A Lorentzian peak at the boundary times the share of the ferroelectric phase, a logistic
        curve that is one half at two widths of death beyond it:
        r(c) = (1 + (gain - 1) (L(c) - L(0)) / (1 - L(0))) s(c) / s(0).
        """
        c = np.asarray(composition, dtype=float)
        grown = (self._peak(c) - self._peak(0.0)) / (1 - self._peak(0.0))
        share = self._ferroelectric(c) / self._ferroelectric(0.0)
        return np.asarray(np.maximum((1 + (self.gain - 1) * grown) * share, LEAST))

    def coercive(self, composition: FloatArray) -> FloatArray:
        """Return the coercive bias in units of that at c = 0; constant beyond the boundary."""
        way = np.clip(np.asarray(composition, dtype=float) / self.boundary, 0.0, 1.0)
        return np.asarray(1 - self.softening * way)

    def shift(self, composition: FloatArray) -> FloatArray:
        """Return the bias by which loops are shifted [V]."""
        return np.asarray(self.imprint * np.asarray(composition, dtype=float) / self.boundary)

    def _peak(self, c: FloatArray | float) -> FloatArray:
        return np.asarray(1 / (1 + ((np.asarray(c) - self.boundary) / self.width) ** 2))

    def _ferroelectric(self, c: FloatArray | float) -> FloatArray:
        beyond = (np.asarray(c) - self.boundary - 2 * self.death) / self.death
        return np.asarray(1 / (1 + np.exp(np.clip(beyond, -50.0, 50.0))))
