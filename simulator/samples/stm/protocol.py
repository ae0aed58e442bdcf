"""What a tunnelling microscope needs of a sample: where the current is what, and its spectra."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Protocol

from spm_auto.instrument import FloatArray
from spm_auto.units import Length

from ...checks import within
from ..protocol import Sample, SampleSettings

SampleSize = Annotated[Length, within(1e-9, 1e-6, "m")]  # what a tube scanner reaches


@dataclass(frozen=True, slots=True)
class Junction:
    """How the tip stands over the sample.

    Attributes:
        bias: Of the sample, at which the distance is set [V], not 0.
        setpoint: Magnitude of the current that sets the distance [A].
        temperature: Of tip and sample [K].
        blur: Standard deviation of the area that the tip averages over [m]; 0 for a point.
        exponent: Decay of the current with the gap, in units of a good tip's.
        modulation: Amplitude by which a lock-in shakes the bias [V]; 0 for the derivative itself.
    """

    bias: float
    setpoint: float
    temperature: float
    blur: float = 0.0
    exponent: float = 1.0
    modulation: float = 0.0


class StmView(Protocol):
    """A sample under one junction, as it is at one moment; answers without noise, anywhere."""

    @property
    def decay(self) -> float:
        """2 kappa [1/m]: the current falls as exp(-2 kappa z)."""

    def contour(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Return the heights of the tip at which the current is the set-point [m].

        Args:
            x: Where [m], any shape.
            y: Where [m], the same shape.
        """

    def topography(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the contour [m] and the conductance on it at the junction's bias [S]."""

    def current(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """Return the current at the junction's bias and any height [A], of the points' shape."""

    def spectra(
        self, x: FloatArray, y: FloatArray, bias: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return current [A] and conductance [S] where the tip was set and then held.

        Args:
            x: Where [m], any shape.
            y: Where [m], the same shape.
            bias: Of the sample [V], shape (n,).

        Returns:
            Two arrays of the points' shape and one more axis, the bias.
        """


class StmSample(Sample, Protocol):
    """A conducting surface that remembers where a tip ran into it."""

    @property
    def temperature(self) -> float:
        """Temperature that it is usually measured at [K]."""

    @property
    def bias(self) -> float:
        """Bias that it is usually imaged at [V]."""

    def view(self, junction: Junction) -> StmView:
        """Freeze what a junction would find now."""

    def dent(self, x: float, y: float, radius: float, depth: float) -> None:
        """Leave a pit where the tip ran into the surface.

        Args:
            x: Where [m].
            y: Where [m].
            radius: Standard deviation of the pit [m].
            depth: Of the pit [m]; negative for a heap left behind.
        """


class StmSampleSettings(SampleSettings):
    """Settings of a sample for tunnelling."""

    family: ClassVar[str] = "stm"
    technique: ClassVar[str] = "stm"
