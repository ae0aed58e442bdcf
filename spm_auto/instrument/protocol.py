"""Instrument: the minimal instruction set that hardware, simulator and replay have in common."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from ..errors import Unsupported
from .instructions import (
    AcquireForceCurve,
    AcquireSpectrum,
    ConditionTip,
    Instruction,
    Load,
    MoveStage,
    PositionProbe,
    Scan,
    SetFeedback,
)
from .results import Channel, ForceCurve, ScanLine, Spectrum

Range = tuple[float, float]

OPTIONAL = frozenset({AcquireForceCurve, ConditionTip, SetFeedback, MoveStage})


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an instrument has, as data: nobody needs to try and see.

    Attributes:
        name: The instrument, for people ("simulated ferroelectric film").
        image_channels: Channels that a scan can record.
        spectrum_channels: Channels that a spectrum records.
        x_range: Reach of the scanner [m].
        y_range: Reach of the scanner [m].
        bias_range: Range of the bias source [V].
        position_accuracy: How far a read-back position may be from the one asked for [m].
        is_simulated: Whether no hardware moves, so that a rehearsal may use it as it is.
        instructions: Which optional instructions it understands, beyond the four of `Instrument`.
        has_vitals: Whether it tells its `Vitals`, so that a watchdog can look at it.
        has_last_resort: Whether it has an alternate path for its tip, where a withdrawal fails.
        stage_range: Reach of the coarse stage along x and y [m]; None where it has none.
        stage_accuracy: How far a stage may read back from where it was sent [m].
    """

    name: str
    image_channels: tuple[Channel, ...]
    spectrum_channels: tuple[Channel, ...]
    x_range: Range
    y_range: Range
    bias_range: Range
    position_accuracy: float
    is_simulated: bool
    instructions: frozenset[type[Instruction]] = frozenset()
    has_vitals: bool = False
    has_last_resort: bool = False
    stage_range: tuple[Range, Range] | None = None
    stage_accuracy: float = 0.0

    def channels_of(self, scan: Scan) -> tuple[Channel, ...]:
        """Return the channels that a scan records, in its order; all when it names none.

        Raises:
            Unsupported: It names one that the instrument does not have.
        """
        known = {channel.name: channel for channel in self.image_channels}
        for name in scan.channels:
            if name not in known:
                raise Unsupported(f"{self.name} has no channel {name!r}; it has {', '.join(known)}")
        return tuple(known[name] for name in scan.channels or known)

    def check(self, instruction: Instruction) -> None:
        """Refuse an instruction that the instrument does not understand.

        Raises:
            Unsupported: It is an optional one that is not declared, or names an unknown channel.
        """
        if isinstance(instruction, Scan):
            self.channels_of(instruction)
        kind = type(instruction)
        if kind in OPTIONAL and kind not in self.instructions:
            raise Unsupported(f"{self.name} does not understand {kind.__name__}")


class InstrumentState(StrEnum):
    """Where an instrument stands; lost is one that does not answer any more."""

    EMPTY = "empty"
    READY = "ready"
    SCANNING = "scanning"
    SPECTROSCOPY = "spectroscopy"
    LATCHED = "latched"
    LOST = "lost"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Status:
    """What the instrument reads back: the truth of the window, never what someone typed.

    Attributes:
        state: What it is doing.
        position: Where the probe stands (x, y), read back [m].
        bias: Tip-sample bias, read back [V].
        is_engaged: Whether the tip is at the sample.
        time: Instrument time [s].
        is_held: Whether a watchdog lets nothing go on until a human acknowledges, the tip down.
        stage: Where the coarse stage stands (x, y), read back [m]; None where there is none.
    """

    state: InstrumentState
    position: tuple[float, float]
    bias: float
    is_engaged: bool
    time: float
    is_held: bool = False
    stage: tuple[float, float] | None = None


@runtime_checkable
class Instrument(Protocol):
    """A scanning-probe microscope, whatever stands behind it.

    One thread gives the instructions; `interrupt`, `emergency_stop` and `status` may come from any
    thread. What an instrument must promise is the exam in `spm_auto.instrument.contract`.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What the instrument has."""

    def status(self) -> Status:
        """Read back where the instrument stands; never blocks on an instruction in progress."""

    def duration(self, instruction: Instruction) -> float:
        """Estimate how long an instruction will take from here [s]; moves nothing.

        Raises:
            Unsupported: The instrument knows already that it cannot carry it out.
        """

    def load(self, instruction: Load) -> None:
        """Ready the instrument; the only way out of a latch."""

    def scan(self, instruction: Scan) -> Iterator[ScanLine]:
        """Scan one line at a time; closing the iterator stops the scan.

        Raises:
            Unsupported: A channel is not known.
            LimitExceeded: The frame leaves the scanner.
            Stopped: `interrupt` was called.
        """

    def position_probe(self, instruction: PositionProbe) -> None:
        """Move the probe.

        Raises:
            LimitExceeded: The point is out of reach; nothing moved.
            Stopped: `interrupt` was called.
        """

    def acquire_spectrum(self, instruction: AcquireSpectrum) -> Spectrum:
        """Position the probe and sweep the bias.

        Raises:
            LimitExceeded: Point or bias are out of reach; nothing moved.
            Unsupported: The waveform is not one that the instrument can run.
            Stopped: `interrupt` was called.
        """

    def interrupt(self) -> None:
        """End the instruction in progress now; it raises `Stopped`. Without one, do nothing."""

    def emergency_stop(self) -> None:
        """Withdraw the tip by a way of its own, and latch until the next `load`."""

    def close(self) -> None:
        """Let go of the hardware, in order; safe to call twice."""


class Extended(Instrument, Protocol):
    """An instrument that understands optional instructions; its capabilities say which ones."""

    def acquire_force_curve(self, instruction: AcquireForceCurve) -> ForceCurve:
        """Position the probe, press it into the sample and pull it off again."""

    def condition_tip(self, instruction: ConditionTip) -> None:
        """Position the probe, and pulse or poke."""

    def set_feedback(self, instruction: SetFeedback) -> None:
        """Change what the z loop holds, or how fast."""

    def move_stage(self, instruction: MoveStage) -> None:
        """Withdraw the tip, move the stage, and approach again.

        Whoever is stopped on the way has its tip up, and needs a `load`.
        """
