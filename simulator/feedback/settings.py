"""FeedbackSettings: how the z loop is built; Control: the clock at which it runs over a scan."""

import math
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from spm_auto.units import Frequency, Length, Speed, format

from ..checks import not_negative, positive

SAMPLES_PER_RINGING = 10  # control steps in a period of the piezo, at least
LONG_SCAN = 4e6  # control steps above which a scan is followed at a lower rate
SLOW_LOOP = 0.2  # share of the critical gain below which the piezo's resonance hardly matters
STEPS_PER_RESPONSE = 16  # control steps in the loop's time constant 1 / gain, on a long scan


def _rings(value: float) -> float:
    if not 0.5 < value < math.inf:
        raise ValueError(f"must be above 0.5, for a piezo that rings, got {value:g}")
    return value


@dataclass(frozen=True, slots=True)
class Control:
    """The clock of the loop over one scan.

    Attributes:
        steps: Control steps for each sample of the path.
        step_time: Time of one of them [s].
        rings: Whether the piezo's resonance is followed; without it the piezo obeys at once.
    """

    steps: int
    step_time: float
    rings: bool = True


class FeedbackSettings(BaseModel):
    """An integral controller, a piezo that rings and an amplifier that is not infinitely fast.

    Attributes:
        gain: Integral gain, the loop's bandwidth in rad/s [1/s].
        proportional: Proportional gain.
        resonance: Of the z piezo [Hz].
        quality: Of that resonance.
        bandwidth: Pole of the amplifier in front of the controller [Hz]; None: none.
        z_range: Reach of the piezo, up and down from its middle [m].
        slew: Fastest that the piezo is driven [m/s].
        control_rate: Of the controller [Hz], ten times the resonance or more.
        ideal: Whether the tip simply is where the loop wants it, whatever else is set.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    gain: Annotated[float, not_negative("1/s")] = 600.0
    proportional: Annotated[float, not_negative("1")] = 0.0
    resonance: Annotated[Frequency, positive("Hz")] = 4e3
    quality: Annotated[float, AfterValidator(_rings)] = 15.0
    bandwidth: Annotated[Frequency, positive("Hz")] | None = 2e3
    z_range: Annotated[Length, positive("m")] = 500e-9
    slew: Annotated[Speed, positive("m/s")] = 50e-6
    control_rate: Annotated[Frequency, positive("Hz")] = 40e3
    ideal: bool = False

    @classmethod
    def perfect(cls) -> Self:
        """Return the loop without a fault: the tip is exactly at the height that is wanted."""
        return cls(ideal=True)

    @model_validator(mode="after")
    def _fast_enough(self) -> Self:
        needed = SAMPLES_PER_RINGING * self.resonance
        if self.control_rate < needed:
            raise ValueError(
                f"control_rate must be ten times the resonance, {format(needed, 'Hz')}, or more, "
                f"got {format(self.control_rate, 'Hz')}"
            )
        return self

    def control(self, dt: float, samples: int) -> Control:
        """Choose the clock for a scan.

        A long scan with a loop far below its critical gain is followed more coarsely and without
        the piezo's resonance, which it would not excite.

        Args:
            dt: Time between two samples of a path [s].
            samples: Samples of the whole scan: those of a path times the lines.
        """
        from .linear import critical_gain

        if self.ideal:
            return Control(1, dt, rings=False)
        rate, rings = self.control_rate, True
        if samples * dt * rate > LONG_SCAN and self.gain < SLOW_LOOP * critical_gain(self):
            rate, rings = min(rate, STEPS_PER_RESPONSE * self.gain), False
        steps = max(1, math.ceil(rate * dt * (1 - 1e-12)))
        return Control(steps, dt / steps, rings)
