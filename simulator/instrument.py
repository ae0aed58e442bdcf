"""SimulatedMicroscope: scanner, technique and sample behind the words of an instrument."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from spm_auto.clock import Clock, InstantClock
from spm_auto.errors import InstrumentError
from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    Capabilities,
    Channel,
    ConditionTip,
    FloatArray,
    ForceCurve,
    Instruction,
    InstrumentState,
    MoveStage,
    Scan,
    ScanFrame,
    SetFeedback,
    Spectrum,
    Vitals,
)

from .clocked import ClockedMicroscope, LinePair
from .faults import DangerState, Faults
from .samples import Sample, StagedSample
from .scanner import Scanner
from .techniques import Technique
from .timing import Point, Timing

READINGS = 2**31  # numbers of readings begin here, far from those of instructions
STILL = 1e-12  # [m]: the frame of a reading, small enough to be a point
RETRACTED = 500e-9  # [m]: height of a tip that is up, where the piezo does not tell its reach
STAGE_ACCURACY = 1e-9  # [m]: a simulated stage comes back to where it was
POSITION_ACCURACY = 1e-12  # [m]: what reads the position back agrees with what it was told


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Everything changeable about a simulated microscope at one moment.

    Attributes:
        technique: Tip, z loop and sample.
        scanner: Creep, hysteresis and drift.
        position: Where the probe was sent to [m].
        actions: How many instructions were begun.
        time: Instrument time [s].
        faults: What is broken now.
        felt: What the detectors showed last.
        outside: Bias that somebody else has set [V].
        is_up: Whether the tip is up.
    """

    technique: Any
    scanner: Any
    position: Point
    actions: int
    time: float
    faults: DangerState
    felt: tuple[float, float]
    outside: float | None
    is_up: bool


class SimulatedMicroscope(ClockedMicroscope):
    """An `Instrument` that asks a sample what it answers, and shows it as an instrument would.

    The scanner turns commands into the places where the tip really is; the technique asks the
    sample there. With every artefact off the channels are the sample's answers to the last bit.
    What was done to the sample and to the tip stays done; `load` does not bring new ones.

    Args:
        sample: What lies under the tip.
        technique: What measures it, made over this sample.
        scanner: What moves the tip.
        timing: How long everything takes.
        clock: Where that time passes.
        faults: What goes wrong on demand; without any, nothing.
    """

    def __init__(
        self,
        sample: Sample,
        technique: Technique,
        scanner: Scanner,
        timing: Timing,
        clock: Clock,
        faults: Faults | None = None,
    ) -> None:
        super().__init__(timing, clock, faults=faults)
        self._technique = technique
        self._scanner = scanner
        limit = technique.bias_limit
        self._staged = sample if isinstance(sample, StagedSample) else None
        of_stage = frozenset[type[Instruction]]({MoveStage} if self._staged else ())
        self._capabilities = Capabilities(
            name=f"simulated {sample.name}",
            image_channels=technique.image_channels,
            spectrum_channels=technique.spectrum_channels,
            x_range=sample.x_range,
            y_range=sample.y_range,
            bias_range=(-limit, limit),
            position_accuracy=POSITION_ACCURACY,
            is_simulated=True,
            instructions=technique.instructions | of_stage,
            has_vitals=True,
            stage_range=self._staged.stage_range if self._staged else None,
            stage_accuracy=STAGE_ACCURACY if self._staged else 0.0,
        )
        contact = technique.contact.channel
        self._images = _indexes(technique.image_channels, contact, "height")
        self._spectra = _indexes(technique.spectrum_channels, contact)
        self._felt = 0.0, 0.0  # strongest touch in the contact's unit, and height of the tip [m]
        self._faults.check(self._capabilities)
        self._readings = READINGS

    @property
    def capabilities(self) -> Capabilities:
        """What the instrument has."""
        return self._capabilities

    @property
    def feedback(self) -> SetFeedback:
        """What the z loop holds now; None for what it has not."""
        return self._technique.feedback

    def reading(self, bias: float | None = None) -> dict[str, float]:
        """Return what the detectors show where the probe stands; no time passes, nothing changes.

        Args:
            bias: For the channels of a spectrum with the tip held still and this bias applied [V];
                without one the channels of an image, the z loop closed.

        Raises:
            InstrumentError: An instruction is in progress.
        """
        with self._turns.lock:
            if self._turns.action is not None:
                raise InstrumentError("nothing can be read beside an instruction in progress")
        self._readings += 1
        technique, scanner = self._technique.snapshot(), self._scanner.snapshot()
        try:
            return self._image_reading() if bias is None else self._spectrum_reading(bias)
        finally:
            self._technique.restore(technique)
            self._scanner.restore(scanner)

    def vitals(self) -> Vitals:
        """Tell what the tip feels: the strongest touch in the last line or spectrum.

        Raises:
            NoReply: A fault wants it so.
        """
        now, contact, (touch, z) = self._clock.now(), self._technique.contact, self._felt
        with self._turns.lock:
            state, is_engaged = self._turns.state, self._is_engaged()
        is_feedback_on = is_engaged and state is not InstrumentState.SPECTROSCOPY
        reach = contact.reach
        return self._faults.dangers.feel(
            Vitals(
                time=now,
                signal=max(contact.resting, touch) if is_engaged else 0.0,
                unit=contact.unit,
                threshold=contact.threshold,
                z=z if is_engaged else min(reach, RETRACTED),
                z_range=(-reach, reach),
                is_feedback_on=is_feedback_on,
                error=0.0 if is_feedback_on else math.nan,
                is_protected=True,
                protection="a simulated tip",
                is_engaged=is_engaged,
            )
        )

    def _image_reading(self) -> dict[str, float]:
        frame = ScanFrame(self._position, (STILL, STILL), (2, 2))
        imaging = self._technique.begin_scan(Scan(frame, line_rate=10.0), self._readings)
        now, duration = self._clock.now(), self.timing.line(10.0)
        path = self._scanner.line(frame, 0, now, duration, self.timing.overscan, self._readings)
        values, _ = imaging.line(path)
        channels = self._technique.image_channels
        return {c.name: float(v) for c, v in zip(channels, values[:, 0], strict=True)}

    def _spectrum_reading(self, bias: float) -> dict[str, float]:
        now = self._clock.now()
        waveform, at = BiasWaveform((bias,)), self._really_at(now)
        values = self._technique.spectrum(at, waveform, self._readings, now)
        channels = self._technique.spectrum_channels
        return {c.name: float(v) for c, v in zip(channels, values[:, 0], strict=True)}

    def _resting_bias(self) -> float:
        return self._technique.feedback.bias or 0.0

    def _snapshot(self) -> Snapshot:
        """Return everything changeable; for `Truth`, as no real microscope can do it."""
        return Snapshot(
            technique=self._technique.snapshot(),
            scanner=self._scanner.snapshot(),
            position=self._position,
            actions=self._turns.count,
            time=self._clock.now(),
            faults=self._faults.snapshot(),
            felt=self._felt,
            outside=self._outside_bias,
            is_up=self._is_up,
        )

    def _restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot, the time too: what follows is what followed then."""
        if not isinstance(self._clock, InstantClock):
            raise InstrumentError("only a virtual clock can go back to a snapshot")
        with self._turns.lock:
            if self._turns.action is not None:
                raise InstrumentError("an instruction in progress cannot be taken back")
            self._position = snapshot.position
            self._turns.count = snapshot.actions
            self._outside_bias, self._is_up = snapshot.outside, snapshot.is_up
        self._technique.restore(snapshot.technique)
        self._scanner.restore(snapshot.scanner)
        self._faults.restore(snapshot.faults)
        self._felt = snapshot.felt
        self._clock.set(snapshot.time)

    def _check(self, instruction: Instruction) -> None:
        super()._check(instruction)
        self._technique.check(instruction)

    def _lines(self, scan: Scan, number: int) -> Callable[[int, float], LinePair]:
        imaging = self._technique.begin_scan(scan, number)
        known = [channel.name for channel in self._technique.image_channels]
        chosen = [known.index(c.name) for c in self._capabilities.channels_of(scan)]
        everything = chosen == list(range(len(known)))
        duration, overscan = self.timing.line(scan.line_rate), self.timing.overscan

        def choose(data: FloatArray) -> FloatArray:
            return data if everything else np.ascontiguousarray(data[chosen])

        def read(line: int, began: float) -> LinePair:
            path = self._scanner.line(scan.frame, line, began, duration, overscan, number)
            path = self._faults.of_path(number, path, self._position)
            forward, backward = imaging.line(path)
            self._feel(forward, backward)
            return choose(forward), choose(backward)

        return read

    def _spectrum(
        self,
        at: Point,
        instruction: AcquireSpectrum,
        number: int,
        start: float,
    ) -> Spectrum:
        waveform, channels = instruction.waveform, self._capabilities.spectrum_channels
        # where it was sent to is not where it is
        where = self._really_at(start + self._sweep_time(waveform) / 2)
        data = self._technique.spectrum(where, waveform, number, start)
        if (contact := self._spectra[0]) is not None:
            self._felt = self._touch(data[contact]), self._felt[1]
        return Spectrum(*at, waveform.bias, channels, data, start, start)

    def _break_off(self, at: Point, waveform: BiasWaveform, points: int) -> None:  # noqa: ARG002
        self._technique.break_off(self._really_at(self._clock.now()), waveform, points)

    def _force_curve(
        self,
        at: Point,  # noqa: ARG002
        instruction: AcquireForceCurve,
        number: int,
        start: float,
    ) -> ForceCurve:
        where = self._really_at(start + 0.5 / instruction.rate)
        return self._technique.force_curve(where, instruction, number, start)

    def _condition(
        self,
        at: Point,  # noqa: ARG002
        instruction: ConditionTip,
        number: int,
        start: float,
    ) -> None:
        self._technique.condition_tip(self._really_at(start), instruction, number, start)

    @property
    def _stage(self) -> Point | None:
        return self._staged.stage if self._staged else None

    def _move_stage(self, to: Point) -> None:
        if self._staged is not None:
            self._staged.move_stage(to)

    def _set_feedback(self, instruction: SetFeedback) -> None:
        self._technique.set_feedback(instruction)

    def _sweep_time(self, waveform: BiasWaveform) -> float:
        own = self._technique.sweep_time(waveform)
        return self.timing.sweep(waveform) if own is None else own

    def _point_time(self, waveform: BiasWaveform) -> float:
        return self._technique.point_time(waveform)

    def _begun(self, number: int) -> None:
        blur = self._faults.of_tip(number)
        if blur is not None:
            self._technique.blunt(blur, self._clock.now())

    def _engaged(self, number: int) -> None:
        now = self._clock.now()
        self._felt = 0.0, 0.0
        self._scanner.engage(now, number)
        self._technique.engage(now)

    def _moved(self, start: Point, end: Point, began: float) -> None:  # noqa: ARG002
        self._scanner.move(end, began, self._clock.now())

    def _feel(self, forward: FloatArray, backward: FloatArray) -> None:
        """Note what the detectors showed on a line, which ends where it began."""
        contact, height = self._images
        touch, z = 0.0, self._felt[1]
        if contact is not None:
            touch = max(self._touch(forward[contact]), self._touch(backward[contact]))
        if height is not None:
            z = float(backward[height, 0])
        self._felt = touch, z

    def _touch(self, values: FloatArray) -> float:
        return self._technique.contact.scale * float(np.abs(values).max())

    def _really_at(self, time: float) -> Point:
        return self._scanner.true_position(time)


def _indexes(channels: tuple[Channel, ...], *names: str) -> tuple[int | None, ...]:
    """Return where channels stand, None for those that are not there."""
    known = [channel.name for channel in channels]
    return tuple(known.index(name) if name in known else None for name in names)
