"""RedPandaSettings: what a lab file says of a tunnelling microscope with the red panda firmware."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from spm_auto.clock import Clock
from spm_auto.units import Bias, Current, Duration, Length
from spm_auto.wire import red_panda as wire

from ..settings import DriverSettings
from ..sr830 import LockInSettings
from .calibration import Calibration
from .microscope import RedPandaMicroscope


class RedPandaSettings(DriverSettings):
    """How the controller is reached, what its counts are worth, and how it is worked with.

    Attributes:
        port: Of the serial line, or a URL of pyserial.
        baudrate: Bits per second; USB does not mind.
        x_per_count: What a count of the x DAC moves the tip by [m].
        y_per_count: What a count of the y DAC moves the tip by [m].
        z_per_count: What a count of the z DAC moves the tip by [m]; larger is towards the sample.
        z_zero: Of the z DAC where the height is called zero [counts].
        bias_span: Bias at the end of its DAC [V].
        current_span: Current at the end of the converter [A].
        bias: With which it approaches and scans [V], positive: the firmware's approach waits for a
            positive current.
        setpoint: Current that the loop holds [A].
        proportional: Kp of the loop, in counts of z per unit of its logarithm.
        integral: Ki of the loop, in counts of z per unit of its logarithm and pass.
        pass_time: Of one pass of the firmware's loop [s].
        strip_time: The longest that the firmware may be deaf: while it scans, nothing stops it [s].
        approach_steps: Of the motor at each try; the sign is the direction towards the sample.
        approach_timeout: Of the whole approach, on the wall clock [s].
        withdraw_steps: Of the motor away from the sample, after the z DAC has lifted the tip.
        settle_timeout: Until the loop must hold the current after it was closed [s].
        pause: After a command with numbers, so that the firmware swallows what ends them [s].
        quiet: After opening the line, until nothing more comes from before [s].
        lock_in: An SR830 that measures dI/dV.
    """

    kind: Literal["red_panda"] = "red_panda"
    port: str
    baudrate: int = Field(default=115200, gt=0)
    x_per_count: Annotated[Length, Field(gt=0)]
    y_per_count: Annotated[Length, Field(gt=0)]
    z_per_count: Annotated[Length, Field(gt=0)]
    z_zero: int = Field(default=wire.MIDDLE, ge=0, le=wire.LARGEST)
    bias_span: Annotated[Bias, Field(gt=0)] = 3.0
    current_span: Annotated[Current, Field(gt=0)] = 10.24 / 100e6
    bias: Annotated[Bias, Field(gt=0)] = 0.1
    setpoint: Annotated[Current, Field(gt=0)] = 1e-9
    proportional: float = Field(default=0.0, ge=0)
    integral: float = Field(default=1e-3, gt=0)
    pass_time: Annotated[Duration, Field(gt=0)] = 20e-6
    strip_time: Annotated[Duration, Field(gt=0, le=30)] = 3.0
    approach_steps: int = 5
    approach_timeout: Annotated[Duration, Field(gt=0)] = 1800.0
    withdraw_steps: int = Field(default=100, ge=0, le=2000)
    settle_timeout: Annotated[Duration, Field(gt=0)] = 5.0
    pause: Annotated[Duration, Field(ge=0)] = 50e-3
    quiet: Annotated[Duration, Field(ge=0)] = 0.3
    reply_timeout: Annotated[Duration, Field(gt=0)] = 3.0
    lock_in: LockInSettings | None = None

    @model_validator(mode="after")
    def _can_work(self) -> Self:
        calibration = self.calibration
        if self.approach_steps == 0:
            raise ValueError("approach_steps must not be 0; its sign is the way to the sample")
        least, most = calibration.setpoints
        if not least <= self.setpoint <= most:
            raise ValueError(
                f"setpoint must lie between {least:g} A, below which it is lost in the counts, "
                f"and {most:g} A; got {self.setpoint:g} A"
            )
        if calibration.bias_counts(self.bias) > wire.LARGEST:
            raise ValueError(f"bias must not exceed bias_span, {self.bias_span:g} V")
        return self

    @property
    def calibration(self) -> Calibration:
        """What counts are worth."""
        return Calibration(
            self.x_per_count,
            self.y_per_count,
            self.z_per_count,
            self.bias_span / wire.MIDDLE,
            self.current_span / wire.MIDDLE,
            self.z_zero,
        )

    def open(self, clock: Clock, seed: int) -> RedPandaMicroscope:  # noqa: ARG002  it is real
        """Find the controller; nothing moves.

        Raises:
            InstrumentError: It does not answer.
        """
        return RedPandaMicroscope(self, clock)
