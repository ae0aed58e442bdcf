"""AfmNoise: what stands between the sample's answer and the channels of an AFM."""

import math
from typing import Annotated, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from spm_auto.instrument import FloatArray
from spm_auto.units import Angle, Bias, Current, Frequency

from ...checks import not_negative
from ...noise_sources import (
    DeflectionNoiseSettings,
    LineNoiseSettings,
    MechanicalNoise,
    MechanicalNoiseSettings,
    oscillator_density,
    thermal_deviation,
)
from .probe import Probe

REFERENCE_TIME = 4e-3  # [s] of averaging that the noise of a channel is given for


def _table() -> MechanicalNoiseSettings:
    return MechanicalNoiseSettings.model_validate(
        {"white": "1 pm/rtHz", "flicker": "4 pm/rtHz", "vibration": "15 pm", "mains": "8 pm"}
    )


def _lines() -> LineNoiseSettings:
    return LineNoiseSettings.model_validate({"jump": "0.3 nm", "spike_height": "5 nm"})


class AfmNoise(BaseModel):
    """How noisy the instrument is; an amount of zero switches a layer off, exactly.

    The noise of a channel is white and given after 4 ms of averaging.

    Attributes:
        deflection: Of the cantilever and its detector.
        mechanical: Shaking of tip against sample.
        lines: Jumps and spikes of the height.
        phase: Of the phase [rad].
        potential: Of the potential [V].
        current: Of the current [A].
        frequency: Of the frequency shift [Hz].
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    deflection: DeflectionNoiseSettings = Field(default_factory=DeflectionNoiseSettings)
    mechanical: MechanicalNoiseSettings = Field(default_factory=_table)
    lines: LineNoiseSettings = Field(default_factory=_lines)
    phase: Annotated[Angle, not_negative("rad")] = 4e-3
    potential: Annotated[Bias, not_negative("V")] = 8e-3
    current: Annotated[Current, not_negative("A")] = 0.2e-12
    frequency: Annotated[Frequency, not_negative("Hz")] = 0.2

    @classmethod
    def none(cls) -> Self:
        """Return an instrument without noise."""
        return cls.model_construct(
            deflection=DeflectionNoiseSettings.none(),
            mechanical=MechanicalNoiseSettings.none(),
            lines=LineNoiseSettings.none(),
            phase=0.0,
            potential=0.0,
            current=0.0,
            frequency=0.0,
        )

    def of_deflection(self, probe: Probe) -> float:
        """Return the density of the deflection far below the resonance [m/rtHz]."""
        return math.hypot(self.deflection.detector, self._thermal(probe, 0.0))

    def of_amplitude(self, probe: Probe) -> float:
        """Return the density of the amplitude of a cantilever driven at its resonance [m/rtHz].

        Noise from both sides of the drive adds up in the amplitude.
        """
        below = math.hypot(self.deflection.detector, self._thermal(probe, probe.resonance))
        return math.sqrt(2) * below

    def of_channel(self, name: str) -> float:
        """Return the noise of a channel after 4 ms of averaging, in its unit; 0 for others."""
        amounts = {"phase": self.phase, "potential": self.potential, "current": self.current}
        return amounts.get(name, 0.0)

    def _thermal(self, probe: Probe, frequency: float) -> float:
        deviation = thermal_deviation(probe.stiffness, self.deflection.temperature)
        where = np.array(frequency)
        return float(oscillator_density(where, probe.resonance, probe.quality, deviation))


class LoopNoise:
    """What disturbs the z loop, from control step to control step; white and mechanical.

    Args:
        density: Of the white part [m/rtHz].
        mechanical: Of the rest.
        dt: Time of a step [s].
        rng: Where chance comes from; its children are used.
    """

    def __init__(
        self,
        density: float,
        mechanical: MechanicalNoiseSettings,
        dt: float,
        rng: np.random.Generator,
    ) -> None:
        self._is_on = density > 0 or mechanical != MechanicalNoiseSettings.none()
        white = math.hypot(mechanical.white, density)  # both are white and add to the same error
        everything = mechanical.model_copy(update={"white": white})
        self._noise = MechanicalNoise(everything, dt, rng)

    def samples(self, count: int) -> FloatArray | None:
        """Return the next samples [m], shape (count,); None when there is none at all."""
        return self._noise.samples(count) if self._is_on else None


def averaged(noise: float, time: float) -> float:
    """Return white noise, given for `REFERENCE_TIME` of averaging, after another time [s]."""
    return noise * math.sqrt(REFERENCE_TIME / time)


def sampled(density: float, time: float) -> float:
    """Return the standard deviation of white noise of a density [1/rtHz], averaged over a time [s].

    The bandwidth of an average over a time t is 1 / (2 t).
    """
    return density * math.sqrt(0.5 / time)
