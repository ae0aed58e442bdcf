"""RedPandaMicroscope: a tunnelling microscope whose controller runs the red panda firmware."""

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from spm_auto.clock import Clock
from spm_auto.errors import (
    InstrumentError,
    LimitExceeded,
    SpmError,
    Unsupported,
)
from spm_auto.instrument import (
    AcquireSpectrum,
    Action,
    BiasWaveform,
    Capabilities,
    Channel,
    FloatArray,
    Instruction,
    Load,
    PositionProbe,
    Scan,
    ScanLine,
    SetFeedback,
)
from spm_auto.wire import red_panda as wire

from ..microscope import DrivenMicroscope, Reading, Swept
from ..sr830 import LockIn
from ..transport import Link, open_serial
from .controller import Controller, Pixels
from .durations import scan_time, sweep_time, talk_time, way_time
from .spectra import mean, sweep_closed, sweep_open
from .strips import Raster, Strip
from .tip import Tip

if TYPE_CHECKING:
    from .settings import RedPandaSettings

HEIGHT, CURRENT, SLOPE = Channel("height", "m"), Channel("current", "A"), Channel("didv", "S")
LOADING = 60.0  # [s] of an approach, nobody knows from where
LEAST_BIAS = 1e-3  # [V] with which a distance can be held


class RedPandaMicroscope(DrivenMicroscope):
    """Commands and counts behind the words of an instrument.

    Args:
        settings: How the controller is reached and what its counts are worth.
        clock: Instrument time.

    Raises:
        InstrumentError: The controller does not answer.
    """

    def __init__(self, settings: "RedPandaSettings", clock: Clock) -> None:
        super().__init__(clock)
        self._settings = settings
        self._calibration = settings.calibration
        self._lock_in = None if settings.lock_in is None else LockIn(settings.lock_in)

        def opened() -> Link:
            return open_serial(settings.port, settings.baudrate, settings.record)

        self._controller = Controller(
            f"red panda at {settings.port}",
            opened,
            settings.reply_timeout,
            settings.pause,
            settings.quiet,
            settings.strip_time,
        )
        self._tip = Tip(self._controller, settings)
        try:
            self._known = self._read()
        except SpmError:
            self._disconnect()
            raise

    @property
    def capabilities(self) -> Capabilities:
        """What the instrument has."""
        scale = self._calibration
        return Capabilities(
            name=self._controller.name,
            image_channels=(HEIGHT, CURRENT),
            spectrum_channels=(CURRENT,) if self._lock_in is None else (CURRENT, SLOPE),
            x_range=scale.x_range,
            y_range=scale.y_range,
            bias_range=scale.bias_range,
            position_accuracy=math.hypot(scale.x, scale.y),
            is_simulated=False,
            instructions=frozenset({SetFeedback}),
        )

    @property
    def events(self) -> tuple[str, ...]:
        """What the controller said without being asked, the latest last."""
        return tuple(self._controller.events)

    def _read(self) -> Reading:
        status = self._controller.status()
        low, high = wire.Z_RANGE
        return Reading(
            self._calibration.position(status),
            self._calibration.bias_of(status.bias),
            is_engaged=(status.has_feedback or self._tip.is_open) and low < status.z < high,
            is_busy=status.is_approaching,
        )

    def _check_more(self, instruction: Instruction) -> None:
        scale, settings = self._calibration, self._settings
        match instruction:
            case Scan():
                Raster.of(instruction, scale, settings.pass_time, settings.strip_time)
            case SetFeedback(bias=bias, setpoint=setpoint, gain=gain):
                if gain is not None:
                    raise Unsupported(
                        "the gain of a red panda has no SI unit; set proportional and integral "
                        "in the lab file"
                    )
                if bias is not None and not abs(bias) >= LEAST_BIAS:
                    allowed = LEAST_BIAS, scale.bias_range[1]
                    raise LimitExceeded("magnitude of the bias", abs(bias), allowed, "V")
                least, most = scale.setpoints
                if setpoint is not None and not least <= setpoint <= most:
                    raise LimitExceeded("setpoint", setpoint, (least, most), "A")

    def _time_of(self, instruction: Instruction, here: tuple[float, float]) -> float:
        settings = self._settings
        match instruction:
            case Load():
                return LOADING
            case PositionProbe(x=x, y=y):
                return way_time(settings, here, (x, y))
            case AcquireSpectrum(x=x, y=y, waveform=waveform):
                return way_time(settings, here, (x, y)) + sweep_time(settings, waveform)
            case Scan():
                return scan_time(settings, instruction, here)
        return 2 * talk_time(settings)

    def _load(self, instruction: Load, action: Action) -> None:  # noqa: ARG002  for the record
        try:
            self._tip.ready()
            if self._lock_in is not None:
                self._lock_in.ready()
            self._tip.find_sample(action)
            self._tip.close_loop(action)
        except SpmError:
            # a load that fails leaves the tip lifted; in an emergency the withdrawal does that
            if not action.is_emergency:
                with contextlib.suppress(InstrumentError):
                    self._tip.lift()
            raise

    def _scan(self, scan: Scan, action: Action) -> Iterator[ScanLine]:
        settings = self._settings
        raster = Raster.of(scan, self._calibration, settings.pass_time, settings.strip_time)
        names = [HEIGHT.name, CURRENT.name]
        chosen = [names.index(channel.name) for channel in self.capabilities.channels_of(scan)]
        first = raster.line(0)[0]
        self._go_to(first.x[0], first.y[0], action)
        for index in range(scan.frame.pixels[1]):
            there = self._measured(raster.line(index), action)
            back = np.full_like(there, np.nan)
            if raster.has_way_back:
                back = self._measured(raster.line(index, backward=True), action)[:, ::-1]
            yield ScanLine(index, there[chosen], back[chosen], self._clock.now())

    def _measured(self, strips: Sequence[Strip], action: Action) -> FloatArray:
        """Scan strips and return height and current, shape [channel, pixel]."""
        errors: list[int] = []
        heights: list[int] = []
        for strip in strips:
            pixels = self._run(strip, action)
            errors += pixels.errors
            heights += pixels.heights
        scale = self._calibration
        return np.stack(
            [
                scale.heights(np.array(heights, dtype=float)),
                scale.currents(np.array(errors, dtype=float), self._tip.target),
            ]
        )

    def _run(self, strip: Strip, action: Action) -> Pixels:
        """Scan one strip, unless somebody asked for a stop; the stop comes between strips."""
        action.check()
        at = self._controller.last or wire.Status()
        time = strip.passes(at.x, at.y) * self._settings.pass_time
        try:
            pixels, status = self._controller.scan(strip, time)
        finally:
            action.check()  # a withdrawal opens the loop, which is nobody's fault
        self._tip.compare(status)
        return pixels

    def _move(self, x: float, y: float, action: Action) -> None:
        self._go_to(self._calibration.x_counts(x), self._calibration.y_counts(y), action)

    def _go_to(self, x: int, y: int, action: Action) -> None:
        """Move, the loop closed, in pieces that leave room for a stop.

        A scan of a single pixel goes to its start count by count with the loop running; a DAC
        command would jump.
        """
        most = max(1, int(self._settings.strip_time / self._settings.pass_time))
        status = self._controller.status()
        while (status.x, status.y) != (x, y):
            before = status.x, status.y
            next_x = status.x + max(-most, min(most, x - status.x))
            left = most - abs(next_x - status.x)
            next_y = status.y + max(-left, min(left, y - status.y))
            self._run(Strip.point(next_x, next_y), action)
            status = self._controller.last or status
            if (status.x, status.y) == before:
                raise InstrumentError(f"the probe stays at ({status.x}, {status.y}) counts")

    def _sweep(self, waveform: BiasWaveform, action: Action) -> Swept:
        swept = [self._sweep_once(waveform, action) for _ in range(waveform.cycles)]
        status = self._controller.status()
        action.check()
        self._tip.compare(status)
        return mean(swept)

    def _sweep_once(self, waveform: BiasWaveform, action: Action) -> Swept:
        controller, scale, clock = self._controller, self._calibration, self._clock
        if self._lock_in is None:
            return sweep_closed(controller, scale, waveform, clock, action)
        return sweep_open(controller, scale, self._tip, self._lock_in, waveform, clock, action)

    def _feedback(self, instruction: SetFeedback, action: Action) -> None:
        if instruction.bias is not None:
            bias = self._calibration.bias_counts(instruction.bias)
            self._controller.set("BIAS", bias)
            self._tip.bias = bias
        if instruction.setpoint is not None:
            self._tip.check_can_open()
            self._tip.target = self._calibration.current_counts(instruction.setpoint)
            self._tip.close_loop(action)

    def _withdraw(self) -> None:
        self._tip.withdraw()

    def _disconnect(self) -> None:
        self._controller.close()
        if self._lock_in is not None:
            self._lock_in.close()
