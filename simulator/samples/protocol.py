"""What a simulated microscope needs of a sample: answers without noise, and settings to make it."""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from spm_auto.instrument import BiasWaveform, FloatArray

from ..randomness import RandomStreams
from ..tip import TipSettings

Range = tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """What a perfect instrument would find at some points; arrays of the points' shape.

    Attributes:
        piezoresponse: Displacement per volt of drive, with sign [m/V].
        height: Of the surface [m].
        lateral: Sideways displacement per volt along x and y [m/V], shape (2, ...); None of a
            sample that does not answer sideways.
    """

    piezoresponse: FloatArray
    height: FloatArray
    lateral: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """How tip and surface touch at one point of the sample.

    Attributes:
        stiffness: Of the contact [N/m]; with the cantilever it makes the contact resonance.
        transmission: How well the contact passes on a vibration, 0 on average, of variance 1.
        turn: How much the contact turns the phase of a vibration, likewise.
    """

    stiffness: float
    transmission: float
    turn: float = 0.0


class View(Protocol):
    """The sample as the tip finds it at one moment."""

    def at(self, x: FloatArray, y: FloatArray) -> Signals:
        """Return the signals at points of the sample [m], any shape."""


class Sample(Protocol):
    """What lies under the tip, whatever measures it; it remembers what was done to it."""

    @property
    def name(self) -> str:
        """The sample, for people."""

    @property
    def x_range(self) -> Range:
        """Where the sample lies [m]."""

    @property
    def y_range(self) -> Range:
        """Where the sample lies [m]."""

    def snapshot(self) -> Any:
        """Return everything changeable about it, as a value."""

    def restore(self, snapshot: Any) -> None:
        """Go back to a snapshot, bit by bit."""


@runtime_checkable
class StagedSample(Protocol):
    """A sample larger than the scanner's reach, on a coarse stage; its ranges are the scanner's.

    Its snapshot tells where the stage stands, too.
    """

    @property
    def stage_range(self) -> tuple[Range, Range]:
        """Reach of the stage along x and y [m]."""

    @property
    def stage(self) -> tuple[float, float]:
        """Where the middle of the scanner is over the sample [m]."""

    def move_stage(self, to: tuple[float, float]) -> None:
        """Put another part of the sample under the scanner [m]."""


class PiezoSample(Sample, Protocol):
    """A piezoelectric sample: it answers the tip without noise, and a bias may switch it."""

    @property
    def contact_stiffness(self) -> float:
        """Stiffness of the usual contact, for which the instrument is tuned [N/m]."""

    @property
    def answers_sideways(self) -> bool:
        """Whether its signals have a lateral part."""

    def contact(self, x: float, y: float) -> Contact:
        """Return how tip and surface touch at a point [m]."""

    def view(self, tip: TipSettings) -> View:
        """Freeze what a tip would find now."""

    def sweep(
        self,
        x: float,
        y: float,
        waveform: BiasWaveform,
        tip: TipSettings,
        points: int | None = None,
    ) -> FloatArray:
        """Apply a bias waveform at a point; this changes the sample.

        Args:
            x: Where [m].
            y: Where [m].
            waveform: The biases, one pulse each.
            tip: What brings the bias to the sample.
            points: How many pulses were given before somebody stopped; None for all of them.

        Returns:
            The piezoresponse after each pulse, the bias being off [m/V], shape [cycle, point]; NaN
            where there was no pulse.
        """


class SampleSettings(BaseModel):
    """Settings of a sample in a lab file; each kind derives its own and names it a plugin.

    Attributes:
        family: What kind of answers it gives: techniques of the same family can measure it.
        technique: Name of the technique that measures it when a lab file names none.
        kind: Name of the plugin.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    family: ClassVar[str]
    technique: ClassVar[str]

    kind: str

    def build(self, streams: RandomStreams) -> Sample:  # noqa: ARG002  its children do
        """Make the sample; this may take seconds.

        Args:
            streams: Where everything accidental about it comes from.
        """
        raise TypeError(f"the settings of sample {self.kind!r} do not say how to make it")


class PiezoSampleSettings(SampleSettings):
    """Settings of a piezoelectric sample."""

    family: ClassVar[str] = "piezo"
    technique: ClassVar[str] = "pfm"

    def check(self, tip: TipSettings, bias: float) -> None:
        """Refuse a tip or a bias [V] that this sample cannot stand.

        Raises:
            ValueError: With what would be right.
        """
