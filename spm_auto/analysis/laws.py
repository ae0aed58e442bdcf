"""Laws: how the diameter of a domain under a tip may depend on a pulse's bias and duration.

Each law is a value: a name, a formula for people, a function, and what was known of its parameters
before. What a parameter may be follows from the experiment, so that no law is ahead by chance: a
slope, for example, lets the diameter grow at most by the largest one that can be seen over the
range that is tried. The diameter in the middle of that range is a parameter of every law, so that
its prior weighs the same in all of them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..instrument import FloatArray

MOST_BIAS_POWER = 3.0  # of the power law: what is steeper is a threshold
TIME_POWERS = (0.05, 1.0)  # of the power law: less cannot be told from a logarithm, more outruns it
CREEP_RATES = (0.1, 1e12)  # of the creep law: between a wall that flows and one that hardly creeps


@dataclass(frozen=True, slots=True)
class Span:
    """The range of pulses that an experiment tries, and what it can see.

    Attributes:
        bias: Lowest and highest bias, without its sign [V].
        duration: Shortest and longest pulse [s].
        diameter: Largest diameter that can be seen [m].
    """

    bias: tuple[float, float]
    duration: tuple[float, float]
    diameter: float

    def __post_init__(self) -> None:
        for name, unit in (("bias", "V"), ("duration", "s")):
            low, high = getattr(self, name)
            if not 0 < low < high < math.inf:
                raise ValueError(
                    f"laws are told apart over a range: the {name} must run from a positive value "
                    f"to a larger one, got {low:g} to {high:g} {unit}"
                )
        if not 0 < self.diameter < math.inf:
            raise ValueError(f"the largest diameter must be positive, got {self.diameter} m")

    @property
    def middle_bias(self) -> float:
        """Middle of the biases [V]."""
        return (self.bias[0] + self.bias[1]) / 2

    @property
    def middle_duration(self) -> float:
        """Geometric middle of the durations [s]."""
        return math.sqrt(self.duration[0] * self.duration[1])

    @property
    def decades(self) -> float:
        """How many decades the durations span."""
        return math.log10(self.duration[1] / self.duration[0])


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a law with what it may be: evenly spread, on a logarithmic scale if so said.

    Attributes:
        name: As in the formula.
        unit: SI unit.
        low: Smallest value.
        high: Largest value.
        is_log: Whether its logarithm is what is evenly spread.
    """

    name: str
    unit: str
    low: float
    high: float
    is_log: bool = False

    def __post_init__(self) -> None:
        if not -math.inf < self.low < self.high < math.inf:
            raise ValueError(f"{self.name} needs a range, got {self.low:g} to {self.high:g}")
        if self.is_log and self.low <= 0:
            raise ValueError(f"{self.name} has no logarithm at {self.low:g} {self.unit}")

    def at(self, share: FloatArray) -> FloatArray:
        """Return the values below which these shares of the prior lie, of the same shape."""
        if self.is_log:
            return np.asarray(self.low * (self.high / self.low) ** share)
        return np.asarray(self.low + (self.high - self.low) * share)


Growth = Callable[[FloatArray, FloatArray, FloatArray, Span], FloatArray]


@dataclass(frozen=True, slots=True)
class Law:
    """A law of growth.

    Attributes:
        name: Its name.
        formula: For people; V0 and t0 are the middle of the pulses that are tried.
        source: Where it comes from.
        parameters: Gives its parameters for an experiment.
        growth: The diameter [m] for columns of parameters, each of shape (n, 1), biases without
            their sign [V] and durations [s], each of shape (m,): shape (n, m), below 0 where there
            is no domain.
    """

    name: str
    formula: str
    source: str
    parameters: Callable[[Span], tuple[Parameter, ...]]
    growth: Growth

    def diameter(
        self, values: FloatArray, bias: FloatArray, duration: FloatArray, span: Span
    ) -> FloatArray:
        """Return the diameters that sets of parameters predict [m], shape (n, m).

        Args:
            values: Parameters, shape (n, k).
            bias: Of each pulse [V], shape (m,); its sign does not matter.
            duration: Of each pulse [s], shape (m,).
            span: Of the experiment.
        """
        columns = np.asarray(values).T[:, :, np.newaxis]
        grown = self.growth(columns, np.abs(np.asarray(bias)), np.asarray(duration), span)
        return np.asarray(np.maximum(grown, 0.0))


def _middle(span: Span) -> Parameter:
    return Parameter("d0", "m", 0.0, span.diameter)


def _per_volt(span: Span) -> Parameter:
    return Parameter("b", "m/V", 0.0, span.diameter / (span.bias[1] - span.bias[0]))


def _per_decade(span: Span) -> Parameter:
    return Parameter("c", "m", 0.0, span.diameter / span.decades)


def _instant(p: FloatArray, bias: FloatArray, duration: FloatArray, span: Span) -> FloatArray:
    d0, b = p
    return np.asarray(d0 + b * (bias - span.middle_bias) + 0 * duration)


def _log_time(p: FloatArray, bias: FloatArray, duration: FloatArray, span: Span) -> FloatArray:
    d0, b, c = p
    decades = np.log10(duration / span.middle_duration)
    return np.asarray(d0 + b * (bias - span.middle_bias) + c * decades)


def _activated(p: FloatArray, bias: FloatArray, duration: FloatArray, span: Span) -> FloatArray:
    d0, h, c = p
    decades = np.log10(duration / span.middle_duration)
    return np.asarray(d0 + h * (1 - span.middle_bias / bias) + c * decades)


def _power(p: FloatArray, bias: FloatArray, duration: FloatArray, span: Span) -> FloatArray:
    d0, of_bias, of_time = p
    by_bias = (bias / span.middle_bias) ** of_bias
    return np.asarray(d0 * by_bias * (duration / span.middle_duration) ** of_time)


def _viscous(p: FloatArray, bias: FloatArray, duration: FloatArray, span: Span) -> FloatArray:
    d0, b, tau = p
    return np.asarray((d0 + b * (bias - span.middle_bias)) * -np.expm1(-duration / tau))


def _creep(p: FloatArray, bias: FloatArray, duration: FloatArray, span: Span) -> FloatArray:
    d0, n = p
    v = bias / span.middle_bias
    return np.asarray(d0 * v * np.log1p(n * duration / span.middle_duration / v) / np.log1p(n))


def _lifted(span: Span) -> Parameter:
    """Return by how much the diameter may grow from V0 to an endless bias, as it goes with 1/V."""
    ends = 1 / span.bias[0] - 1 / span.bias[1]
    return Parameter("h", "m", 0.0, span.diameter / (span.middle_bias * ends))


INSTANT = Law(
    "instant",
    "d = d0 + b (V - V0)",
    "the wall stops where the field of the tip no longer moves it, before the pulse is over; "
    "linear in the bias as measured by Paruch, Tybell and Triscone (2001)",
    lambda span: (_middle(span), _per_volt(span)),
    _instant,
)
LOG_TIME = Law(
    "log_time",
    "d = d0 + b (V - V0) + c log10(t / t0)",
    "Paruch, Tybell and Triscone, Appl. Phys. Lett. 79 (2001) 530: linear in the bias and in the "
    "logarithm of time",
    lambda span: (_middle(span), _per_volt(span), _per_decade(span)),
    _log_time,
)
ACTIVATED = Law(
    "activated",
    "d = d0 + h (1 - V0 / V) + c log10(t / t0)",
    "Merz, Phys. Rev. 95 (1954) 690: rates go as exp(-Va / V), so a domain begins after a time "
    "t0 exp(Va / V), and grows with the logarithm of the time since",
    lambda span: (_middle(span), _lifted(span), _per_decade(span)),
    _activated,
)
POWER = Law(
    "power",
    "d = d0 (V / V0)^p (t / t0)^q",
    "of experience: what a wall does whose speed is a power of the field and of the diameter",
    lambda span: (
        _middle(span),
        Parameter("p", "1", 0.0, MOST_BIAS_POWER),
        Parameter("q", "1", *TIME_POWERS),
    ),
    _power,
)
VISCOUS = Law(
    "viscous",
    "d = (d0 + b (V - V0)) (1 - exp(-t / tau))",
    "a wall with friction goes to where the field of the tip holds it as in Debye's relaxation",
    lambda span: (_middle(span), _per_volt(span), Parameter("tau", "s", *span.duration, True)),
    _viscous,
)
CREEP = Law(
    "creep",
    "d = d0 (V / V0) ln(1 + n (t / t0) (V0 / V)) / ln(1 + n)",
    "Tybell, Paruch, Giamarchi and Triscone, Phys. Rev. Lett. 89 (2002) 097601: the wall moves at "
    "a speed v exp(-E0 / E) in the field E ~ V / d of the tip",
    lambda span: (_middle(span), Parameter("n", "1", *CREEP_RATES, True)),
    _creep,
)
