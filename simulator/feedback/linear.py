"""The loop as a linear filter: exact while nothing saturates, and where its gain becomes critical.

With z^-1 the delay of one control step, the height is z = L / (1 + L) z_eq, where the open loop L
is controller (one step late) x amplifier x piezo, each pole at exp(s T) of the continuous one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import cos, exp, pi, sqrt

import numpy as np

from spm_auto.instrument import FloatArray

from .settings import Control, FeedbackSettings

GAIN_STEP = 1.05  # from one gain to the next on the way up to the critical one
PRECISION = 1e-9  # of the critical gain, relative


@dataclass(frozen=True, slots=True)
class Coefficients:
    """The loop's recursion at one control rate.

    Attributes:
        integral: Rise of the output per step and metre of error.
        proportional: Gain.
        smoothing: Share of a new error that comes through the amplifier in one step.
        memory: What the piezo keeps of its last position ...
        echo: ... less this much of the one before ...
        push: ... and what it takes from the drive.
    """

    integral: float
    proportional: float
    smoothing: float
    memory: float
    echo: float
    push: float


def coefficients(settings: FeedbackSettings, control: Control) -> Coefficients:
    """Return the recursion of a loop at the rate of a control."""
    step = control.step_time
    smoothing = 1.0 if settings.bandwidth is None else 1 - exp(-2 * pi * settings.bandwidth * step)
    memory = echo = 0.0
    if control.rings:
        angle, damping = 2 * pi * settings.resonance * step, 1 / (2 * settings.quality)
        memory = 2 * exp(-damping * angle) * cos(angle * sqrt(1 - damping**2))
        echo = exp(-2 * damping * angle)
    return Coefficients(
        integral=settings.gain * step,
        proportional=settings.proportional,
        smoothing=smoothing,
        memory=memory,
        echo=echo,
        push=1 - memory + echo,
    )


def transfer(loop: Coefficients) -> tuple[FloatArray, FloatArray]:
    """Return numerator and denominator in powers of z^-1 of the closed loop, z over z_eq."""
    numerator = np.array([0.0, loop.proportional + loop.integral, -loop.proportional])
    denominator = np.array([1.0, -1.0])
    numerator = numerator * loop.smoothing * loop.push
    denominator = np.convolve(denominator, [1.0, loop.smoothing - 1])
    denominator = np.convolve(denominator, [1.0, -loop.memory, loop.echo])
    return numerator, denominator + np.pad(numerator, (0, denominator.size - numerator.size))


def filtered(z_eq: FloatArray, settings: FeedbackSettings, control: Control) -> FloatArray:
    """Return the height of a tip that starts at rest on a surface, without any limits.

    It is the closed form beside the loop that `ZLoop` goes through step by step.

    Args:
        z_eq: Height that the set-point asks for, at every control step [m], shape (n,).
        settings: Of the loop.
        control: Its clock.

    Returns:
        The height of the tip [m], shape (n,).
    """
    from scipy.signal import lfilter

    numerator, denominator = transfer(coefficients(settings, control))
    start = z_eq[0]
    return np.asarray(lfilter(numerator, denominator, z_eq - start) + start)


@cache
def critical_gain(settings: FeedbackSettings) -> float:
    """Return the integral gain [1/s] above which the loop oscillates, all else as it is set.

    Without amplifier and for a fast controller it is wz / Qz, where the phase of the integrator and
    of the piezo at its resonance add up to half a turn. Zero if no gain is low enough.
    """
    control = Control(1, 1 / settings.control_rate)
    growth = _growth(settings, control)
    low = 1e-3 * 2 * pi * settings.resonance / settings.quality
    if growth(low) >= 0:
        return 0.0
    high = low * GAIN_STEP
    while growth(high) < 0:
        low, high = high, high * GAIN_STEP
    while high - low > PRECISION * high:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if growth(middle) < 0 else (low, middle)
    return low


def _growth(settings: FeedbackSettings, control: Control) -> Callable[[float], float]:
    """Return how fast the loop's fastest growing motion grows in one step, against the gain."""

    def growth(gain: float) -> float:
        _, denominator = transfer(coefficients(settings.model_copy(update={"gain": gain}), control))
        return float(np.max(np.abs(np.roots(denominator)))) - 1

    return growth
