"""ClockedMicroscope: an instrument that lives on a clock; its children say what it measures."""

import contextlib
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property

import numpy as np

from spm_auto.clock import Clock
from spm_auto.errors import ChangedOutside
from spm_auto.instrument import (
    ENGAGED,
    AcquireForceCurve,
    AcquireSpectrum,
    Action,
    BiasWaveform,
    Capabilities,
    ConditionTip,
    FloatArray,
    ForceCurve,
    Instruction,
    InstrumentState,
    Limits,
    Load,
    MoveStage,
    PositionProbe,
    Scan,
    ScanFrame,
    ScanLine,
    SetFeedback,
    Spectrum,
    Status,
    Turns,
)

from .faults import Faults
from .timing import Point, Timing

LinePair = tuple[FloatArray, FloatArray]  # forward and backward, each of shape [channel, pixel]


class ClockedMicroscope(ABC):
    """State, position, time and stopping of a microscope without hardware.

    One thread gives the instructions; `status`, `interrupt` and `emergency_stop` may come from
    any: nobody waits for an instruction in progress, as `Turns` sees to it.

    Args:
        timing: How long everything takes.
        clock: Where that time passes.
        position: Where the probe stands at first [m].
        faults: What goes wrong; without any, nothing.
    """

    def __init__(
        self,
        timing: Timing,
        clock: Clock,
        position: Point = (0.0, 0.0),
        faults: Faults | None = None,
    ) -> None:
        self.timing = timing
        self._clock = clock
        self._faults = faults or Faults()
        self._turns = Turns()
        self._position = position
        self._is_up = True  # the tip
        self._outside_bias: float | None = None  # that somebody else has set [V]

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What the instrument has."""

    @cached_property
    def _reach(self) -> Limits:
        """What the instrument can reach."""
        return Limits().within(self.capabilities)

    @abstractmethod
    def _lines(self, scan: Scan, number: int) -> Callable[[int, float], LinePair]:
        """Freeze what is seen at a scan's start.

        Returns:
            Reads a line by its index and the instrument time at which it began [s].
        """

    @abstractmethod
    def _spectrum(
        self, at: Point, instruction: AcquireSpectrum, number: int, start: float
    ) -> Spectrum:
        """Sweep the bias at a point from a time on [s]; the caller sets position and times."""

    def _force_curve(
        self, at: Point, instruction: AcquireForceCurve, number: int, start: float
    ) -> ForceCurve:
        """Measure a force curve; only instruments that declare it are asked."""
        raise NotImplementedError

    def _condition(self, at: Point, instruction: ConditionTip, number: int, start: float) -> None:
        """Condition the tip; only instruments that declare it are asked."""
        raise NotImplementedError

    @property
    def _stage(self) -> Point | None:
        """Where the coarse stage stands [m]; None where there is none."""
        return None

    def _move_stage(self, to: Point) -> None:
        """Put another part of the sample under the scanner; only who declares it is asked."""
        raise NotImplementedError

    def _set_feedback(self, instruction: SetFeedback) -> None:
        """Change the z loop; only instruments that declare it are asked."""
        raise NotImplementedError

    def _begun(self, number: int) -> None:  # noqa: B027
        """Let happen what befalls the tip as an instruction begins."""

    def _engaged(self, number: int) -> None:  # noqa: B027
        """Let happen what bringing the tip to the sample does."""

    def _moved(self, start: Point, end: Point, began: float) -> None:  # noqa: B027
        """Let happen what a motion does, from a time [s] until now."""

    def _sweep_time(self, waveform: BiasWaveform) -> float:
        """Return the time of a spectrum once the probe is there [s]."""
        return self.timing.sweep(waveform)

    def _point_time(self, waveform: BiasWaveform) -> float:
        """Return the time that a spectrum really spends on each point [s]."""
        return waveform.dwell

    def _break_off(self, at: Point, waveform: BiasWaveform, points: int) -> None:  # noqa: B027
        """Let happen what a sweep does that was stopped after some points."""

    def _site(self, x: float, y: float, waveform: BiasWaveform | None = None) -> Point:  # noqa: ARG002
        """Return where the probe really comes to stand when sent to a point.

        Args:
            x: Where it is sent to [m].
            y: The same [m].
            waveform: What shall be run there; None when it is only positioned.
        """
        return x, y

    def _check_waveform(self, waveform: BiasWaveform) -> None:  # noqa: B027  most run any
        """Refuse a waveform that the instrument cannot run, with `Unsupported`."""

    def status(self) -> Status:
        """Read back where the instrument stands."""
        now = self._clock.now()
        with self._turns.lock:
            return Status(
                state=self._turns.state,
                position=self._position,
                bias=self._bias(now),
                is_engaged=self._is_engaged(),
                time=now,
                stage=self._stage,
            )

    def duration(self, instruction: Instruction) -> float:
        """Return how long an instruction takes from here [s].

        Raises:
            Unsupported: The waveform cannot be run.
        """
        timing, here = self.timing, self._position
        match instruction:
            case Load():
                return self._loading(instruction)
            case PositionProbe(x=x, y=y):
                return timing.move(here, self._site(x, y))
            case AcquireSpectrum(x=x, y=y, waveform=waveform):
                self._check_waveform(waveform)
                return timing.move(here, self._site(x, y, waveform)) + self._sweep_time(waveform)
            case AcquireForceCurve(x=x, y=y, rate=rate):
                return timing.move(here, (x, y)) + 1 / rate
            case ConditionTip(x=x, y=y, duration=duration):
                return timing.move(here, (x, y)) + timing.conditioning + duration
            case SetFeedback():
                return timing.settling
            case MoveStage(x=x, y=y):
                return timing.move_stage(self._stage or (x, y), (x, y))
            case Scan(frame=frame, line_rate=line_rate):
                approach = timing.move(here, _line_start(frame, 0)) + timing.frame_settling
                return approach + frame.pixels[1] * timing.line(line_rate)

    def load(self, instruction: Load) -> None:
        """Mount the sample, tune and engage; the sample keeps what was done to it.

        One that is mounted already stays so unless the instruction names a sample.

        Raises:
            Stopped: Somebody stopped it; the instrument is not loaded, and a latch stays.
        """
        seconds = self._loading(instruction)
        with self._action_in(loading=True) as action:
            self._wait(seconds, action)
            self._engaged(action.number)
            self._turns.loaded(action)
            with self._turns.lock:
                self._is_up = self._turns.state is InstrumentState.LATCHED
                self._outside_bias = None

    def scan(self, instruction: Scan) -> Iterator[ScanLine]:
        """Check the frame and the channels now, then scan as the lines are asked for."""
        self._check(instruction)
        return self._scanning(instruction)

    def scan_line(
        self, scan: Scan, line: int, duration: float, backward: bool = False
    ) -> FloatArray:
        """Measure one line of a frame, one way; for controllers that know nothing but lines.

        The tip goes on from where it stands without a way there of its own: that is the caller's.

        Args:
            scan: The frame and the channels; its rate is not used.
            line: Which line.
            duration: Of the way [s].
            backward: Whether the way back is measured.

        Returns:
            Values by position, shape [channel, pixel].
        """
        self._check(scan)
        with self._action_in(InstrumentState.SCANNING) as action:
            scan = replace(scan, line_rate=(1 + self.timing.overscan) / (2 * duration))
            read = self._lines(scan, action.number)
            began = self._clock.now()
            self._wait(duration, action)
            pair = read(line, began)
            x, y = scan.frame.to_sample(line, 0 if backward else scan.frame.pixels[0] - 1)
            self._set_position((float(x), float(y)))
            return pair[1] if backward else pair[0]

    def position_probe(self, instruction: PositionProbe) -> None:
        """Move the probe."""
        self._check(instruction)
        with self._action_in() as action:
            self._move(self._site(instruction.x, instruction.y), action)

    def acquire_spectrum(self, instruction: AcquireSpectrum) -> Spectrum:
        """Position the probe and sweep the bias; what is stopped half-way has half happened."""
        self._check(instruction)
        waveform = instruction.waveform
        with self._action_in(InstrumentState.SPECTROSCOPY) as action:
            start = self._clock.now()
            self._move(self._site(instruction.x, instruction.y, waveform), action)
            swept = self._clock.now()
            with self._turns.lock:
                action.sweep = swept, waveform
            was_stopped = self._clock.wait(self._sweep_time(waveform), action.stop)
            with self._turns.lock:
                action.sweep = None
            end, at = self._clock.now(), self._position
            if was_stopped:
                self._break_off(at, waveform, int((end - swept) / self._point_time(waveform)))
                action.check()
            spectrum = self._spectrum(at, instruction, action.number, swept)
            action.check()
            spectrum = replace(spectrum, x=at[0], y=at[1], start_time=start, end_time=end)
            return self._faults.of_spectrum(action.number, spectrum)

    def acquire_force_curve(self, instruction: AcquireForceCurve) -> ForceCurve:
        """Position the probe, press it into the sample and pull it off again."""
        self._check(instruction)
        with self._action_in(InstrumentState.SPECTROSCOPY) as action:
            start = self._clock.now()
            self._move((instruction.x, instruction.y), action)
            began, at = self._clock.now(), self._position
            self._wait(1 / instruction.rate, action)
            curve = self._force_curve(at, instruction, action.number, began)
            action.check()
            end = self._clock.now()
            curve = replace(curve, x=at[0], y=at[1], start_time=start, end_time=end)
            return self._faults.of_force_curve(action.number, curve)

    def condition_tip(self, instruction: ConditionTip) -> None:
        """Position the probe, and pulse or poke."""
        self._check(instruction)
        with self._action_in() as action:
            self._move((instruction.x, instruction.y), action)
            began = self._clock.now()
            self._wait(self.timing.conditioning + instruction.duration, action)
            self._condition(self._position, instruction, action.number, began)

    def set_feedback(self, instruction: SetFeedback) -> None:
        """Change what the z loop holds, or how fast."""
        self._check(instruction)
        with self._action_in() as action:
            self._set_feedback(instruction)
            self._wait(self.timing.settling, action)

    def move_stage(self, instruction: MoveStage) -> None:
        """Withdraw, move the stage, and approach; whoever is stopped on the way has the tip up.

        Raises:
            Stopped: Somebody stopped it; the stage stands where it came to, and `load` is needed.
        """
        self._check(instruction)
        with self._action_in(InstrumentState.EMPTY) as action:  # the tip is up meanwhile
            start, end = self._stage or (0.0, 0.0), (float(instruction.x), float(instruction.y))
            self._wait(self.timing.withdrawal, action)
            began, way = self._clock.now(), math.dist(start, end) / self.timing.stage_speed
            if self._clock.wait(way, action.stop):
                share = min((self._clock.now() - began) / way, 1.0) if way else 1.0
                end = (
                    start[0] + share * (end[0] - start[0]),
                    start[1] + share * (end[1] - start[1]),
                )
            self._move_stage(end)
            self._wait(self.timing.approach, action)
            self._engaged(action.number)
            self._turns.loaded(action)

    def interrupt(self) -> None:
        """End the instruction in progress; without one, do nothing."""
        self._turns.interrupt()

    def emergency_stop(self) -> None:
        """Withdraw the tip and latch until the next `load`.

        Raises:
            NotConfirmed: A fault keeps the tip where it is.
        """
        self._turns.latch()
        self._faults.dangers.withdraw()
        with self._turns.lock:
            self._is_up = True

    def close(self) -> None:
        """End what is going on and refuse everything from now on."""
        self._turns.close()

    def _scanning(self, scan: Scan) -> Iterator[ScanLine]:
        with self._action_in(InstrumentState.SCANNING) as action:
            self._move(_line_start(scan.frame, 0), action)
            self._wait(self.timing.frame_settling, action)
            read = self._lines(scan, action.number)
            channels = self.capabilities.channels_of(scan)
            starts = scan.frame.to_sample(np.arange(scan.frame.pixels[1]), 0)
            for index, start in enumerate(zip(*(v.tolist() for v in starts), strict=True)):
                self._set_position(self._faults.reached(action.number, self._position, start))
                self._faults.before_line(action.number, index, self._clock, action.stop)
                action.check()
                began = self._clock.now()
                self._wait(self.timing.line(scan.line_rate), action)
                forward, backward = read(index, began)
                line = ScanLine(index, forward, backward, self._clock.now())
                yield self._faults.of_line(action.number, line, channels)
            action.check()

    @contextlib.contextmanager
    def _action_in(
        self, state: InstrumentState = InstrumentState.READY, loading: bool = False
    ) -> Iterator[Action]:
        """Begin an instruction, and come back to a state of rest however it ends."""
        with self._turns.take(state, loading) as action:
            is_scan = state is InstrumentState.SCANNING
            self._begun(action.number)
            self._faults.before(action.number, self._clock, action.stop, loading, is_scan)
            action.check()
            if not loading:
                self._look_outside(action.number)
            yield action

    def _look_outside(self, number: int) -> None:
        """Refuse an instruction once, when somebody else has changed something before it."""
        here, now = self._position, self._clock.now()
        bias = self.status().bias
        if (changed := self._faults.dangers.changed(number, here, bias)) is None:
            return
        self._set_position(changed.position)
        self._moved(here, changed.position, now)
        if changed.bias != bias and SetFeedback in self.capabilities.instructions:
            self._set_feedback(SetFeedback(bias=changed.bias))
        elif changed.bias != bias:
            self._outside_bias = changed.bias
        raise ChangedOutside(f"{self.capabilities.name} was changed outside: {changed.words}")

    def _is_engaged(self) -> bool:
        """Whether the tip is at the sample; the caller holds the lock."""
        state = self._turns.state
        return state in ENGAGED or (state is InstrumentState.LATCHED and not self._is_up)

    def _loading(self, instruction: Load) -> float:
        """Return how long a load takes [s]; a sample that is mounted stays where it is."""
        is_mounted = self._faults.is_loaded and not instruction.sample
        return self.timing.tuning if is_mounted else self.timing.loading()

    def _check(self, instruction: Instruction) -> None:
        self._turns.check_ready()
        self.capabilities.check(instruction)
        self._reach.check(instruction)
        if isinstance(instruction, AcquireSpectrum):
            self._check_waveform(instruction.waveform)

    def _move(self, target: Point, action: Action) -> None:
        """Move to a point; whoever is stopped on the way stands where it was stopped."""
        start, began = self._position, self._clock.now()
        target = self._faults.reached(action.number, start, target)
        duration = self.timing.move(start, target)
        if self._clock.wait(duration, action.stop):
            way = min((self._clock.now() - began) / duration, 1.0)
            target = (
                start[0] + way * (target[0] - start[0]),
                start[1] + way * (target[1] - start[1]),
            )
        self._set_position(target)
        self._moved(start, target, began)
        action.check()

    def _wait(self, duration: float, action: Action) -> None:
        self._clock.wait(duration, action.stop)
        action.check()

    def _set_position(self, position: Point) -> None:
        with self._turns.lock:
            self._position = position

    def _resting_bias(self) -> float:
        """Return the bias while no spectrum is taken [V]."""
        return 0.0

    def _bias(self, now: float) -> float:
        """Return the bias at a moment [V]; the caller holds the lock."""
        action = self._turns.action
        resting = self._resting_bias() if self._outside_bias is None else self._outside_bias
        if action is None or action.sweep is None:
            return resting
        start, waveform = action.sweep
        step = math.floor((now - start) / self._point_time(waveform))
        if not 0 <= step < len(waveform.values) * waveform.cycles:
            return resting
        return waveform.values[step % len(waveform.values)]


def _line_start(frame: ScanFrame, line: int) -> Point:
    x, y = frame.to_sample(line, 0)
    return float(x), float(y)
