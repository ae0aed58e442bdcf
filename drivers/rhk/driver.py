"""RhkMicroscope: the R9 as an `Instrument`."""

import contextlib
import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from spm_auto.clock import Clock
from spm_auto.errors import (
    DataError,
    InstrumentError,
    OutOfStep,
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
    ScanFrame,
    ScanLine,
    SetFeedback,
)
from spm_auto.wire import rhk as wire

from ..microscope import BIAS_STEP, DrivenMicroscope, Point, Reading, Swept
from ..transport import Patience
from .approach import Approach
from .files import image_of, sweep_of
from .procedures import Procedures, ending
from .program import Program
from .settings import RhkSettings
from .sweeps import check_waveform, step_through

SQUARE = 1e-9  # relative
SAME = 1e-6  # relative: settings are kept as 32-bit floats
SAME_SETPOINT = 1e-3  # relative
STILL = 1e-12  # [m], [deg], [s]: what is none


class RhkMicroscope(DrivenMicroscope):
    """An STM with an R9, through the text interface of its program and the files that it saves.

    The lines of a scan come when its file is there; until then progress is known by the time only.

    Args:
        settings: Where it is and what it has.
        clock: Instrument time.

    Raises:
        ConnectionLost: The program cannot be reached.
        DataError: The folder of its files is not there.
    """

    def __init__(self, settings: RhkSettings, clock: Clock) -> None:
        super().__init__(clock)
        self._settings = settings
        images, spectra = settings.channels()
        self._capabilities = Capabilities(
            f"RHK R9 at {settings.host}",
            images,
            spectra,
            settings.x_range,
            settings.y_range,
            settings.bias_range,
            settings.position_accuracy,
            is_simulated=False,
            instructions=frozenset({SetFeedback} if settings.may_set_feedback else ()),
        )
        if not settings.save_path.is_dir():
            raise DataError(f"the folder of the R9's files, {settings.save_path}, is not there")
        self._program = Program(
            settings.host,
            settings.port,
            settings.connect_delay,
            settings.quiet,
            settings.reply_timeout,
            settings.record,
        )
        self._approach = Approach(self._program, settings)
        self._setpoint = wire.controller("Set Point", settings.controller)
        self._procedures = Procedures(self._program, self._approach, settings, clock)
        self._is_stepping = False  # the bias goes through a waveform
        self._is_frozen = False  # the feedback, after a sweep that could not be put in order
        self._overscan = 0.0
        self._known = self._read()

    @property
    def capabilities(self) -> Capabilities:
        """What the instrument has, as the lab file says."""
        return self._capabilities

    def _read(self) -> Reading:
        reading = self._read_once()
        likely = self._known.bias
        if math.isfinite(likely) and abs(reading.bias - likely) > BIAS_STEP:
            # nothing says whether an answer is whole: what is unlikely is asked for again
            again = self._read_once()
            is_still = not (self._procedures.running or self._is_stepping)
            off = min(abs(again.bias - bias) for bias in (reading.bias, likely))
            if is_still and off > BIAS_STEP:
                raise OutOfStep(
                    f"{self._program.name} says that the bias is {reading.bias:g} V, "
                    f"and then {again.bias:g} V"
                )
            reading = again
        return reading

    def _read_once(self) -> Reading:
        x, y, bias, z = self._program.numbers(
            [
                wire.TIP_X.get(),
                wire.TIP_Y.get(),
                wire.BIAS.get(),
                wire.channel(self._settings.height_signal),
            ]
        )
        for name, value, (low, high) in (
            ("x", x, self._settings.x_range),
            ("y", y, self._settings.y_range),
        ):
            beyond = high - low
            if not low - beyond <= value <= high + beyond:
                raise OutOfStep(f"{self._program.name}: {name} cannot be {value:g} m")
        return Reading((x, y), bias, self._approach.is_between(z) and not self._is_frozen)

    def _time_of(self, instruction: Instruction, here: Point) -> float:
        settings = self._settings
        match instruction:
            case Scan(frame=frame, line_rate=rate):
                corner = frame.to_sample(frame.pixels[1] - 1, frame.pixels[0] - 1)
                way = math.dist(here, (float(corner[0]), float(corner[1])))
                lines = (frame.pixels[1] + self._overscan) * (1 + settings.turn_share)
                return way / settings.tip_speed + settings.frame_settling + lines / rate
            case PositionProbe(x=x, y=y):
                return math.dist(here, (x, y)) / settings.tip_speed
            case AcquireSpectrum(x=x, y=y, waveform=waveform):
                overhead = settings.spectrum_overhead if settings.sweep == "procedure" else 0.0
                way = math.dist(here, (x, y))
                return way / settings.tip_speed + overhead + waveform.duration
            case Load():
                return settings.engage_time
            case _:
                return settings.reply_timeout

    def _check_more(self, instruction: Instruction) -> None:
        if isinstance(instruction, Scan):
            frame = instruction.frame
            (width, height), (pixels, lines) = frame.size, frame.pixels
            if pixels != lines or abs(width - height) > SQUARE * width:
                raise Unsupported(
                    f"{self._capabilities.name} scans squares with as many lines as pixels; got "
                    f"{width:g} x {height:g} m with {pixels} x {lines} pixels"
                )
        if isinstance(instruction, SetFeedback) and instruction.gain is not None:
            raise Unsupported(
                f"{self._capabilities.name} keeps its gains: their unit is not that of a recipe"
            )
        if isinstance(instruction, AcquireSpectrum) and self._settings.sweep == "procedure":
            check_waveform(instruction.waveform, self._settings)

    def _load(self, instruction: Load, action: Action) -> None:  # noqa: ARG002  for the record
        settings, program = self._settings, self._program
        if settings.remote_path:
            program.write(wire.saving("Save Path"), settings.remote_path)
            program.write(
                wire.saving("Save Path", settings.spectroscopy_window), settings.remote_path
            )
        self._overscan = program.number(wire.OVERSCAN.get())
        if settings.bias is not None:
            program.set((wire.BIAS, settings.bias, BIAS_STEP))
        if settings.setpoint is not None:
            self._set_setpoint(settings.setpoint)
        self._approach.engage(action)
        self._is_frozen = False
        self._known = self._read_once()

    def _scan(self, scan: Scan, action: Action) -> Iterator[ScanLine]:
        settings, frame = self._settings, self._as_counted(scan.frame)
        self._set_frame(frame, scan.line_rate)
        expected = self._time_of(scan, self._known.position)
        file = self._procedures.measure(
            settings.image_procedure, wire.SCAN_WINDOW, expected, action
        )
        by_name = {channel.name: channel for channel in settings.image_channels}
        chosen = [by_name[channel.name] for channel in self._capabilities.channels_of(scan)]
        there, back = image_of(file, frame, chosen)
        measured = np.flatnonzero(np.isfinite(there).any(axis=(0, 2)))
        for line in measured:
            yield ScanLine(int(line), there[:, line], back[:, line], self._clock.now())
        if len(measured) < frame.pixels[1]:
            raise InstrumentError(
                f"the scan ended after {len(measured)} of {frame.pixels[1]} lines: it was stopped "
                f"at the R9 ({file.source})"
            )

    def _move(self, x: float, y: float, action: Action) -> None:
        self._program.tell(wire.TIP_X.set(x), wire.TIP_Y.set(y))
        expected = self._time_of(PositionProbe(x, y), self._known.position)
        self._procedures.run(wire.MOVE_TIP, expected, action)
        patience = Patience(self._settings.reply_timeout, ending(action))
        while True:  # a Done that came early is no proof
            at = self._known.position
            self._known = self._read_once()
            if math.dist(self._known.position, (x, y)) <= self._settings.position_accuracy:
                return
            if self._known.position == at:
                raise InstrumentError(
                    f"the tip was sent to ({x:g}, {y:g}) m and stands still at "
                    f"({at[0]:g}, {at[1]:g}) m"
                )
            patience.check(f"the tip arrives at ({x:g}, {y:g}) m")

    def _sweep(self, waveform: BiasWaveform, action: Action) -> Swept:
        settings = self._settings
        if settings.sweep == "procedure":
            file = self._procedures.measure(
                settings.spectroscopy_procedure,
                settings.spectroscopy_window,
                waveform.duration,
                action,
            )
            both = settings.procedure_sweep is not None and settings.procedure_sweep.backward
            return Swept(sweep_of(file, waveform, both, settings.spectrum_channels))
        rest = self._known.bias
        self._approach.freeze(action)
        self._is_stepping = True
        try:
            channels = settings.spectrum_channels
            return Swept(step_through(self._program, waveform, channels, self._clock, action))
        finally:
            if not action.is_emergency:  # the tip is up then, and stays there
                self._is_frozen = True
                self._program.set((wire.BIAS, rest, BIAS_STEP))
                self._approach.unlimit(action)
                self._is_frozen = False
            self._is_stepping = False

    def _feedback(self, instruction: SetFeedback, action: Action) -> None:
        if instruction.bias is not None:
            self._program.set((wire.BIAS, instruction.bias, BIAS_STEP))
            self._known = self._read_once()
        action.check()
        if instruction.setpoint is not None:
            self._set_setpoint(instruction.setpoint)

    def _withdraw(self) -> None:
        """Retract the tip, then stop what runs, then see that it is up."""
        self._approach.retract()
        procedure = self._procedures.running or self._settings.image_procedure
        with contextlib.suppress(InstrumentError):
            self._program.stop(procedure)
        self._approach.confirm_up()

    def _disconnect(self) -> None:
        self._program.close()

    def _set_setpoint(self, setpoint: float) -> None:
        """Set what the feedback holds, with the sign of the bias: turning one turns the other.

        Raises:
            Refused: Set-point or bias read back otherwise.
        """
        bias = self._program.number(wire.BIAS.get())
        signed = math.copysign(setpoint, bias)
        self._program.set((self._setpoint, signed, SAME_SETPOINT * abs(setpoint)))
        after = self._program.number(wire.BIAS.get())
        if abs(after - bias) > BIAS_STEP:
            raise Refused(
                f"{self._program.name}: a set-point of {signed:g} A turned the bias from "
                f"{bias:g} to {after:g} V"
            )

    def _set_frame(self, frame: ScanFrame, line_rate: float) -> None:
        """Set what is scanned: one frame from the top, that is square."""
        values = {
            wire.X_OFFSET: frame.center[0],
            wire.Y_OFFSET: frame.center[1],
            wire.SIZE: frame.size[0],
            wire.ANGLE: math.degrees(frame.angle),
            wire.LINES: frame.pixels[1],
            wire.LINE_TIME: 0.5 / line_rate,
        }
        self._program.tell(wire.COUNT_MODE.set(wire.SINGLE), wire.SLOW_SCAN.set(wire.TOP_DOWN))
        self._program.set(*((p, v, SAME * abs(v) + STILL) for p, v in values.items()))

    def _as_counted(self, frame: ScanFrame) -> ScanFrame:
        """Return a frame with its angle as the R9 counts it."""
        is_same = self._settings.rotation == "counter-clockwise"
        return frame if is_same else replace(frame, angle=-frame.angle)
