"""StmSettings: what a lab file says of a scanning tunnelling microscope."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from spm_auto.units import Bias, Current, Length, Temperature, format

from ...checks import not_negative, positive
from ...feedback import FeedbackSettings
from ...lock_in import LockInSettings
from ...noise_sources import CurrentNoiseSettings, MechanicalNoiseSettings
from ...randomness import RandomStreams
from ...samples import Sample
from ...samples.stm import StmSample
from ...scanner import ScannerSettings
from ...timing import Timing
from ...tips import TipLifeSettings
from ..protocol import TechniqueSettings
from .technique import LEAST_BIAS, LEAST_SETPOINT, StmTechnique

FULL_RANGE = 1e-6  # [m] of a tube scanner


class StmSettings(TechniqueSettings):
    """A tunnelling microscope that holds its current and reads dI/dV with a lock-in.

    Attributes:
        bias: While scanning [V]; without one, what is usual for the sample.
        setpoint: Current that the feedback holds [A].
        temperature: Of tip and sample [K]; without one, what is usual for the sample.
        bias_limit: Range of the bias source, both ways [V].
        blur: Full width at half maximum of the area that a good tip averages over [m].
        rail: Where the preamplifier saturates [A].
        crash_current: Current at which the tip touches the surface and both suffer [A].
        feedback: The z loop.
        lock_in: How dI/dV is measured; without it, shaken by a hundredth of the usual bias.
        ideal_lock_in: Whether dI/dV is the derivative itself, without modulation and delay.
        current_noise: Noise of the current.
        mechanical_noise: Shaking of the gap.
        tip_life: What can happen to the tip.
    """

    sample_family: ClassVar[str] = "stm"

    kind: Literal["stm"] = "stm"
    bias: Bias | None = None
    setpoint: Annotated[Current, positive("A")] = 100e-12
    temperature: Annotated[Temperature, positive("K")] | None = None
    bias_limit: Annotated[Bias, positive("V")] = 10.0
    blur: Annotated[Length, not_negative("m")] = 0.15e-9
    rail: Annotated[Current, positive("A")] = 10e-9
    crash_current: Annotated[Current, positive("A")] = 50e-9
    feedback: FeedbackSettings = Field(default_factory=FeedbackSettings)
    lock_in: LockInSettings | None = None
    ideal_lock_in: bool = False
    current_noise: CurrentNoiseSettings = Field(default_factory=CurrentNoiseSettings)
    mechanical_noise: MechanicalNoiseSettings = Field(default_factory=MechanicalNoiseSettings)
    tip_life: TipLifeSettings = Field(default_factory=TipLifeSettings)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.bias is not None and not 0 < abs(self.bias) <= self.bias_limit:
            raise ValueError(
                f"bias must lie within {format(self.bias_limit, 'V')} and not be 0 V, "
                f"got {format(self.bias, 'V')}"
            )
        if self.bias is not None and abs(self.bias) < LEAST_BIAS:
            raise ValueError(
                f"bias must be {format(LEAST_BIAS, 'V')} at least to hold a distance, "
                f"got {format(self.bias, 'V')}"
            )
        if self.setpoint < LEAST_SETPOINT:
            raise ValueError(
                f"setpoint must be {format(LEAST_SETPOINT, 'A')} at least, "
                f"got {format(self.setpoint, 'A')}"
            )
        if not self.setpoint < self.rail < self.crash_current:
            raise ValueError(
                f"setpoint, rail and crash_current must rise, got {format(self.setpoint, 'A')}, "
                f"{format(self.rail, 'A')} and {format(self.crash_current, 'A')}"
            )
        return self

    @property
    def scan_range(self) -> float:
        """Full range of the scanner that goes with it [m]."""
        return FULL_RANGE

    def usual_scanner(self) -> ScannerSettings:
        """Return the scanner of a cold microscope."""
        return ScannerSettings.low_temperature_stm()

    def timing(self) -> Timing:
        """Return how long a tunnelling microscope takes."""
        return Timing(sample_change=1800.0, tuning=60.0, speed=1e-6, spectrum_overhead=0.3)

    def build(self, sample: Sample, streams: RandomStreams) -> StmTechnique:
        """Put the tip over a conducting sample."""
        surface: StmSample = sample  # type: ignore[assignment]  # its family was looked at
        return StmTechnique(self, surface, streams)

    def at_level(self, level: int) -> Self:
        """Return these settings with what a difficulty level does without switched off."""
        without: dict[str, object] = {}
        if level < 3:
            without["tip_life"] = TipLifeSettings.none()
        if level < 2:
            without["feedback"] = self.feedback.model_copy(update={"ideal": True})
        if level < 1:
            without["ideal_lock_in"] = True
            without["current_noise"] = CurrentNoiseSettings.none()
            without["mechanical_noise"] = MechanicalNoiseSettings.none()
        return self.model_copy(update=without)
