"""Approach: bringing the tip to the sample and away from it, seen from z."""

import contextlib
import threading
from collections.abc import Iterator

from spm_auto.errors import InstrumentError, NotConfirmed
from spm_auto.instrument import Action
from spm_auto.wire import rhk as wire

from ..microscope import halting
from ..transport import SLICE, Patience
from .program import Program
from .settings import RhkSettings

STEADY = 3  # looks at z that agree
TRIES = 2  # to retract: saying it twice does no harm
LOCK_TIME = 1.0  # [s] that a retraction waits for another word about the tip


class Approach:
    """What the z controller is told, and whether z follows.

    Feedback that finds the sample holds z between its bounds. Without a sample it pushes z to the
    lower one, and a retracted tip is at the upper one.

    Args:
        program: The R9's program.
        settings: Of the lab file.
    """

    def __init__(self, program: Program, settings: RhkSettings) -> None:
        self._program = program
        self._settings = settings
        self._tip_control = wire.tip_control(settings.controller)
        self._bounds: tuple[float, float] | None = None
        self._lock = threading.Lock()

    def is_between(self, z: float) -> bool:
        """Whether z is at neither bound: the feedback holds the sample."""
        low, high = self._between()
        return low < z < high

    def engage(self, action: Action) -> None:
        """Switch the feedback on; where it finds nothing, take coarse steps if these are allowed.

        Before each step the tip is retracted.

        Raises:
            InstrumentError: It does not find the sample; the tip is retracted then.
        """
        settings, self._bounds = self._settings, None
        for step in range(settings.approach_steps + 1):
            if step:
                self._run_step(action)
            self.unlimit(action)
            if self._finds(action):
                return
            self.retract()
        taken = settings.approach_steps
        raise InstrumentError(
            f"{self._program.name}: the feedback does not find the sample"
            + (f" within {taken} coarse steps" if taken else "; approach_steps allows no step")
            + "; the tip is retracted"
        )

    @contextlib.contextmanager
    def gate(self, action: Action) -> Iterator[None]:
        """Let something begin, unless its action must end.

        A retraction waits for what has passed the gate, so that it comes after it and not before.
        """
        with self._lock:
            action.check()
            yield

    def unlimit(self, action: Action) -> None:
        """Let the feedback regulate, unless the tip was withdrawn meanwhile."""
        with self._lock:
            if action.is_emergency:
                action.check()
            self._program.tell(self._tip_control.set(wire.UNLIMIT))

    def freeze(self, action: Action) -> None:
        """Hold the tip where it is, unless it was withdrawn meanwhile."""
        with self.gate(action):
            self._program.tell(self._tip_control.set(wire.FREEZE))

    def retract(self) -> None:
        """Retract the tip; what the program answers is not relied upon."""
        has_turn = self._lock.acquire(timeout=LOCK_TIME)
        try:
            for _ in range(TRIES):
                try:
                    self._program.tell(self._tip_control.set(wire.RETRACT))
                except InstrumentError:
                    continue
                return
        finally:
            if has_turn:
                self._lock.release()

    def confirm_up(self) -> None:
        """Wait until z is at its upper bound.

        Raises:
            NotConfirmed: It is not, or cannot be read.
        """
        patience, seen = Patience(self._settings.reply_timeout), "nothing"
        while True:
            try:
                z = self._z()
                if z >= self._between()[1]:
                    return
                seen = f"{z:g} m"
            except InstrumentError as error:
                seen = str(error)
            if patience.left() <= 0:
                raise NotConfirmed(
                    f"{self._program.name} was told to retract the tip; z reads back: {seen}"
                )
            threading.Event().wait(SLICE / 5)

    def _run_step(self, action: Action) -> None:
        self.confirm_up()
        stop = halting(action, lambda: self._program.stop(wire.STEP_IN))
        longest = self._settings.engage_time
        self._program.run(wire.STEP_IN, longest, stop, self.gate(action))
        action.check()

    def _finds(self, action: Action) -> bool:
        """Wait until z is steady; say whether it is between its bounds."""
        patience = Patience(self._settings.engage_time)
        margin, seen = self._settings.bound_margin, [self._z()]
        while True:
            action.check()
            threading.Event().wait(SLICE / 5)
            seen = [*seen, self._z()][-STEADY:]
            is_steady = len(seen) == STEADY and max(seen) - min(seen) < margin
            if is_steady and seen[-1] < self._between()[1]:
                return self.is_between(seen[-1])
            if patience.left() <= 0:
                return False

    def _between(self) -> tuple[float, float]:
        """Return what z is between when the sample is held [m]."""
        if self._bounds is None:
            low, high = self._program.numbers(
                [
                    wire.controller(f"{end} Bound", self._settings.controller).get()
                    for end in ("Lower", "Upper")
                ]
            )
            margin = self._settings.bound_margin
            if not high - low > 2 * margin:
                raise InstrumentError(
                    f"{self._program.name}: z goes from {low:g} to {high:g} m, which leaves "
                    f"nothing between margins of {margin:g} m"
                )
            self._bounds = low + margin, high - margin
        return self._bounds

    def _z(self) -> float:
        return self._program.number(wire.channel(self._settings.height_signal))
