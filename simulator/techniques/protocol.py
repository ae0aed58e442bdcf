"""Technique: a tip, a z loop and detectors over one family of samples."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from spm_auto.errors import InstrumentError
from spm_auto.instrument import (
    AcquireForceCurve,
    BiasWaveform,
    Channel,
    ConditionTip,
    FloatArray,
    ForceCurve,
    Instruction,
    Scan,
    SetFeedback,
)

from ..path import Path
from ..randomness import RandomStreams
from ..samples import Sample, SampleSettings
from ..scanner import ScannerSettings
from ..timing import Point, Timing

LinePair = tuple[FloatArray, FloatArray]  # forward and backward, each of shape [channel, pixel]


@dataclass(frozen=True, slots=True)
class Contact:
    """What shows whether the tip touches more than it should.

    Attributes:
        unit: Of what shows it: a current, a force.
        resting: What it is while the loop holds the tip.
        threshold: Above it the tip has crashed.
        channel: Whose magnitude it is; empty where no channel shows it.
        scale: What the values of the channel are multiplied by.
        reach: Of the z piezo up and down [m]; infinite for a loop without a fault.
    """

    unit: str
    resting: float
    threshold: float
    channel: str = ""
    scale: float = 1.0
    reach: float = math.inf


class Imaging(Protocol):
    """One scan in progress: its z loop, filters and noise go on from line to line."""

    def line(self, path: Path) -> LinePair:
        """Measure one line; lines come in order, each once.

        Returns:
            Forward and backward, all image channels in their order, [channel, pixel].
        """


class Technique(ABC):
    """A way of measuring: owns the tip and what is not the scanner, and asks the sample.

    It knows nothing of commands, of the clock and of the scanner: it is told where the tip really
    is. Whatever it changes on the sample stays changed. With its artefacts off, what it shows is
    the sample's answer to the last bit.
    """

    @property
    @abstractmethod
    def image_channels(self) -> tuple[Channel, ...]:
        """Channels of a scan."""

    @property
    @abstractmethod
    def spectrum_channels(self) -> tuple[Channel, ...]:
        """Channels of a spectrum."""

    @property
    @abstractmethod
    def bias_limit(self) -> float:
        """Range of the bias source, both ways [V]."""

    @abstractmethod
    def begin_scan(self, scan: Scan, number: int) -> Imaging:
        """Freeze what the sample looks like and get ready for the first line.

        Args:
            scan: What was asked for.
            number: Of the action, the index of its random streams.
        """

    @abstractmethod
    def spectrum(self, at: Point, waveform: BiasWaveform, number: int, time: float) -> FloatArray:
        """Sweep the bias where the tip really is, and return all channels [channel, point].

        Args:
            at: Where the tip really is over the sample [m].
            waveform: The biases.
            number: Of the action, the index of its random streams.
            time: Instrument time [s], for the log of events.
        """

    def check(self, instruction: Instruction) -> None:  # noqa: B027
        """Refuse what it cannot do, before anything has moved.

        Raises:
            LimitExceeded: With the quantity, what was asked and what is allowed.
        """

    def break_off(self, at: Point, waveform: BiasWaveform, points: int) -> None:  # noqa: B027
        """Let happen to the sample what a sweep does that was stopped after some points."""

    def point_time(self, waveform: BiasWaveform) -> float:
        """Return the time that a spectrum really spends on each point [s]."""
        return waveform.dwell

    def sweep_time(self, waveform: BiasWaveform) -> float | None:  # noqa: ARG002
        """Return the time of a spectrum once the probe is there [s]; None leaves it to `Timing`."""
        return None

    def engage(self, time: float) -> None:  # noqa: B027
        """Bring the tip to the sample at an instrument time [s], as `load` does."""

    @property
    @abstractmethod
    def contact(self) -> Contact:
        """What shows whether the tip touches more than it should."""

    @property
    def feedback(self) -> SetFeedback:
        """What the z loop holds now; None for what it has not."""
        return SetFeedback()

    @property
    def instructions(self) -> frozenset[type[Instruction]]:
        """The optional instructions that it understands; the methods below are theirs."""
        return frozenset()

    def force_curve(
        self, at: Point, instruction: AcquireForceCurve, number: int, time: float
    ) -> ForceCurve:
        """Measure force against distance where the tip really is; times and place are set later."""
        raise NotImplementedError

    def condition_tip(self, at: Point, instruction: ConditionTip, number: int, time: float) -> None:
        """Pulse or poke where the tip really is."""
        raise NotImplementedError

    def blunt(self, blur: float, time: float) -> None:  # noqa: ARG002
        """Let the tip become a blunt one at an instrument time [s].

        Args:
            blur: Width of what it averages over, in units of a good one's.
            time: When [s].

        Raises:
            InstrumentError: It has no tip that resolves anything.
        """
        raise InstrumentError("a fault of the tip needs a technique whose tip can change")

    def set_feedback(self, instruction: SetFeedback) -> None:
        """Change what the z loop holds, or how fast.

        Raises:
            LimitExceeded: A value is out of range; nothing changed.
        """
        raise NotImplementedError

    @abstractmethod
    def snapshot(self) -> Any:
        """Return everything changeable, the sample's own included, as a value."""

    @abstractmethod
    def restore(self, snapshot: Any) -> None:
        """Go back to a snapshot, bit by bit."""


class TechniqueSettings(BaseModel):
    """Settings of a technique in a lab file, the table ``[instrument.technique]``.

    Attributes:
        sample_family: Which samples it can measure: `SampleSettings.family` of them.
        kind: Its name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    sample_family: ClassVar[str]

    kind: str

    @property
    def scan_range(self) -> float:
        """Full range of the scanner that goes with it [m]."""
        return 100e-6

    def usual_scanner(self) -> ScannerSettings:
        """Return the scanner that usually goes with it."""
        return ScannerSettings.room_temperature_afm()

    def timing(self) -> Timing:
        """Return how long everything takes with it."""
        return Timing()

    def build(self, sample: Sample, streams: RandomStreams) -> Technique:  # noqa: ARG002
        """Make the technique over a sample of its family."""
        raise TypeError(f"the settings of technique {self.kind!r} do not say how to make it")

    def check(self, sample: SampleSettings) -> None:
        """Refuse a sample that this tip or bias cannot stand.

        Raises:
            ValueError: With what would be right.
        """

    def at_level(self, level: int) -> "TechniqueSettings":
        """Return these settings with everything switched off that a difficulty level does without.

        0 is the perfect instrument, 1 adds noise, 2 the scanner's faults (which are not the
        technique's) and a real z loop, 3 tip changes and failures of the readout.
        """
        raise TypeError(f"technique {self.kind!r} does not say what it is at level {level}")
