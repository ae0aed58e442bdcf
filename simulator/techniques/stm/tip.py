"""TipOverSample: a tip as it is at one moment, over a sample; a second end carries current too."""

from dataclasses import dataclass

import numpy as np

from spm_auto.instrument import FloatArray

from ...samples.stm import Junction, StmSample, StmView
from ...tips import TipState, Twin

WIDTHS = 2.3548200450309493  # full width at half maximum of a Gaussian, in standard deviations


@dataclass(frozen=True, slots=True, eq=False)
class TipOverSample:
    """Where the set-point current flows, and what a spectrum shows there.

    Attributes:
        view: The sample under one end of the tip.
        setpoint: Current that sets the distance [A].
        offset: By which everything appears higher since the first tip [m].
        twin: A second end, if there is one.
    """

    view: StmView
    setpoint: float
    offset: float = 0.0
    twin: Twin | None = None

    @classmethod
    def of(cls, tip: TipState, sample: StmSample, junction: Junction) -> "TipOverSample":
        """Put a tip over a sample.

        Args:
            tip: As it is.
            sample: As it is.
            junction: Of a good tip.
        """
        real = Junction(
            bias=junction.bias,
            setpoint=junction.setpoint,
            temperature=junction.temperature,
            blur=junction.blur * tip.blur,
            exponent=junction.exponent * tip.exponent,
            modulation=junction.modulation,
        )
        return cls(sample.view(real), junction.setpoint, tip.offset, tip.twin)

    @property
    def decay(self) -> float:
        """2 kappa [1/m]."""
        return self.view.decay

    def topography(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the height at the set-point [m] and the conductance there [S]."""
        z, conductance = self.view.topography(x, y)
        if self.twin is not None:
            other_z, other = self.view.topography(x + self.twin.dx, y + self.twin.dy)
            share, z = self._shared(z, other_z)
            conductance = share * conductance + (1 - share) * other
        return (z + self.offset if self.offset else z), conductance

    def spectra(
        self, x: FloatArray, y: FloatArray, bias: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return current [A] and conductance [S] where the tip was set and then held.

        Args:
            x: Where [m], any shape.
            y: Where [m], the same shape.
            bias: [V], shape (n,).

        Returns:
            Two arrays of the points' shape and one more axis, the bias.
        """
        current, conductance = self.view.spectra(x, y, bias)
        if self.twin is not None:
            beside = x + self.twin.dx, y + self.twin.dy
            share, _ = self._shared(self.view.contour(x, y), self.view.contour(*beside))
            share = share[..., np.newaxis]
            other_current, other = self.view.spectra(*beside, bias)
            current = share * current + (1 - share) * other_current
            conductance = share * conductance + (1 - share) * other
        return current, conductance

    def _shared(self, z: FloatArray, other_z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the first end's share of the current, and the height at which both add up."""
        assert self.twin is not None
        lower = self.decay * (other_z - self.twin.dz)
        both = np.logaddexp(self.decay * z, lower)
        return np.exp(self.decay * z - both), both / self.decay
