"""Tip: bringing it to the sample, holding it there, and lifting it, with the firmware's traps."""

import contextlib
import math
from typing import TYPE_CHECKING

from spm_auto.errors import ChangedOutside, InstrumentError, NotConfirmed, SpmError
from spm_auto.instrument import Action
from spm_auto.wire import red_panda as wire

from ..transport import Patience
from .controller import Controller

if TYPE_CHECKING:
    from .settings import RedPandaSettings

FAR = 0  # of the z DAC: as far from the sample as it goes [counts]
MARGIN = 500  # above the middle of z in which the loop can be closed without a crash [counts]
APPROACHES = 3  # until the sample is found in the upper half of z
STEP_TIME = 60 / (2 * 2048)  # [s] of the motor
WITHDRAWALS = 2  # orders before it is said that they were not confirmed


class Tip:
    """The tip, as the controller holds it.

    Args:
        controller: The firmware.
        settings: Of bias, current, loop and motor.

    Attributes:
        bias: With which the loop holds [counts].
        target: Current that the loop holds [counts].
        is_open: Whether the loop is open for a spectrum.
    """

    def __init__(self, controller: Controller, settings: "RedPandaSettings") -> None:
        self._controller, self._settings = controller, settings
        self._scale = settings.calibration
        self.bias = self._scale.bias_counts(settings.bias)
        self.target = self._scale.current_counts(settings.setpoint)
        self.is_open = False

    def ready(self) -> None:
        """Lift the tip and set what it will be brought to the sample with."""
        controller, settings = self._controller, self._settings
        self.bias = self._scale.bias_counts(settings.bias)
        self.target = self._scale.current_counts(settings.setpoint)
        self.is_open = controller.is_latched = False
        self.lift()
        status = controller.status()
        if status.z != FAR or status.has_feedback:
            raise InstrumentError(f"{controller.name}: the tip cannot be lifted, z is {status.z}")
        if status.x == status.y == 0:  # nobody set them since power-on
            controller.set("DACX", wire.MIDDLE)
            controller.set("DACY", wire.MIDDLE)
        controller.tell("PIDS", settings.proportional, settings.integral, 0.0)
        controller.set("BIAS", self.bias)

    def find_sample(self, action: Action) -> None:
        """Approach until the sample is met in the upper half of z.

        Closing the loop, the firmware begins in the middle of z whatever z was: with the sample
        below the middle that would drive the tip into it.

        Raises:
            InstrumentError: There is no sample, or it is met too low each time.
        """
        for _ in range(APPROACHES):
            status = self._approach(action)
            if status.z >= wire.MIDDLE + MARGIN:
                return
            self._controller.set("DACZ", FAR)
            self._back_off()
        raise InstrumentError(
            f"the sample was met at z {status.z} each time, below {wire.MIDDLE + MARGIN} counts, "
            f"where closing the loop is a crash; use smaller approach_steps"
        )

    def check_can_open(self) -> None:
        """Refuse to open a loop that could not be closed again.

        Raises:
            InstrumentError: Closing it would be a crash.
        """
        z = self._controller.status().z
        if z < wire.MIDDLE + MARGIN:
            raise InstrumentError(
                f"the tip stands at z {z}, and closing the loop begins at {wire.MIDDLE} counts, "
                f"nearer to the sample: that would be a crash; load() approaches again"
            )

    def close_loop(self, action: Action) -> None:
        """Let the loop hold the current, and see that it does.

        Raises:
            InstrumentError: It does not, or closing it would be a crash.
        """
        controller, settings = self._controller, self._settings
        self.check_can_open()
        if not controller.tell("CCON", self.target).has_feedback:
            raise InstrumentError(f"{controller.name} does not close its loop")
        end, held = Patience(settings.settle_timeout), 0
        low, high = wire.Z_RANGE
        while held < 2:
            action.check()
            if end.left() <= 0:
                raise InstrumentError(
                    f"{controller.name}: the loop does not hold {self.target} counts of current"
                )
            action.stop.wait(settings.pause)
            current = abs(controller.reading())
            is_held = self.target / 2 <= current <= 2 * self.target
            held = held + 1 if is_held and low < controller.status().z < high else 0

    def compare(self, status: wire.Status) -> None:
        """Refuse what was measured when somebody changed the controller meanwhile.

        Raises:
            ChangedOutside: With what is otherwise.
        """
        name = self._controller.name
        if not status.has_feedback:
            raise ChangedOutside(f"{name}: somebody opened the loop")
        if status.bias != self.bias:
            was, now = (self._scale.bias_of(n) for n in (self.bias, status.bias))
            self.bias = status.bias  # said once; whoever goes on has been told
            raise ChangedOutside(f"{name}: bias {was:g} V -> {now:g} V")

    def lift(self) -> wire.Status:
        """Order the z DAC away; ``STOP`` comes first, or the loop would set z anew at once.

        Both are absolute: to send them again does no harm.
        """
        self._controller.tell("STOP")
        return self._controller.tell("DACZ", FAR)

    def withdraw(self) -> None:
        """Lift the tip with the z DAC, which is the fastest, then turn the motor away.

        The first order goes out beside whatever is going on. The firmware hears it at the end of
        the strip that it scans, `strip_time` at most.

        Raises:
            NotConfirmed: z does not read back as lifted.
        """
        self._controller.is_latched = True
        self._controller.shout(wire.command("STOP") + wire.command("DACZ", FAR))
        self.is_open = False
        why = "it was not heard"
        for _ in range(WITHDRAWALS):
            try:
                status = self.lift()
            except InstrumentError as error:
                why = str(error)
                continue
            if status.z == FAR and not status.has_feedback and not status.is_approaching:
                with contextlib.suppress(InstrumentError):  # the tip is up already
                    self._back_off()
                return
            why = f"z reads back {status.z}"
        raise NotConfirmed(f"{self._controller.name}: the tip may still be at the sample: {why}")

    def _approach(self, action: Action) -> wire.Status:
        controller, settings = self._controller, self._settings
        controller.contact = None
        end = Patience(settings.approach_timeout)
        try:
            status = controller.tell("APRH", self.target, settings.approach_steps)
            while status.is_approaching:
                action.check()
                end.check("the approach has not ended")
                action.stop.wait(2 * settings.pause)
                status = controller.status()
        except SpmError:
            with contextlib.suppress(InstrumentError):
                controller.tell("STOP")
            raise
        if controller.contact is None:
            raise InstrumentError(
                f"{controller.name}: no sample within {wire.MOST_STEPS} steps of the motor"
            )
        return status

    def _back_off(self) -> None:
        steps = self._settings.withdraw_steps
        if steps:
            away = -int(math.copysign(steps, self._settings.approach_steps))
            self._controller.turn(away, steps * STEP_TIME)
