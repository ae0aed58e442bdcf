"""PfmNoise: what stands between the sample's answer and the reading, each layer on its own."""

import math
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict

from spm_auto.units import Duration, Length

from ...checks import not_negative

REFERENCE_TIME = 4e-3  # [s] of averaging that white noise is given for


class PfmNoise(BaseModel):
    """How imperfect the instrument is; an amount of zero switches a layer off, exactly.

    Attributes:
        detector: Noise of each quadrature of the lock-in after 4 ms of averaging [m]; it is white,
            so it falls with the root of the time spent on a pixel or a point.
        electrostatic: In-phase background of the cantilever over the charged surface [m].
        band: Noise of each quadrature at each frequency of the excited band after 4 ms of pulses,
            on the vibration itself, which the resonance enlarges by its quality [m]; the fit of
            the resonance makes of it what spectra scatter by.
        contact_gain: Spread of the amplification of spectra by the contact resonance from site to
            site, of the logarithm; without it spectra are calibrated.
        response_jitter: Noise of a spectrum's points relative to the largest of them: the contact
            resonance wanders while it is being fitted.
        response_wander: How far a spectrum's points wander off in a random walk until its end,
            relative to the largest of them, in the median of all spectra: the contact changes while
            the bias is swept.
        failures: Whether fits of the contact resonance go wrong now and then, and loops come out
            inverted where the contact turns the phase, as in measured maps.
        height: Noise of what the z loop holds, after 4 ms of averaging [m].
        line_jump: Jump of the height from line to line [m].
        lag: Time by which the image channels lag behind the probe [s]: forward and backward differ.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    detector: Annotated[Length, not_negative("m")] = 3.5e-12
    electrostatic: Annotated[Length, not_negative("m")] = 2e-12
    band: Annotated[Length, not_negative("m")] = 150e-12
    contact_gain: Annotated[float, not_negative("1")] = 0.9
    response_jitter: Annotated[float, not_negative("1")] = 0.012
    response_wander: Annotated[float, not_negative("1")] = 0.28
    failures: bool = True
    height: Annotated[Length, not_negative("m")] = 30e-12
    line_jump: Annotated[Length, not_negative("m")] = 0.2e-9
    lag: Annotated[Duration, not_negative("s")] = 1e-3

    @classmethod
    def none(cls) -> Self:
        """Return the perfect instrument: every layer off."""
        return cls.model_construct(
            detector=0.0,
            band=0.0,
            electrostatic=0.0,
            contact_gain=0.0,
            response_jitter=0.0,
            response_wander=0.0,
            failures=False,
            height=0.0,
            line_jump=0.0,
            lag=0.0,
        )


def averaged(noise: float, time: float) -> float:
    """Return white noise, given for `REFERENCE_TIME` of averaging, after another time [s]."""
    return noise * math.sqrt(REFERENCE_TIME / time)
