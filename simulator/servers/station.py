"""Station: a microscope with a control program around it, which is what every emulator talks to."""

import contextlib
import math
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol, cast, runtime_checkable

from spm_auto.clock import Clock
from spm_auto.errors import InstrumentError, SpmError, Unsupported
from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    Capabilities,
    ConditionTip,
    Extended,
    FloatArray,
    ForceCurve,
    Instrument,
    InstrumentState,
    Load,
    PositionProbe,
    Scan,
    SetFeedback,
    Spectrum,
    vitals_of,
)

from ..timing import Point
from .picture import Picture

DOWN = math.pi  # a scan downwards is one of the frame turned by half a turn


@runtime_checkable
class Readable(Protocol):
    """An instrument whose detectors can be read between two instructions; simulated ones can."""

    @property
    def feedback(self) -> SetFeedback:
        """What the z loop holds."""

    def reading(self, bias: float | None = None) -> dict[str, float]:
        """Return what the detectors show; see `SimulatedMicroscope.reading`."""


@runtime_checkable
class LineByLine(Protocol):
    """An instrument that measures single lines of a frame; simulated ones do."""

    def scan_line(
        self, scan: Scan, line: int, duration: float, backward: bool = False
    ) -> FloatArray:
        """Measure one line one way; see `ClockedMicroscope.scan_line`."""


class Station:
    """An instrument as its operator's program shows it: settings, a scan that runs by itself.

    Any thread may call; one thing is done at a time, and what cannot be done now is refused with
    the instrument's own errors.

    Args:
        instrument: What is operated; closed with the station.
        clock: On which it lives.

    Attributes:
        instrument: What is operated.
        picture: The latest scan, finished or not; None before the first.
        drift: Velocity with which frames and points follow the sample [m/s], from `follow`.
    """

    def __init__(self, instrument: Instrument, clock: Clock) -> None:
        self.instrument = instrument
        self.clock = clock
        self.picture: Picture | None = None
        self.drift: Point = (0.0, 0.0)
        self._drift_start = 0.0
        self._followed: Point = (0.0, 0.0)  # before the drift was last set
        self._shift: Point = (0.0, 0.0)  # of the last motion, by which the drift was followed
        self._scanning: threading.Thread | None = None
        self._bias: float | None = None
        self._has_feedback = True
        self._busy = threading.RLock()
        self._last: dict[str, float] = {}

    @property
    def capabilities(self) -> Capabilities:
        """What the instrument has."""
        return self.instrument.capabilities

    @property
    def is_engaged(self) -> bool:
        """Whether the tip is at the sample."""
        return self.instrument.status().is_engaged

    @property
    def is_busy(self) -> bool:
        """Whether a scan, a sweep or a motion goes on."""
        if self.picture is not None and self.picture.is_running:
            return True
        if not self._busy.acquire(blocking=False):
            return True
        self._busy.release()
        return self.instrument.status().state in _AT_WORK

    @property
    def position(self) -> Point:
        """Where the probe stands, in the coordinates that were asked for [m]."""
        x, y = self.instrument.status().position
        return x - self._shift[0], y - self._shift[1]

    @property
    def bias(self) -> float:
        """Tip-sample bias now [V]."""
        status = self.instrument.status()
        if self._bias is not None and status.state is not InstrumentState.SPECTROSCOPY:
            return self._bias
        return status.bias

    @property
    def held(self) -> SetFeedback:
        """What the z loop holds; None for what is not known."""
        if isinstance(self.instrument, Readable):
            return self.instrument.feedback
        return SetFeedback()

    @property
    def has_feedback(self) -> bool:
        """Whether the z loop is closed."""
        return self._has_feedback and self.is_engaged

    def set_bias(self, bias: float) -> None:
        """Set the bias [V]: of the closed loop, or for reading while it is open.

        Raises:
            InstrumentError: It is out of range, or cannot be changed.
        """
        if not self._has_feedback:
            self._bias = bias
        elif bias != self.bias:
            self.set_feedback(SetFeedback(bias=bias))

    def set_feedback(self, instruction: SetFeedback) -> None:
        """Change what the z loop holds."""
        if SetFeedback not in self.capabilities.instructions:
            raise Unsupported(
                f"{self.capabilities.name} keeps bias, set-point and gain as they are"
            )
        with self._at_work():
            self._extended().set_feedback(instruction)

    def switch_feedback(self, on: bool) -> None:
        """Close or open the z loop; open, the tip is held where it is."""
        if not on:
            self._bias = self.bias
        self._has_feedback = on
        if on:
            self._bias = None

    def engage(self) -> None:
        """Bring the tip to the sample, ready to measure; blocks."""
        with self._at_work():
            self.instrument.load(Load())
            self._has_feedback, self._bias = True, None

    def withdraw(self) -> None:
        """Lift the tip, whatever goes on."""
        self.instrument.emergency_stop()
        self._join()

    def follow(self, drift: Point) -> None:
        """Let frames and points follow the sample with a velocity from now on [m/s]."""
        self._followed = self._offset()
        self.drift, self._drift_start = drift, self.clock.now()

    def move(self, x: float, y: float) -> None:
        """Move the probe to a point [m]; blocks."""
        with self._at_work():
            dx, dy = self._offset()
            self.instrument.position_probe(PositionProbe(x + dx, y + dy))
            self._shift = dx, dy

    def sweep(self, waveform: BiasWaveform) -> Spectrum:
        """Take a spectrum where the probe stands; blocks."""
        with self._at_work():
            spectrum = self.instrument.acquire_spectrum(AcquireSpectrum(*self._here(), waveform))
            return replace(spectrum, x=self.position[0], y=self.position[1])

    def force_curve(self, trigger: float, distance: float, points: int, rate: float) -> ForceCurve:
        """Take a force curve where the probe stands; see `AcquireForceCurve`."""
        self._declared(AcquireForceCurve)
        with self._at_work():
            curve = AcquireForceCurve(*self._here(), trigger, distance, points, rate)
            return self._extended().acquire_force_curve(curve)

    def condition(self, bias: float = 0.0, depth: float = 0.0, duration: float = 10e-3) -> None:
        """Pulse or poke where the probe stands; see `ConditionTip`."""
        self._declared(ConditionTip)
        with self._at_work():
            self._extended().condition_tip(ConditionTip(*self._here(), bias, depth, duration))

    def start_scan(self, scan: Scan, upwards: bool = True) -> Picture:
        """Begin a scan that runs by itself; an earlier one is stopped.

        Args:
            scan: What to scan; in the coordinates that were asked for.
            upwards: Whether line 0 comes first.

        Raises:
            InstrumentError: The instrument refuses it, or is at work.
        """
        self.stop_scan()
        dx, dy = self._offset()
        frame, (x, y) = scan.frame, scan.frame.center
        turned = frame.angle + (0.0 if upwards else DOWN)
        sent = replace(scan, frame=replace(frame, center=(x + dx, y + dy), angle=turned))
        lines = self.instrument.scan(sent)
        channels = self.capabilities.channels_of(scan)
        picture = self.picture = Picture(frame, channels, upwards, self.clock.now())
        self._shift = dx, dy

        def run() -> None:
            # whoever stops it is told elsewhere; here it only ends
            with contextlib.suppress(SpmError):
                for line in lines:
                    picture.add(line)
            picture.finish()

        scanning = threading.Thread(target=run, daemon=True)
        scanning.start()  # before anybody can wait for its end
        self._scanning = scanning
        return picture

    def scan_line(
        self, scan: Scan, line: int, duration: float, backward: bool = False
    ) -> FloatArray:
        """Measure one line of a frame, one way; blocks.

        Args:
            scan: The frame and the channels.
            line: Which line.
            duration: Of the way [s].
            backward: Whether the way back is measured.

        Returns:
            Values by position, shape [channel, pixel].

        Raises:
            Unsupported: The instrument knows whole frames only.
        """
        if not isinstance(self.instrument, LineByLine):
            raise Unsupported(f"{self.capabilities.name} scans whole frames only")
        with self._at_work():
            return self.instrument.scan_line(scan, line, duration, backward)

    def stop_scan(self) -> None:
        """End the scan, if one runs, and wait until it has ended."""
        if self.picture is not None and self.picture.is_running:
            self.instrument.interrupt()
        self._join()

    def halt(self) -> None:
        """End whatever goes on: scan, sweep or motion."""
        self.instrument.interrupt()
        self._join()

    def reading(self) -> dict[str, float]:
        """Return what the detectors show now, by channel; nothing that cannot be known.

        With the z loop closed these are the channels of an image, with it open those of a spectrum
        at the bias that is set. While a scan runs it is the last pixel of the latest line.
        """
        picture = self.picture
        if picture is not None and picture.is_running and picture.lines_done:
            line = picture.lines_done - 1
            line = line if picture.upwards else picture.frame.pixels[1] - 1 - line
            names = [channel.name for channel in picture.channels]
            self._last = dict(zip(names, picture.forward[:, line, -1].tolist(), strict=True))
        elif isinstance(self.instrument, Readable) and self._busy.acquire(blocking=False):
            try:
                if self.instrument.status().state is InstrumentState.READY:
                    held = self._bias if not self._has_feedback else None
                    self._last = self.instrument.reading(held)
            finally:
                self._busy.release()
        return dict(self._last)

    def crash(self) -> float | None:
        """Return the signal of a tip that has touched [A]; None where it has not, or not by it.

        Raises:
            InstrumentError: It cannot be read.
        """
        if not self.capabilities.has_vitals:
            return None
        vitals = vitals_of(self.instrument)
        return vitals.signal if vitals.unit == "A" and vitals.signal > vitals.threshold else None

    def height(self) -> float | None:
        """Return how high the tip is [m]; None where it is not known."""
        values = self.reading()
        if "height" in values or not self.capabilities.has_vitals:
            return values.get("height")
        z = vitals_of(self.instrument).z
        return z if math.isfinite(z) else None

    def close(self) -> None:
        """End what goes on and close the instrument; safe to call twice."""
        self.instrument.close()
        self._join()

    @contextlib.contextmanager
    def _at_work(self) -> Iterator[None]:
        if not self._busy.acquire(blocking=False):
            raise InstrumentError("another instruction is still in progress")
        try:
            yield
        finally:
            self._busy.release()

    def _join(self) -> None:
        if self._scanning is not None and self._scanning is not threading.current_thread():
            self._scanning.join()

    def _offset(self) -> Point:
        """Return how far the sample was followed until now [m]."""
        passed = self.clock.now() - self._drift_start
        return self._followed[0] + self.drift[0] * passed, self._followed[1] + self.drift[
            1
        ] * passed

    def _here(self) -> Point:
        return self.instrument.status().position

    def _declared(self, kind: type) -> None:
        if kind not in self.capabilities.instructions:
            raise Unsupported(f"{self.capabilities.name} does not understand {kind.__name__}")

    def _extended(self) -> Extended:
        return cast(Extended, self.instrument)


_AT_WORK = (InstrumentState.SCANNING, InstrumentState.SPECTROSCOPY)
