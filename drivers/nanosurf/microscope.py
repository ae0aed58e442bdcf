"""NanosurfMicroscope: the instructions in the words of Nanosurf Studio's script interface."""

import contextlib
import logging
import math
import time
from collections.abc import Iterator
from itertools import count

import numpy as np

from spm_auto.clock import Clock
from spm_auto.errors import (
    ConnectionLost,
    InstrumentError,
    NoReply,
    NotConfirmed,
    Refused,
    Unsupported,
)
from spm_auto.instrument import (
    AcquireSpectrum,
    Action,
    BiasWaveform,
    Capabilities,
    Instruction,
    Load,
    PositionProbe,
    Scan,
    ScanLine,
    SetFeedback,
)

from ..microscope import DrivenMicroscope, Reading, Swept, halting
from ..transport import SLICE, Link, RecordingLink, TcpLink
from .measured import as_text, image_of
from .measuring import Measuring
from .settings import NanosurfSettings
from .studio import APPROACH, AXES, BIAS, IMAGING, SPECTRA, STORAGE, StudioLine, Z

SETPOINT_UNITS = ("N", "A", "m")
NEW_FILE = 1  # number of Studio's choice

MARGIN = 1.5  # by which everything may take longer than estimated
QUICK_LIFT, SLOW_LIFT = 2.0, 30.0  # [s] for a step of the withdrawal to be answered
UNITS = {
    f"{IMAGING}.scan_range_fast_axis": ("m",),
    f"{IMAGING}.scan_range_slow_axis": ("m",),
    f"{IMAGING}.frame_center_offset_x": ("m",),
    f"{IMAGING}.frame_center_offset_y": ("m",),
    f"{IMAGING}.line_rate": ("Hz",),
    f"{IMAGING}.rotation": ("°", "deg", "degree"),
    f"{AXES}.offset_x_target": ("m",),
    f"{AXES}.offset_y_target": ("m",),
    f"{SPECTRA}.grid_center_offset_x": ("m",),
    f"{SPECTRA}.grid_center_offset_y": ("m",),
    BIAS: ("V",),
}

_log = logging.getLogger(__name__)


class NanosurfMicroscope(DrivenMicroscope):
    """A microscope under Nanosurf Studio.

    One connection acts, one supervises and stops, one is for emergencies only. Measurements come
    as files, whole: the lines of a scan are handed on when its file is there.

    Args:
        settings: Of the lab file.
        clock: Instrument time.

    Raises:
        InstrumentError: Studio does not answer, or has no such session.
    """

    def __init__(self, settings: NanosurfSettings, clock: Clock) -> None:
        super().__init__(clock)
        self._settings = settings
        self._links = count()
        self._acting = self._line("Studio")
        self._watching = self._line("Studio (supervision)")
        self._rescue = self._line("Studio (emergency)")
        self._measuring = Measuring(settings, self._acting, self._watching)
        self._capabilities = Capabilities(
            "Nanosurf Studio",
            tuple(s.channel for s in settings.image_channels),
            tuple(s.channel for s in settings.spectrum_channels),
            settings.x_range,
            settings.y_range,
            settings.bias_range,
            settings.position_accuracy,
            is_simulated=False,
            instructions=frozenset({SetFeedback} if settings.feedback else ()),
        )
        try:
            self._read()
            self._basename = self._acting.call(f"{STORAGE}.file_basename.value_get")
        except BaseException:
            self._disconnect()
            raise

    @property
    def capabilities(self) -> Capabilities:
        """What the lab file says; force curves and pulses are not declared."""
        return self._capabilities

    def _line(self, name: str) -> StudioLine:
        has = self._settings

        def open_link() -> Link:
            link: Link = TcpLink(has.host, has.port)
            if has.record is None:
                return link
            path = has.record.with_stem(f"{has.record.stem}_{next(self._links)}")
            return RecordingLink(link, path)

        return StudioLine(name, open_link, has.session, has.level, has.reply_timeout)

    def _read(self) -> Reading:
        """Read back; the tip is at the sample when the loop holds its set-point."""
        said = ("offset_x", "offset_y")
        paths = [*(f"{AXES}.{name}" for name in said), BIAS]
        paths += [f"{Z}.setpoint", f"{Z}.actual_feedback_value"]
        x, y, bias, setpoint, actual = self._watching.numbers(paths)
        is_engaged = abs(actual - setpoint) <= self._settings.contact * abs(setpoint)
        return Reading((x, y), bias, is_engaged)

    def _time_of(self, instruction: Instruction, here: tuple[float, float]) -> float:
        has = self._settings
        match instruction:
            case Scan(frame=frame, line_rate=rate):
                return has.frame_overhead + frame.pixels[1] / rate
            case PositionProbe(x=x, y=y):
                return math.dist(here, (x, y)) / has.move_speed
            case AcquireSpectrum(x=x, y=y, waveform=waveform):
                moving = math.dist(here, (x, y)) / has.move_speed
                return moving + waveform.duration + has.spectrum_overhead * waveform.cycles
            case Load():
                return has.approach_time / 10
        return 0.0

    def _check_more(self, instruction: Instruction) -> None:
        if isinstance(instruction, AcquireSpectrum):
            self._measuring.cycle(instruction.waveform)
        if isinstance(instruction, SetFeedback) and instruction.gain is not None:
            raise Unsupported(
                "Studio counts its gain in a way of its own; set it in the lab file, not in 1/s"
            )

    def _load(self, instruction: Load, action: Action) -> None:  # noqa: ARG002  sample: by hand
        for path, allowed in UNITS.items():
            unit = self._acting.unit(path)
            if unit not in allowed:
                raise InstrumentError(
                    f"Studio says {path} in {unit!r}; set it to {' or '.join(allowed)} there"
                )
            action.check()
        has = self._settings
        if has.setpoint_unit:
            self._acting.call(f"{Z}.setpoint.unit_set", has.setpoint_unit)
        if has.setpoint is not None:
            self._acting.put(f"{Z}.setpoint", has.setpoint)
        if has.gain is not None:
            self._acting.put(f"{Z}.i_gain", has.gain)
        self._acting.put(f"{STORAGE}.nhf_backend_enabled", True)
        self._acting.put(f"{STORAGE}.nhf_auto_store_mode", NEW_FILE, raw=True)
        if not self._read().is_engaged:
            self._approach(action)

    def _approach(self, action: Action) -> None:
        def halt() -> None:
            self._watching.call(f"{APPROACH}.stop_approach")

        limit = self._settings.approach_time
        said = self._acting.call(
            f"{APPROACH}.approach", timeout=limit, meanwhile=halting(action, halt)
        )
        _log.info("approach: %s", said)
        end = time.monotonic() + self._settings.reply_timeout
        while not self._read().is_engaged:
            action.check()
            if time.monotonic() > end:
                raise InstrumentError(
                    f"Studio ended the approach ({said}), but the feedback does not hold its "
                    "set-point: the tip is not at the sample"
                )
            time.sleep(SLICE)

    def _move(self, x: float, y: float, action: Action) -> None:
        line = self._acting
        here = self._read().position
        if math.dist(here, (x, y)) == 0.0:
            return
        line.put(f"{AXES}.offset_x_target", x)
        line.put(f"{AXES}.offset_y_target", y)
        action.check()
        limit = self._limit(math.dist(here, (x, y)) / self._settings.move_speed)
        line.call(f"{AXES}.move_to_xy_target", timeout=limit)
        end = time.monotonic() + limit
        allowed = self._capabilities.position_accuracy
        while not math.dist(at := self._read().position, (x, y)) <= allowed:
            action.check()
            if time.monotonic() > end:
                raise InstrumentError(
                    f"the probe was sent to {as_text((x, y))} and reads back {as_text(at)} "
                    f"after {limit:.3g} s"
                )
            time.sleep(SLICE)

    def _scan(self, scan: Scan, action: Action) -> Iterator[ScanLine]:
        start = self._clock.now()
        limit = self._limit(self._time_of(scan, (0.0, 0.0)))
        measured = self._measuring.scan(scan, limit, action)
        names = [channel.name for channel in self._capabilities.channels_of(scan)]
        known = {signal.name: signal for signal in self._settings.image_channels}
        forward = np.stack([image_of(measured, "Forward", known[name]) for name in names])
        backward = np.stack([image_of(measured, "Backward", known[name]) for name in names])
        lines = scan.frame.pixels[1]
        times = np.linspace(start, self._clock.now(), lines + 1)[1:]
        for index in range(lines):
            action.check()
            yield ScanLine(index, forward[:, index], backward[:, index], float(times[index]))

    def _sweep(self, waveform: BiasWaveform, action: Action) -> Swept:
        at = self._read().position
        once = waveform.duration / waveform.cycles + self._settings.spectrum_overhead
        return Swept(self._measuring.sweep(waveform, at, self._limit(once), action))

    def _feedback(self, instruction: SetFeedback, action: Action) -> None:
        if instruction.setpoint is not None:
            unit = self._acting.unit(f"{Z}.setpoint")
            if unit not in SETPOINT_UNITS:
                allowed = ", ".join(SETPOINT_UNITS)
                raise Unsupported(f"the set-point is in {unit!r}; it can be set in {allowed}")
            self._acting.put(f"{Z}.setpoint", instruction.setpoint)
        action.check()
        if instruction.bias is not None:
            self._acting.put(BIAS, instruction.bias)

    def _withdraw(self) -> None:
        """Retract the tip, stop what goes on, withdraw, and see that the loop let go."""
        steps = [f"{Z}.retract_tip", f"{IMAGING}.stop", f"{SPECTRA}.stop"]
        steps += [f"{APPROACH}.stop_approach", f"{APPROACH}.withdraw"]
        refused: list[str] = []
        for step in steps:
            try:
                self._order(step)
            except Refused as error:
                refused.append(str(error))
            except InstrumentError as error:
                raise NotConfirmed(f"Studio does not answer to {step}: {error}") from error
        try:
            is_engaged = self._read().is_engaged
        except InstrumentError as error:
            raise NotConfirmed(f"the withdrawal is not confirmed: {error}") from error
        if is_engaged:
            said = "; ".join(refused) or "Studio refused nothing"
            raise NotConfirmed(f"the feedback still holds its set-point after withdrawing: {said}")

    def _order(self, step: str) -> None:
        """Order a step of the withdrawal; over a new line once more if the first one broke.

        All of them are harmless to say twice: they only stop and lift.
        """
        limit = SLOW_LIFT if step.endswith("withdraw") else QUICK_LIFT
        try:
            self._rescue.call(step, timeout=limit)
        except (ConnectionLost, NoReply):
            self._rescue.call(step, timeout=limit)

    def _limit(self, estimate: float) -> float:
        return estimate * MARGIN + self._settings.reply_timeout

    def _disconnect(self) -> None:
        basename = getattr(self, "_basename", None)
        if isinstance(basename, str):
            with contextlib.suppress(InstrumentError):
                self._watching.call(f"{STORAGE}.file_basename.value_set", basename)
        for line in (self._acting, self._watching, self._rescue):
            line.close()
