"""Scalarizers of a superconductor's spectra: the gap, and how much of it is filled."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spm_auto.instrument import FloatArray, Spectrum

from ..loops import LoopError, check, noise_of
from ..protocol import Scalar
from .channels import conductance_channel, current_channel, need_spectrum
from .dynes import Quantity, gapped
from .least_squares import Fitted, fit

FEWEST = 16  # points of a spectrum
GAPS = (0.06, 0.1, 0.16, 0.25, 0.36, 0.5, 0.65, 0.8)  # that the search starts from, in half sweeps
BROAD = (0.1, 0.4)  # broadenings that it starts from, in gaps
BROADENINGS = (1e-3, 1.0)  # between which it looks for them, in half sweeps
ROBUST = (5, 95)  # percentiles that say how large a spectrum is, whatever failed
STEP = 1e-5  # of the derivatives
EVIDENCE = 12.0  # logarithm of the likelihood that the gap must gain over a smooth curve
DEPTH = 5.0  # deviations of a point of the fit that the gap must be deep
LARGEST_MISFIT, LARGEST_SHARE = 3.0, 0.12  # left by the fit, in noise and in normal conductances
WIDEST = 0.9  # largest gap, in half sweeps
LEAST_KNOWN = 0.25  # standard deviation of the gap over the gap
COHERENCE = 1.02  # height of the coherence peaks below which there are none
COMES_DOWN = 0.15  # share of a coherence peak by which it is lower at the ends of the sweep
INSIDE, OUTSIDE = 1 / 15, 5 / 6  # up to which and from which share of the half sweep
FEWEST_INSIDE = 3

LEVEL, SLOPE, OFFSET, GAP, LIFETIME, THERMAL = range(6)


def gap(spectrum: Spectrum) -> Scalar:
    """Return half the width of a superconductor's gap, over e [V].

    Dynes' density of states is fitted to dI/dV, or to the current where there is no dI/dV. The
    thermal broadening is found with it, which so takes in the modulation of a lock-in; where both
    are known, `GapFit` is told them.
    """
    return GapFit()(spectrum)


@dataclass(frozen=True, slots=True)
class GapFit:
    """The scalarizer `gap` with what is known of the experiment.

    Attributes:
        thermal: kT over e, 86 uV at 1 K [V]; NaN where it is not known.
        modulation: Amplitude with which a lock-in shakes the bias [V].
    """

    thermal: float = math.nan
    modulation: float = 0.0

    def __post_init__(self) -> None:
        if self.thermal <= 0:
            raise ValueError(f"thermal must be positive, got {self.thermal} V")
        if self.modulation < 0:
            raise ValueError(f"modulation must not be negative, got {self.modulation} V")

    def __call__(self, spectrum: Spectrum) -> Scalar:
        """Return the gap over e [V]."""
        try:
            value, noise = self._fitted(need_spectrum(spectrum))
        except LoopError as flag:
            return Scalar(math.nan, flag=str(flag))
        return Scalar(value, noise, unit="V")

    def _fitted(self, spectrum: Spectrum) -> tuple[float, float]:
        bias = spectrum.bias
        data, quantity = _tunnelling(spectrum)
        sweep = float(np.ptp(bias)) / 2
        if not (np.min(bias) < -0.1 * sweep and np.max(bias) > 0.1 * sweep):
            raise LoopError("the sweep does not cross 0 V")
        size = float(np.ptp(np.percentile(data, ROBUST))) or float(np.ptp(data))
        x, y = bias / sweep, data / size
        model = _Model(x, quantity, self.thermal / sweep, self.modulation / sweep)
        best = min((self._from(model, y, start) for start in _starts(model, y)),
                   key=lambda found: found.deviation)  # fmt: skip
        _judge(model, best, x, y)
        return float(best.parameters[GAP]) * sweep, best.deviation_of(np.eye(6)[GAP]) * sweep

    def _from(self, model: "_Model", y: FloatArray, start: FloatArray) -> Fitted:
        low, high = (math.log(bound) for bound in BROADENINGS)
        least = np.array([-1e3, -1e3, -0.3, 0.02, low, low])
        most = np.array([1e3, 1e3, 0.3, 1.5, high, high])
        return fit(model, start, y, least, most)


class _Model:
    """A gap on a background that may be tilted, and its derivatives by six parameters.

    They are the normal level, its slope, the offset of the bias, the gap and the logarithms of the
    two broadenings; of the current, the offset is that of the current as well.
    """

    def __init__(
        self, bias: FloatArray, quantity: Quantity, thermal: float, modulation: float
    ) -> None:
        self.bias, self.quantity = bias, quantity
        self.thermal, self.modulation = thermal, modulation

    def shape(self, parameters: FloatArray) -> FloatArray:
        """Return what a normal level of 1 would give."""
        offset, half_gap, lifetime, thermal = parameters[OFFSET:]
        kt = self.thermal if math.isfinite(self.thermal) else math.exp(thermal)
        return gapped(
            self.bias - offset, half_gap, math.exp(lifetime), kt, self.quantity, self.modulation
        )

    def tilt(self) -> FloatArray:
        """Return what the slope is multiplied with."""
        return self.bias if self.quantity == "conductance" else self.bias * np.abs(self.bias) / 2

    def __call__(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        shape = self.shape(parameters)
        slopes = np.empty((len(shape), 6))
        slopes[:, LEVEL], slopes[:, SLOPE] = shape, self.tilt()
        for which in (OFFSET, GAP, LIFETIME, THERMAL):
            moved = parameters.copy()
            moved[which] += STEP
            slopes[:, which] = parameters[LEVEL] * (self.shape(moved) - shape) / STEP
        if math.isfinite(self.thermal):
            slopes[:, THERMAL] = 0.0
        return parameters[LEVEL] * shape + parameters[SLOPE] * self.tilt(), slopes


def zero_bias_conductance(spectrum: Spectrum) -> Scalar:
    """Return dI/dV at 0 V over that at both ends of the sweep [1]: how much of a gap is filled.

    At 0 V counts what is within a fifteenth of the half sweep, three points at least; at the ends,
    what is beyond five sixths of it. Without dI/dV, straight lines through the current are taken.
    """
    bias = need_spectrum(spectrum).bias
    try:
        data, quantity = _tunnelling(spectrum)
        reach = min(-float(np.min(bias)), float(np.max(bias)))
        if reach <= 0:
            raise LoopError("the sweep does not cross 0 V")
        near = np.sort(np.abs(bias))[FEWEST_INSIDE - 1]
        inside = np.abs(bias) <= max(INSIDE * reach, float(near)) * (1 + 1e-9)
        sigma = noise_of(data)
        low, high = bias <= -OUTSIDE * reach, bias >= OUTSIDE * reach
        level = _slope if quantity == "current" else _mean
        here, here_noise = level(bias, data, inside, sigma)
        (one, one_noise), (other, other_noise) = (
            level(bias, data, each, sigma) for each in (low, high)
        )
    except LoopError as flag:
        return Scalar(math.nan, flag=str(flag))
    normal, normal_noise = (one + other) / 2, math.hypot(one_noise, other_noise) / 2
    if not normal > DEPTH * normal_noise:
        return Scalar(math.nan, flag="no conductance outside of the gap")
    value = here / normal
    return Scalar(value, math.hypot(here_noise, value * normal_noise) / normal)


def _tunnelling(spectrum: Spectrum) -> tuple[FloatArray, Quantity]:
    """Return dI/dV, or the current where there is none.

    Raises:
        LoopError: The spectrum has neither, or what it has says nothing.
    """
    number, quantity = conductance_channel(spectrum), "conductance"
    if number is None:
        number, quantity = current_channel(spectrum), "current"
    if number is None:
        raise LoopError("neither dI/dV nor a current was measured")
    data = np.asarray(spectrum.data[number])
    check(data)
    if len(data) < FEWEST:
        raise LoopError(f"fewer than {FEWEST} points")
    if not np.isfinite(spectrum.bias).all() or np.ptp(spectrum.bias) == 0:
        raise LoopError("no sweep of the bias")
    return data, "current" if quantity == "current" else "conductance"


def _starts(model: _Model, y: FloatArray) -> list[FloatArray]:
    """Return the best two of a coarse grid of gaps and broadenings, with their levels."""
    found = []
    low, high = np.percentile(y, ROBUST)
    y = np.clip(y, 2 * low - high, 2 * high - low)  # failed points must not choose the start
    for half_gap in GAPS:
        for broad in BROAD:
            width = math.log(min(broad * half_gap, 0.5))
            start = np.array([1.0, 0.0, 0.0, half_gap, width - 1.0, width - 0.7])
            basis = np.column_stack([model.shape(start), model.tilt()])
            level, *_ = np.linalg.lstsq(basis, y, rcond=None)
            start[[LEVEL, SLOPE]] = level
            found.append((float(np.mean(np.abs(y - basis @ level))), start))
    found.sort(key=lambda each: each[0])
    return [start for _, start in found[:2]]


def _judge(model: _Model, found: Fitted, x: FloatArray, y: FloatArray) -> None:
    """Refuse a fit that is not that of a gap; in half sweeps.

    Raises:
        LoopError: With the reason.
    """
    level = float(found.parameters[LEVEL])
    powers = np.vander(x, 3 if model.quantity == "conductance" else 4)
    plain = fit(
        lambda at: (powers @ at, powers),
        np.asarray(np.linalg.lstsq(powers, y, rcond=None)[0], dtype=float),
        y,
        np.full(powers.shape[1], -1e6),
        np.full(powers.shape[1], 1e6),
    )
    gain = len(x) * math.log(plain.deviation / max(found.deviation, 1e-12))
    fine = np.linspace(-1, 1, 401)
    shape = _Model(fine, "conductance", model.thermal, model.modulation).shape(found.parameters)
    depth = level * (1 - float(np.min(shape)))
    if not level > 0 or gain < EVIDENCE or (model.quantity == "conductance" and not (
        depth > DEPTH * found.deviation / math.sqrt(3)
    )):  # fmt: skip
        raise LoopError("no gap")
    half_gap = float(found.parameters[GAP])
    if half_gap > WIDEST:
        raise LoopError("the gap reaches out of the sweep")
    noise = noise_of(y)
    share = level if model.quantity == "conductance" else level * 0.1
    if found.deviation > LARGEST_MISFIT * noise and found.deviation > LARGEST_SHARE * share:
        raise LoopError("not the gap of a superconductor: the fit leaves too much")
    peak, ends = float(np.max(shape)), float(max(shape[0], shape[-1]))
    if peak < COHERENCE:
        raise LoopError("no coherence peaks")
    if peak - ends < COMES_DOWN * (peak - 1):
        raise LoopError("the gap reaches out of the sweep")
    if not found.deviation_of(np.eye(6)[GAP]) < LEAST_KNOWN * half_gap:
        raise LoopError("how wide the gap is is not known")


def _mean(
    _: FloatArray, data: FloatArray, where: NDArray[np.bool_], sigma: float
) -> tuple[float, float]:
    """Return the median of some points, so that one that failed does not count, and its noise."""
    n = int(np.count_nonzero(where))
    if n == 0:
        raise LoopError("no points outside of the gap")
    # the median of n normal numbers scatters by sqrt(pi / 2n), of few a little less
    return float(np.median(data[where])), sigma * math.sqrt(math.pi / (2 * n + 1.14 * (n > 1)))


def _slope(
    bias: FloatArray, data: FloatArray, where: NDArray[np.bool_], sigma: float
) -> tuple[float, float]:
    """Return the slope of a straight line through some points, and its noise."""
    x = bias[where] - np.mean(bias[where])
    power = float(x @ x)
    if power <= 0:
        raise LoopError("too few points outside of the gap")
    return float(x @ data[where]) / power, sigma / math.sqrt(power)
