"""DrivenMicroscope: what all drivers have in common; each says how it is done on its wire."""

import contextlib
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from spm_auto.clock import Clock
from spm_auto.errors import ChangedOutside, ConnectionLost, InstrumentError, NoReply, OutOfStep
from spm_auto.instrument import (
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
    PositionProbe,
    QualityFlag,
    Scan,
    ScanLine,
    SetFeedback,
    Spectrum,
    Status,
    Turns,
)
from spm_auto.units import format as format_quantity

from .transport import Meanwhile

Point = tuple[float, float]

BIAS_STEP = 2e-3  # [V] by which a bias may read back otherwise
GRACE = 2.0  # [s] for a device to come to an end that was told to


@dataclass(frozen=True, slots=True)
class Reading:
    """What an instrument reads back.

    Attributes:
        position: Where the probe stands (x, y) [m].
        bias: Tip-sample bias [V].
        is_engaged: Whether the tip is at the sample.
        is_busy: Whether it scans, sweeps or moves, whoever told it to.
    """

    position: Point
    bias: float
    is_engaged: bool
    is_busy: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Swept:
    """What a sweep gave.

    Attributes:
        data: Values, shape [channel, point], in the order of the spectrum channels.
        flags: What the instrument found wrong with it.
    """

    data: FloatArray
    flags: tuple[QualityFlag, ...] = ()


class DrivenMicroscope(ABC):
    """A real microscope: whose turn it is, what is refused, what is read back before and after.

    A child connects when it is made, and says how each instruction is carried out on its wire. It
    waits in conversations with a deadline, and looks at the flag of its `Action` at least every
    100 ms; `halting` does both. When contact is lost the state is LOST, and the instruction raises;
    the next one reads the state anew before it sends anything. Nothing is sent twice.

    Args:
        clock: Instrument time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._turns = Turns()
        self._left: Reading | None = None  # as the last instruction left the instrument
        self._known = Reading((math.nan, math.nan), math.nan, is_engaged=False)

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What the instrument has."""

    @abstractmethod
    def _read(self) -> Reading:
        """Read back where the instrument stands, never behind an instruction in progress.

        Raises:
            InstrumentError: It cannot be read.
        """

    @abstractmethod
    def _time_of(self, instruction: Instruction, here: Point) -> float:
        """Estimate how long an instruction takes from a point [s]."""

    @abstractmethod
    def _load(self, instruction: Load, action: Action) -> None:
        """Ready the instrument, until the tip is at the sample."""

    @abstractmethod
    def _scan(self, scan: Scan, action: Action) -> Iterator[ScanLine]:
        """Scan line by line; whatever ends the generator, its end stops the instrument's scan."""

    @abstractmethod
    def _move(self, x: float, y: float, action: Action) -> None:
        """Move the probe, and come back when it is there."""

    @abstractmethod
    def _sweep(self, waveform: BiasWaveform, action: Action) -> Swept:
        """Sweep the bias where the probe stands."""

    @abstractmethod
    def _withdraw(self) -> None:
        """Lift the tip, over a way of its own and whatever else goes on; any thread.

        Raises:
            NotConfirmed: It was ordered, and the instrument did not say that it is done.
        """

    @abstractmethod
    def _disconnect(self) -> None:
        """Let go of the wire; safe to call twice."""

    def _check_more(self, instruction: Instruction) -> None:  # noqa: B027  many run any
        """Refuse what this instrument cannot carry out, before anything is sent.

        Raises:
            Unsupported: With what it can.
            LimitExceeded: With what is allowed.
        """

    def _force_curve(self, instruction: AcquireForceCurve, action: Action) -> ForceCurve:
        """Take a force curve where the probe stands; only drivers that declare it are asked."""
        raise NotImplementedError

    def _condition(self, instruction: ConditionTip, action: Action) -> None:
        """Condition the tip where the probe stands; only drivers that declare it are asked."""
        raise NotImplementedError

    def _feedback(self, instruction: SetFeedback, action: Action) -> None:
        """Change the z loop; only drivers that declare it are asked."""
        raise NotImplementedError

    def status(self) -> Status:
        """Read back where the instrument stands; LOST and NaN when it does not answer."""
        reading = self._known
        if self._turns.state is not InstrumentState.CLOSED:
            try:
                reading = self._known = self._read()
            except (ConnectionLost, NoReply):
                self._turns.lose()
                reading = replace(reading, position=(math.nan, math.nan), bias=math.nan)
        state = self._turns.state
        return Status(state, reading.position, reading.bias, reading.is_engaged, self._clock.now())

    def duration(self, instruction: Instruction) -> float:
        """Estimate how long an instruction takes from here [s]."""
        self._check_more(instruction)
        here = self._known.position
        if not all(math.isfinite(v) for v in here):
            here = (0.0, 0.0)
        return self._time_of(instruction, here)

    def load(self, instruction: Load) -> None:
        """Ready the instrument; it reads everything anew."""
        self._left = None
        with self._turns.take(loading=True) as action, self._contact():
            self._load(instruction, action)
            self._turns.loaded(action)
            self._remember()

    def scan(self, instruction: Scan) -> Iterator[ScanLine]:
        """Check the frame and the channels now, then scan as the lines are asked for."""
        self._check(instruction)
        return self._scanning(instruction)

    def position_probe(self, instruction: PositionProbe) -> None:
        """Move the probe, and see that it is there."""
        with self._carry_out(instruction) as action:
            self._go(instruction.x, instruction.y, action)

    def acquire_spectrum(self, instruction: AcquireSpectrum) -> Spectrum:
        """Position the probe, see that it is there, and sweep the bias."""
        waveform = instruction.waveform
        with self._carry_out(instruction, InstrumentState.SPECTROSCOPY) as action:
            start = self._clock.now()
            at = self._go(instruction.x, instruction.y, action)
            swept = self._sweep(waveform, action)
            action.check()
            shape = len(self.capabilities.spectrum_channels), len(waveform.values)
            _check_shape("a spectrum", swept.data.shape, shape)
            return Spectrum(
                *at,
                waveform.bias,
                self.capabilities.spectrum_channels,
                np.asarray(swept.data, dtype=float),
                start,
                self._clock.now(),
                _flags(swept),
            )

    def acquire_force_curve(self, instruction: AcquireForceCurve) -> ForceCurve:
        """Position the probe, press it into the sample and pull it off again."""
        with self._carry_out(instruction, InstrumentState.SPECTROSCOPY) as action:
            start = self._clock.now()
            x, y = self._go(instruction.x, instruction.y, action)
            curve = self._force_curve(instruction, action)
            action.check()
            return replace(curve, x=x, y=y, start_time=start, end_time=self._clock.now())

    def condition_tip(self, instruction: ConditionTip) -> None:
        """Position the probe, and pulse or poke."""
        with self._carry_out(instruction) as action:
            self._go(instruction.x, instruction.y, action)
            self._condition(instruction, action)

    def set_feedback(self, instruction: SetFeedback) -> None:
        """Change what the z loop holds, or how fast."""
        with self._carry_out(instruction) as action:
            self._feedback(instruction, action)

    def interrupt(self) -> None:
        """End the instruction in progress; without one, do nothing."""
        self._turns.interrupt()

    def emergency_stop(self) -> None:
        """Withdraw the tip, and latch until the next `load`.

        The latch comes first, so that no instruction sends a motion after the withdrawal.

        Raises:
            NotConfirmed: The withdrawal was ordered, and the instrument did not confirm it.
        """
        self._turns.latch()
        self._withdraw()

    def close(self) -> None:
        """End what is going on and let go of the wire; the tip stays where it is."""
        if self._turns.state is not InstrumentState.CLOSED:
            self._turns.close()
            self._disconnect()

    @contextlib.contextmanager
    def _carry_out(
        self, instruction: Instruction, state: InstrumentState = InstrumentState.READY
    ) -> Iterator[Action]:
        """Refuse or begin an instruction; afterwards remember how it left the instrument."""
        self._check(instruction)
        with self._turns.take(state) as action, self._contact():
            self._compare()
            yield action
            action.check()
            self._remember()

    def _scanning(self, scan: Scan) -> Iterator[ScanLine]:
        channels = len(self.capabilities.channels_of(scan))
        shape = channels, scan.frame.pixels[0]
        with self._turns.take(InstrumentState.SCANNING) as action, self._contact():
            self._compare()
            with contextlib.closing(self._scan(scan, action)) as lines:  # type: ignore[type-var]
                for line in lines:
                    action.check()
                    _check_shape("a scan line", line.forward.shape, shape)
                    _check_shape("a scan line", line.backward.shape, shape)
                    yield line
            action.check()
            self._remember()

    def _check(self, instruction: Instruction) -> None:
        self._turns.check_ready()
        self.capabilities.check(instruction)
        Limits().within(self.capabilities).check(instruction)
        self._check_more(instruction)

    @contextlib.contextmanager
    def _contact(self) -> Iterator[None]:
        """Note it when contact is lost."""
        try:
            yield
        except (ConnectionLost, NoReply):
            self._turns.lose()
            raise

    def _remember(self) -> None:
        self._left = self._known = self._read()

    def _compare(self) -> None:
        """Refuse to go on with an instrument that is otherwise than it was left.

        The next instruction takes it as it is now: whoever gives it has been told.

        Raises:
            ChangedOutside: With what is otherwise.
            ConnectionLost: It cannot be reached.
        """
        now, left = self._read(), self._left
        self._known, self._left = now, None
        changes = _changes(left, now, self.capabilities.position_accuracy)
        if changes:
            raise ChangedOutside(
                f"{self.capabilities.name} was changed outside: {'; '.join(changes)}"
            )

    def _go(self, x: float, y: float, action: Action) -> Point:
        """Move, and return where the probe is, read back.

        Raises:
            InstrumentError: It is not where it was sent.
        """
        self._move(x, y, action)
        action.check()
        at = self._read().position
        off, allowed = math.dist(at, (x, y)), self.capabilities.position_accuracy
        if not off <= allowed * (1 + 1e-9):
            raise InstrumentError(
                f"the probe was sent to ({x:g}, {y:g}) m but reads back ({at[0]:g}, {at[1]:g}) m: "
                f"{off:g} m away, allowed {allowed:g} m; nothing was done there"
            )
        return at


def halting(action: Action, halt: Callable[[], None], grace: float = GRACE) -> Meanwhile:
    """Return what to do while waiting for a device: halt it once, when the action must end.

    The wait then goes on for a short while, so that the conversation ends in order. In an emergency
    nothing is halted: the withdrawal does that, over its own way.

    Args:
        action: The instruction in progress.
        halt: Tells the device to come to an end, over another connection.
        grace: How long to wait then [s].
    """
    halted = False

    def meanwhile() -> float | None:
        nonlocal halted
        if not action.stop.is_set():
            return None
        if not halted and not action.is_emergency:
            halted = True
            halt()
        return grace

    return meanwhile


def _flags(swept: Swept) -> tuple[QualityFlag, ...]:
    if np.isfinite(swept.data).all() or QualityFlag.NOT_FINITE in swept.flags:
        return swept.flags
    return (*swept.flags, QualityFlag.NOT_FINITE)


def _check_shape(what: str, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if shape != expected:
        raise OutOfStep(f"{what} came with shape {shape}, expected {expected}; it is thrown away")


def _changes(left: Reading | None, now: Reading, accuracy: float) -> list[str]:
    changes = []
    if not now.is_engaged:
        changes.append("the tip is withdrawn; load() engages it")
    if now.is_busy:
        changes.append("it scans, sweeps or moves, and was not told to")
    if left is not None and not math.dist(now.position, left.position) <= accuracy + 1e-15:
        changes.append(f"position {_point(left.position)} -> {_point(now.position)}")
    if left is not None and not abs(now.bias - left.bias) <= BIAS_STEP:
        changes.append(f"bias {_said(left.bias, 'V')} -> {_said(now.bias, 'V')}")
    return changes


def _point(point: Point) -> str:
    return f"({_said(point[0], 'm')}, {_said(point[1], 'm')})"


def _said(value: float, unit: str) -> str:
    return format_quantity(value, unit, 6)
