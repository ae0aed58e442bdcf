"""AsylumMicroscope: an instrument whose every instruction is a few exchanges with Igor."""

import contextlib
import math
import secrets
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from spm_auto.clock import Clock
from spm_auto.data import DataFile
from spm_auto.errors import ChangedOutside, InstrumentError, NotConfirmed
from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    Action,
    BiasWaveform,
    Capabilities,
    ForceCurve,
    Instruction,
    Load,
    PositionProbe,
    Scan,
    ScanLine,
)
from spm_auto.wire.igor import (
    ENGAGED,
    FORCE,
    MOTOR,
    SCANNING,
    Call,
    control,
    status,
    td_read,
    td_write,
)

from ..microscope import DrivenMicroscope, Point, Reading, Swept
from ..transport import Patience
from . import panel
from .files import Expected, curve_of, image_of, stacks, sweep_of
from .finishing import finish
from .igor import Igor
from .ready import make_ready
from .triangle import Triangle

if TYPE_CHECKING:
    from .settings import AsylumSettings

CLOSE = 1e-6  # of a value: it was taken as it was given
MARGIN = 1.5  # of an estimate, before something is said to be stuck
FIRST_PAUSE = 2e-3  # [s] between looks at a motion
ALLOWED_JUMP = 1e-9  # of a step: rounding


class AsylumMicroscope(DrivenMicroscope):
    """A microscope of Asylum Research.

    Lines of a scan come when the image was saved: the public interfaces show none earlier.

    Args:
        settings: Of the laboratory.
        igor: The way to the program; closed with the instrument.
        clock: Instrument time.

    Raises:
        InstrumentError: Igor does not answer.
    """

    def __init__(self, settings: "AsylumSettings", igor: Igor, clock: Clock) -> None:
        super().__init__(clock)
        self._settings = settings
        self._igor = igor
        self._session = f"spm{secrets.token_hex(4)}"
        self._count = 0
        self._sent: Point = (math.nan, math.nan)
        self._capabilities = Capabilities(
            name="Asylum Research microscope",
            image_channels=tuple(c.channel for c in settings.image_channels),
            spectrum_channels=tuple(c.channel for c in settings.spectrum_channels),
            x_range=settings.x_range,
            y_range=settings.y_range,
            bias_range=settings.bias_range,
            position_accuracy=settings.position_accuracy,
            is_simulated=False,
            instructions=frozenset({AcquireForceCurve} if settings.force_curves else ()),
        )
        self._known = self._read()

    @property
    def capabilities(self) -> Capabilities:
        """What the instrument has."""
        return self._capabilities

    def _read(self) -> Reading:
        reading, _ = self._where()
        return reading

    def _where(self, action: Action | None = None) -> tuple[Reading, tuple[Point, Point]]:
        """Return what is read back, and sensitivity [m/V] and zero [V] of the sensors."""
        settings = self._settings
        questions = panel.where(settings.x_sensor, settings.y_sensor, settings.bias)
        answers = self._ask(questions, action=action)
        for question, answer in zip(questions, answers, strict=True):
            if not math.isfinite(answer):
                names = " ".join(map(str, question.params))
                raise InstrumentError(f"Igor knows no value of {question.name} {names}")
        x, y, x_sensitivity, y_sensitivity, x_zero, y_zero, bias, bits = answers
        position = (x - x_zero) * x_sensitivity, (y - y_zero) * y_sensitivity
        doing = int(bits)
        is_busy = bool(doing & (SCANNING | FORCE | MOTOR))
        reading = Reading(position, bias, bool(doing & ENGAGED), is_busy)
        return reading, ((x_sensitivity, y_sensitivity), (x_zero, y_zero))

    def _check_more(self, instruction: Instruction) -> None:
        if isinstance(instruction, AcquireSpectrum):
            Triangle.of(instruction.waveform)

    def _time_of(self, instruction: Instruction, here: Point) -> float:
        settings = self._settings

        def move(x: float, y: float) -> float:
            return math.dist(here, (x, y)) / settings.tip_speed + settings.settling

        match instruction:
            case Load():
                return settings.settling
            case PositionProbe(x=x, y=y):
                return move(x, y)
            case AcquireSpectrum(x=x, y=y, waveform=waveform):
                return move(x, y) + waveform.duration + settings.spectrum_overhead
            case AcquireForceCurve(x=x, y=y, rate=rate):
                return move(x, y) + 1 / rate
            case Scan(frame=frame, line_rate=rate):
                lines = frame.pixels[1] * (1 + settings.turn_share) / rate
                return move(*frame.center) + settings.frame_settling + lines
        return settings.settling

    def _load(self, instruction: Load, action: Action) -> None:  # noqa: ARG002  for the record
        make_ready(self._settings, self._ask, action)

    def _move(self, x: float, y: float, action: Action) -> None:
        """Move by the set-points of the x and y loops, in steps, and wait for the sensors."""
        self._sent = x, y
        reading, (sensitivity, zero) = self._where(action)
        start = reading.position
        distance = math.dist(start, (x, y))
        steps = max(1, math.ceil(distance / self._settings.step * (1 - ALLOWED_JUMP)))
        for step in range(1, steps + 1):
            share = step / steps
            target = start[0] + share * (x - start[0]), start[1] + share * (y - start[1])
            if step == steps:
                target = x, y
            self._step(target, sensitivity, zero, action)

    def _step(self, target: Point, sensitivity: Point, zero: Point, action: Action) -> None:
        volts = tuple(t / s + z for t, s, z in zip(target, sensitivity, zero, strict=True))
        names = (panel.X_SETPOINT, panel.Y_SETPOINT)
        told = [td_write(name, value) for name, value in zip(names, volts, strict=True)]
        taken = self._ask([td_read(name) for name in names], told, action)
        for name, value, asked in zip(names, taken, volts, strict=True):
            _same(name, value, asked, "V")
        limit = self._settings.reply_timeout + MARGIN * self._time_of(
            PositionProbe(*target), self._known.position
        )
        patience = Patience(limit, action.check)
        pause = FIRST_PAUSE
        try:
            while True:
                at = self._where(action)[0].position
                if math.dist(at, target) <= self._settings.position_accuracy:
                    return
                patience.check(f"the tip is at {at}, on its way to {target} m")
                threading.Event().wait(min(pause, patience.slice()))
                pause *= 2
        except BaseException:
            if action.stop.is_set() and not action.is_emergency:
                self._stay(sensitivity, zero)
            raise

    def _stay(self, sensitivity: Point, zero: Point) -> None:
        """Let the loops hold the tip where the sensors say that it is."""
        with contextlib.suppress(InstrumentError):
            x, y = self._read().position
            volts = x / sensitivity[0] + zero[0], y / sensitivity[1] + zero[1]
            names = (panel.X_SETPOINT, panel.Y_SETPOINT)
            self._ask((), [td_write(n, v) for n, v in zip(names, volts, strict=True)])

    def _scan(self, scan: Scan, action: Action) -> Iterator[ScanLine]:
        is_clockwise = self._settings.rotation == "clockwise"
        self._set(panel.frame_settings(scan, is_clockwise), action)
        expected = self._expected()
        start = self._clock.now()
        limit = MARGIN * self._time_of(scan, self._known.position) + self._settings.file_time
        started = (panel.named(expected.base), panel.UP)
        file = finish(self._settings, self._ask, started, expected, SCANNING, limit, action)
        frame = scan.frame
        # the note tells the angle as the software does
        theirs = replace(frame, angle=-frame.angle) if is_clockwise else frame
        image = image_of(file, theirs)
        chosen = [self._settings.image_channels[i] for i in self._chosen(scan)]
        forward, backward = stacks(image, chosen)
        end, lines = self._clock.now(), frame.pixels[1]
        pace = min((1 + self._settings.turn_share) / scan.line_rate, (end - start) / lines)
        for index in range(lines):
            time = end - pace * (lines - 1 - index)
            yield ScanLine(index, forward[:, index].copy(), backward[:, index].copy(), time)

    def _chosen(self, scan: Scan) -> list[int]:
        known = self.capabilities.image_channels
        return [known.index(channel) for channel in self.capabilities.channels_of(scan)]

    def _sweep(self, waveform: BiasWaveform, action: Action) -> Swept:
        where, button = panel.SPECTROSCOPY[self._settings.spectroscopy]
        self._set(panel.sweep_settings(Triangle.of(waveform), where), action)
        limit = MARGIN * (waveform.duration + self._settings.spectrum_overhead)
        file = self._curve(control(button, where), limit, action)
        return Swept(sweep_of(file, waveform, self._settings.spectrum_channels))

    def _force_curve(self, instruction: AcquireForceCurve, action: Action) -> ForceCurve:
        stiffness, sensitivity = self._ask(panel.CANTILEVER, action=action)
        if not (stiffness > 0 and sensitivity > 0):
            raise InstrumentError(
                f"the cantilever is not calibrated: stiffness {stiffness:g} N/m, sensitivity "
                f"{sensitivity:g} m/V; both must be positive"
            )
        volts = instruction.trigger / stiffness / sensitivity
        self._set(panel.force_settings(instruction, volts), action)
        file = self._curve(panel.PRESS, MARGIN / instruction.rate, action)
        return curve_of(file, instruction.points, stiffness)

    def _curve(self, button: Call, limit: float, action: Action) -> DataFile:
        """Press a button that takes a curve, and see that the tip stayed where it was sent.

        Raises:
            ChangedOutside: Somebody moved it meanwhile.
        """
        expected = self._expected()
        started = (panel.named(expected.base), button)
        limit += self._settings.file_time
        file = finish(self._settings, self._ask, started, expected, FORCE, limit, action)
        at = self._where(action)[0].position
        off = math.dist(at, self._sent)
        if not off <= self._settings.position_accuracy:
            raise ChangedOutside(
                f"the tip was moved by {off:g} m while a curve was taken at {self._sent} m, "
                f"allowed {self._settings.position_accuracy:g} m; the curve is thrown away"
            )
        return file

    def _withdraw(self) -> None:
        """Stop and withdraw through an exchange of its own, and see that it is so."""
        way = self._igor.aside()
        patience = Patience(self._settings.reply_timeout)
        try:
            (bits,) = way.exchange((panel.STOP, panel.WITHDRAW), (status(),), patience)
            while int(bits) & ENGAGED:
                patience.check("the tip is still engaged")
                threading.Event().wait(patience.slice())
                (bits,) = way.read((status(),), patience)
        except InstrumentError as error:
            raise NotConfirmed(
                f"the withdrawal was ordered and Igor did not confirm it: {error}"
            ) from error
        finally:
            if way is not self._igor:
                way.close()

    def _disconnect(self) -> None:
        self._igor.close()

    def _set(self, settings: Sequence[panel.Setting], action: Action) -> None:
        """Set values and see that they were taken as they were given.

        Raises:
            InstrumentError: One was not.
        """
        taken = self._ask([s.question for s in settings], [s.call for s in settings], action)
        for setting, value in zip(settings, taken, strict=True):
            _same(setting.name, value, setting.value)

    def _expected(self) -> Expected:
        self._count += 1
        return Expected(self._settings.save_path, f"{self._session}n{self._count}_")

    def _ask(
        self,
        questions: Sequence[Call],
        actions: Sequence[Call] = (),
        action: Action | None = None,
    ) -> tuple[float, ...]:
        meanwhile = action.check if action is not None else None
        patience = Patience(self._settings.reply_timeout, meanwhile)
        return self._igor.exchange(actions, questions, patience)


def _same(name: str, taken: float, asked: float, unit: str = "") -> None:
    if not math.isclose(taken, asked, rel_tol=CLOSE, abs_tol=1e-12):
        raise InstrumentError(
            f"{name} was set to {asked:g} {unit} but reads back {taken:g} {unit}; "
            "nothing was started"
        )
