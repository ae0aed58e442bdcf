"""GuardedInstrument: an instrument that refuses what the laboratory does not allow."""

import contextlib
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from ..errors import (
    ChangedOutside,
    InstrumentError,
    LimitExceeded,
    Malformed,
    NotLoaded,
    OutOfStep,
    Stopped,
    Unprotected,
    Unsupported,
)
from .exposure import Ledger
from .form import check_form
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
from .limits import Limits
from .permit import Permit
from .protocol import Capabilities, Extended, Instrument, Status
from .results import ForceCurve, ScanLine, Spectrum
from .vitals import Attended, Vitals, vitals_of
from .watchdog import Severity, Watchdog
from .withdrawal import Withdrawal

BIAS_ACCURACY = 2e-3  # [V] by which a bias may be read back otherwise; the exam allows as much
_NOT_BEGUN = (LimitExceeded, Unsupported, NotLoaded)  # with which nothing was moved
_ROUNDING = 1 + 1e-9


class GuardedInstrument:
    """An instrument behind limits, ledger, permit and watchdog; itself an `Instrument`.

    An instruction is checked as a whole before the instrument sees any of it, so what is refused
    has moved nothing, used nothing up and is in no ledger. Asked are, in this order: the permit,
    what the instrument has, the limits, the ledger, where nobody sits beside it the controller's
    own guard of the tip, the watchdog, and whether this is a dry run. Afterwards what can be read
    back is compared, and what did not follow is a fault. Stopping is never checked and never
    refused.

    Args:
        instrument: What is guarded.
        limits: What the laboratory allows; narrowed to the instrument's own range.
        ledger: What the sample has borne; without one it is a new sample.
        watchdog: Looks at the same instrument before and after each instruction and at each line.
        permit: What whoever gives the instructions may do; without one everything.
        is_protection_waived: Whether the laboratory does without the controller's own guard of the
            tip also where nobody sits beside it.
    """

    def __init__(
        self,
        instrument: Instrument,
        limits: Limits | None = None,
        *,
        ledger: Ledger | None = None,
        watchdog: Watchdog | None = None,
        permit: Permit | None = None,
        is_protection_waived: bool = False,
    ) -> None:
        self._instrument = instrument
        self._limits = (limits or Limits()).within(instrument.capabilities)
        self._ledger = Ledger(self._limits.exposure) if ledger is None else ledger
        self._watchdog = watchdog
        self._permit = Permit() if permit is None else permit
        self._is_protection_waived = is_protection_waived
        self._withdrawal = Withdrawal(instrument) if watchdog is None else watchdog.withdrawal

    @property
    def capabilities(self) -> Capabilities:
        """What the instrument has."""
        return self._instrument.capabilities

    @property
    def limits(self) -> Limits:
        """What is allowed, narrowed to the instrument's own range."""
        return self._limits

    @property
    def ledger(self) -> Ledger:
        """What the sample has borne."""
        return self._ledger

    @property
    def permit(self) -> Permit:
        """What whoever gives the instructions may do."""
        return self._permit

    @property
    def watchdog(self) -> Watchdog | None:
        """Who looks at the instrument; None where nobody does."""
        return self._watchdog

    def status(self) -> Status:
        """Read back where the instrument stands, and whether the watchdog holds it."""
        trip = None if self._watchdog is None else self._watchdog.trip
        is_held = trip is not None and trip.severity is Severity.HOLD
        status = self._instrument.status()
        return replace(status, is_held=True) if is_held else status

    def vitals(self) -> Vitals:
        """Read what the instrument feels.

        Raises:
            Unsupported: It does not tell.
            InstrumentError: It cannot be read.
        """
        return vitals_of(self._instrument)

    def last_vitals(self) -> Vitals | None:
        """Tell what the instrument feels without taking anything from its watchdog.

        Where one watches here, that is what it has read last; None where nobody can tell.
        """
        if self._watchdog is not None and self._watchdog.is_watching:
            return self._watchdog.vitals
        try:
            if isinstance(self._instrument, Attended):
                return self._instrument.vitals()
            return self.vitals()
        except InstrumentError:
            return None

    @property
    def trip(self) -> str:
        """Why a watchdog has acted, here or where the instrument is; empty while all is well."""
        trip = None if self._watchdog is None else self._watchdog.trip
        if trip is not None:
            return trip.message
        return self._instrument.trip if isinstance(self._instrument, Attended) else ""

    @property
    def owner(self) -> str:
        """Who has control of the server where the instrument is; empty where there is none."""
        return self._instrument.owner if isinstance(self._instrument, Attended) else ""

    def duration(self, instruction: Instruction) -> float:
        """Estimate how long an instruction will take from here [s]."""
        return self._instrument.duration(instruction)

    def load(self, instruction: Load) -> None:
        """Ready the instrument; its spectra are counted anew, and another sample is a new page."""
        self._admit(instruction, Load)
        with self._given(instruction):
            self._instrument.load(instruction)
        self._ledger.book(instruction)

    def scan(self, instruction: Scan) -> Iterator[ScanLine]:
        """Check the frame and the channels, then scan, and look at each line."""
        self._admit(instruction, Scan)
        with self._given(instruction):  # what the instrument refuses leaves no trace of a scan
            lines = self._instrument.scan(instruction)
        return self._lines(instruction, lines)

    def position_probe(self, instruction: PositionProbe) -> None:
        """Check the point, move, and read the position back."""
        self._admit(instruction, PositionProbe)
        with self._given(instruction):
            self._instrument.position_probe(instruction)
            self._check_position(self._instrument.status().position, instruction)

    def acquire_spectrum(self, instruction: AcquireSpectrum) -> Spectrum:
        """Check point and waveform, acquire, and compare the position read back."""
        self._admit(instruction, AcquireSpectrum)
        with self._given(instruction):
            spectrum = self._instrument.acquire_spectrum(instruction)
            self._check_position((spectrum.x, spectrum.y), instruction)
            _check_points(len(spectrum.bias), len(instruction.waveform.values), "a spectrum")
        return spectrum

    def acquire_force_curve(self, instruction: AcquireForceCurve) -> ForceCurve:
        """Check point, force and declared ability, measure, and compare the position read back."""
        self._admit(instruction, AcquireForceCurve)
        with self._given(instruction):
            curve = self._extended().acquire_force_curve(instruction)
            self._check_position((curve.x, curve.y), instruction)
            _check_points(len(curve.extension), instruction.points, "a force curve")
        return curve

    def condition_tip(self, instruction: ConditionTip) -> None:
        """Check point, bias, depth and declared ability, then pulse or poke."""
        self._admit(instruction, ConditionTip)
        with self._given(instruction):
            self._extended().condition_tip(instruction)
            self._check_position(self._instrument.status().position, instruction)

    def set_feedback(self, instruction: SetFeedback) -> None:
        """Check values and declared ability, change the z loop, and read the bias back."""
        self._admit(instruction, SetFeedback)
        with self._given(instruction):
            self._extended().set_feedback(instruction)
            if instruction.bias is not None:
                _check_bias(self._instrument.status().bias, instruction.bias)

    def move_stage(self, instruction: MoveStage) -> None:
        """Check the place and declared ability, move the stage, and read its position back."""
        self._admit(instruction, MoveStage)
        with self._given(instruction):
            self._extended().move_stage(instruction)
            self._check_stage(self._instrument.status(), instruction)

    def interrupt(self) -> None:
        """End the instruction in progress now."""
        self._instrument.interrupt()

    def emergency_stop(self) -> None:
        """Withdraw the tip and latch; before anything else, and never refused.

        Raises:
            NotConfirmed: The tip was ordered up by every way there is, and none was confirmed.
        """
        self._withdrawal.order()

    def withdraw_hard(self) -> None:
        """Withdraw the tip and latch, by the alternate path at once where the instrument has one.

        It waits for no withdrawal that is under way.

        Raises:
            NotConfirmed: The tip was ordered up by every way there is, and none was confirmed.
        """
        if isinstance(self._instrument, Attended):
            self._instrument.last_resort()
        else:
            self._withdrawal.order_hard()

    def close(self) -> None:
        """Let go of the hardware."""
        self._instrument.close()

    def check(self, instruction: Instruction) -> None:
        """Refuse an instruction that will be refused whatever the instrument does just now.

        Raises:
            Malformed: Something else stands in it where a number belongs.
            Forbidden: It needs a higher level.
            Unsupported: It is not understood, or names a channel that the instrument lacks.
            LimitExceeded: It leaves the limits.
        """
        check_form(instruction)
        self._permit.check_level(instruction)
        self.capabilities.check(instruction)
        self._limits.check(instruction)
        if isinstance(instruction, AcquireSpectrum):
            # an instrument may dwell longer than it was told: a lock-in has to settle
            self._limits.check_spectrum_duration(self._instrument.duration(instruction))

    def _admit(self, instruction: Instruction, kind: type[Instruction]) -> None:
        """Check an instruction, and where all is well use up what it needs; see the class."""
        if type(instruction) is not kind:
            said = type(instruction).__name__
            raise Malformed(f"expected {kind.__name__}, got {said}; nothing was moved")
        self._permit.check_allowed(instruction)
        self.check(instruction)
        self._limits.check_count(instruction, self._ledger.spectra_since_load)
        if self._limits.needs_status(instruction):
            self._limits.check_change(instruction, self._instrument.status())
        if self.capabilities.stage_range is not None:
            stage = self._instrument.status().stage
            self._ledger.at_stage(stage, self.capabilities.stage_accuracy)
        self._ledger.check(instruction)
        self._check_protection(instruction)
        if self._watchdog is not None:
            self._watchdog.look()
            self._watchdog.check(instruction)
        self._permit.check_armed(instruction)
        self._permit.use(instruction)
        if kind is not Load:
            self._ledger.book(instruction)

    @contextlib.contextmanager
    def _given(self, instruction: Instruction) -> Iterator[None]:
        """Look at what becomes of an instruction that is given to the instrument within."""
        try:
            yield
        except _NOT_BEGUN:
            self._ledger.strike(instruction)
            raise
        except ChangedOutside as error:
            self._report("outside", str(error))
            self._check_watched(instruction)  # held, where somebody watches
            raise
        except Stopped:
            self._check_watched(instruction)  # where it was the watchdog, it says why
            raise
        finally:
            if self._watchdog is not None:
                self._watchdog.look()
        self._check_watched(instruction)

    def _lines(self, instruction: Scan, lines: Iterator[ScanLine]) -> Iterator[ScanLine]:
        count, pixels = instruction.frame.shape
        shape = len(self.capabilities.channels_of(instruction)), pixels
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._given(instruction))
            if hasattr(lines, "close"):
                stack.callback(lines.close)
            for line in lines:
                if self._watchdog is not None:
                    self._watchdog.look()
                    self._check_watched(instruction)
                _check_line(line, count, shape)
                yield line

    def _check_protection(self, instruction: Instruction) -> None:
        """Refuse to go on by itself where the controller's own guard is not confirmed armed."""
        if isinstance(instruction, Load):  # it is what arms it
            return
        if self._is_protection_waived or not self._permit.is_autonomous:
            return
        name = self.capabilities.name
        try:
            vitals = self.vitals()
        except InstrumentError as error:
            raise Unprotected(
                f"{name} does not confirm that its own guard of the tip is armed: {error}; "
                "nothing may run by itself"
            ) from error
        if vitals.is_protected is not True:
            raise Unprotected(
                f"the own guard of {name} is not armed: {vitals.protection or 'it has none'}; "
                "nothing may run by itself"
            )

    def _check_watched(self, instruction: Instruction) -> None:
        """Let nothing go on that the watchdog has ended."""
        if self._watchdog is not None and self._watchdog.trip is not None:
            self._watchdog.check(instruction)

    def _report(self, cause: str, message: str) -> None:
        if self._watchdog is not None:
            self._watchdog.report(cause, message, Severity.HOLD)

    def _extended(self) -> Extended:
        return cast(Extended, self._instrument)  # only after `check`: it declares that it is one

    def _check_position(
        self,
        position: tuple[float, float],
        instruction: PositionProbe | AcquireSpectrum | AcquireForceCurve | ConditionTip,
    ) -> None:
        off = math.hypot(position[0] - instruction.x, position[1] - instruction.y)
        allowed = self.capabilities.position_accuracy
        if not off <= allowed * _ROUNDING:  # NaN is a fault too
            fault = (
                f"the probe was sent to ({instruction.x:g}, {instruction.y:g}) m but reads back "
                f"({position[0]:g}, {position[1]:g}) m: {off:g} m away, allowed {allowed:g} m"
            )
            self._report("axis", fault)
            raise InstrumentError(fault)

    def _check_stage(self, status: Status, instruction: MoveStage) -> None:
        at, allowed = status.stage or (math.nan, math.nan), self.capabilities.stage_accuracy
        off = math.dist(at, (instruction.x, instruction.y))
        if not off <= allowed * _ROUNDING:  # NaN is a fault too
            fault = (
                f"the stage was sent to ({instruction.x:g}, {instruction.y:g}) m but reads back "
                f"({at[0]:g}, {at[1]:g}) m: {off:g} m away, allowed {allowed:g} m"
            )
            self._report("axis", fault)
            raise InstrumentError(fault)


def _check_bias(bias: float, asked: float) -> None:
    if not abs(bias - asked) <= BIAS_ACCURACY * _ROUNDING:  # NaN is a fault too
        raise InstrumentError(
            f"the bias was set to {asked:g} V but reads back {bias:g} V, allowed is a difference "
            f"of {BIAS_ACCURACY:g} V"
        )


def _check_points(given: int, asked: int, what: str) -> None:
    if given != asked:
        raise OutOfStep(f"{what} of {asked} points came back with {given}")


def _check_line(line: ScanLine, count: int, shape: tuple[int, int]) -> None:
    if not (0 <= line.index < count and line.forward.shape == line.backward.shape == shape):
        raise OutOfStep(
            f"the instrument gave line {line.index} with values of shape {line.forward.shape} and "
            f"{line.backward.shape}; the scan has {count} lines of shape {shape}"
        )
