"""The lock-in amplifier: the slope of a current against bias, blurred by modulation and time."""

import math
from collections.abc import Callable
from typing import Annotated

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict

from spm_auto.instrument import FloatArray
from spm_auto.units import Angle, Bias, Duration, Frequency

from .checks import not_negative, positive
from .compiled import compiled

BOLTZMANN = 1.380649e-23 / 1.602176634e-19  # [V/K], in units of the elementary charge
TAIL = 32.0  # thermal energies after which the derivative of the Fermi function is forgotten
NODES = 32  # of a quadrature over half a period of the modulation


def _order(value: int) -> int:
    if not 1 <= value <= 8:
        raise ValueError(f"a lock-in has between 1 and 8 poles, got {value}")
    return value


class LockInSettings(BaseModel):
    """How the lock-in is set.

    Attributes:
        modulation: Of the bias, effective value [V].
        frequency: Of the modulation [Hz].
        time_constant: Of each pole of the low-pass at the output [s].
        order: Number of its poles.
        phase_error: By which the phase is off the one of the tunnelling current [rad].
        capacitance: Between tip and sample [F], whose current a wrong phase lets through.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    modulation: Annotated[Bias, positive("V")] = 1e-3
    frequency: Annotated[Frequency, positive("Hz")] = 800.0
    time_constant: Annotated[Duration, positive("s")] = 5e-3
    order: Annotated[int, AfterValidator(_order)] = 2
    phase_error: Angle = 0.0
    capacitance: Annotated[float, not_negative("F")] = 1e-12

    @property
    def peak(self) -> float:
        """Amplitude of the modulation [V]."""
        return math.sqrt(2) * self.modulation

    @property
    def noise_bandwidth(self) -> float:
        """Equivalent bandwidth of the output for white noise [Hz]; 1 / (4 tau) for one pole."""
        poles = self.order
        share = math.gamma(poles - 0.5) / (math.sqrt(math.pi) * math.gamma(poles))
        return share / (4 * self.time_constant)

    def settle_time(self, rest: float = 0.01) -> float:
        """Return the time after a step until only a share of it is left to come [s]."""
        from scipy.special import gammainccinv

        if not 0 < rest < 1:
            raise ValueError(f"the rest of a step must lie between 0 and 1, got {rest:g}")
        return self.time_constant * float(gammainccinv(self.order, rest))

    def noise(self, density: float) -> float:
        """Return the noise of the slope, effective value [A/V].

        Args:
            density: Of the current's noise around the modulation frequency [A / sqrt(Hz)].
        """
        return density * math.sqrt(self.noise_bandwidth) / self.modulation

    def in_phase(self, slope: FloatArray) -> FloatArray:
        """Return what the lock-in shows of a slope dI/dV [A/V], with its phase error."""
        if self.phase_error == 0:
            return slope
        capacitive = 2 * math.pi * self.frequency * self.capacitance
        return slope * math.cos(self.phase_error) + capacitive * math.sin(self.phase_error)


def slope_of(
    current: Callable[[FloatArray], FloatArray], bias: FloatArray, peak: float, nodes: int = NODES
) -> FloatArray:
    """Return what a lock-in measures of I(V): dI/dV blurred by the half-circle of the modulation.

    X / Vm = 2 / (pi Vm) int_0^pi I(V + Vm cos a) cos a da, by the midpoint rule, which is exact for
    polynomials up to a degree of 2 nodes - 2.

    Args:
        current: I(V) [A] of biases of any shape.
        bias: V [V], shape (n,).
        peak: Amplitude of the modulation Vm [V].
        nodes: Points over half a period.

    Returns:
        The slope [A/V], shape (n,).
    """
    cosine = np.cos((np.arange(nodes) + 0.5) * np.pi / nodes)
    currents = current(bias[:, np.newaxis] + peak * cosine)
    return np.asarray(currents @ cosine * (2 / (nodes * peak)))


def modulation_weights(peak: float, spacing: float) -> FloatArray:
    """Return the weights by which a modulation blurs dI/dV on a grid of biases.

    The half-circle 2 sqrt(Vm^2 - v^2) / (pi Vm^2) is sqrt(3) Vm wide at half its maximum; it is
    integrated against straight lines between the points of the grid.

    Args:
        peak: Amplitude of the modulation Vm [V].
        spacing: Of the biases [V].

    Returns:
        Weights of sum 1, an odd number of them, for `blurred`.
    """

    def rounding(v: FloatArray) -> FloatArray:
        s = np.minimum(np.abs(v) / peak, 1.0)
        root = np.sqrt(1 - s**2)
        return np.asarray(peak * ((root - root**3 / 3 - s * np.arccos(s)) / np.pi))

    return _weights(rounding, peak, spacing)


def thermal_weights(temperature: float, spacing: float) -> FloatArray:
    """Return the weights by which the electrons' temperature blurs dI/dV on a grid of biases.

    The derivative of the Fermi function, full width at half maximum 3.53 kT, integrated against
    straight lines between the points of the grid.

    Args:
        temperature: Of the tip's electrons [K].
        spacing: Of the biases [V].

    Returns:
        Weights of sum 1, an odd number of them, for `blurred`.
    """
    thermal = BOLTZMANN * temperature

    def rounding(v: FloatArray) -> FloatArray:
        return np.asarray(thermal * np.log1p(np.exp(-np.abs(v) / thermal)))

    return _weights(rounding, TAIL * thermal, spacing)


def blurred(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Return values averaged with weights, where the grid covers all of them.

    Args:
        values: On the grid, shape (n,).
        weights: Of an odd number m, from `modulation_weights` or `thermal_weights`.

    Returns:
        Shape (n - m + 1,): a margin of (m - 1) / 2 points is lost at each end.
    """
    if len(weights) > len(values):
        raise ValueError(f"{len(values)} biases are too few for a blur over {len(weights)} of them")
    return np.convolve(values, weights, mode="valid")


def low_passed(
    samples: FloatArray, dt: float, settings: LockInSettings, state: FloatArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """Send samples through the low-pass at the output; each holds until the next one.

    Args:
        samples: Of the input, shape (n,).
        dt: Time between them [s].
        settings: Of the lock-in.
        state: From the samples before, shape (order,); None: the first has been there for long.

    Returns:
        The output at the end of each sample, shape (n,), and the state for what comes next.
    """
    after = np.full(settings.order, samples[0]) if state is None else state.copy()
    output = np.empty(len(samples))
    compiled(smooth)(samples, math.exp(-dt / settings.time_constant), after, output)
    return output, after


def smooth(samples: FloatArray, kept: float, after: FloatArray, output: FloatArray) -> None:
    """Send samples through poles, one after the other; compiled.

    Args:
        samples: Of the input, shape (n,).
        kept: What each pole keeps of its output from sample to sample.
        after: Output of each pole before, shape (order,); changed in place.
        output: Takes that of the last pole, shape (n,).
    """
    for i in range(samples.size):
        value = samples[i]
        for pole in range(after.size):
            value += kept * (after[pole] - value)
            after[pole] = value
        output[i] = value


def _weights(
    rounding: Callable[[FloatArray], FloatArray], reach: float, spacing: float
) -> FloatArray:
    """Return the second differences of a kernel's second integral.

    Args:
        rounding: That integral less the ramp max(v, 0), which is that of no blur at all.
        reach: Where the kernel ends, both ways [V].
        spacing: Of the grid [V].
    """
    margin = math.ceil(reach / spacing)
    v = np.arange(-margin - 1.0, margin + 2.0, dtype=np.float64) * spacing
    weights = np.diff(rounding(v), 2) / spacing
    weights[margin] += 1
    return np.asarray(weights)
