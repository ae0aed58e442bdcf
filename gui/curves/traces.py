"""Traces: spectra and force curves as curves to draw, with what is wrong with each, in words."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spm_auto.data import JudgedCurve, Measurement
from spm_auto.instrument import Channel, FloatArray, Measured

MOST_CURVES = 200  # drawn at once; more than that is grey anyway
MOST_POINTS = 60_000  # of all that are drawn
Judged = Measurement | JudgedCurve


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """One channel of a spectrum or of a force curve.

    Attributes:
        number: Which of the run's spectra (or force curves), counted from 0.
        x: Bias [V] or extension [m], shape [point]; a force curve goes there and back.
        y: Values, shape [point]; missing is NaN.
        remark: What is wrong with it, in words; empty where nothing is.
    """

    number: int
    x: FloatArray
    y: FloatArray
    remark: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Mean:
    """What several traces have in common.

    Attributes:
        x: Bias [V] or extension [m], shape [point].
        y: Mean, shape [point].
        deviation: Standard deviation of one trace, shape [point]; NaN where only one is known.
        n_used: Of how many traces.
        n_wrong: How many were left out because something is wrong with them.
        n_other: How many were left out because they have other biases or extensions.
    """

    x: FloatArray
    y: FloatArray
    deviation: FloatArray
    n_used: int
    n_wrong: int
    n_other: int


def channels_of(judged: Judged) -> tuple[Channel, ...]:
    """Return what was measured."""
    return _measured(judged).channels


def remark(judged: Judged) -> str:
    """Return what is wrong with a spectrum or a force curve, in words; empty where nothing is."""
    said = [str(flag) for flag in _measured(judged).flags]
    if judged.scored is not None and judged.scored.flag and judged.scored.flag not in said:
        said.append(judged.scored.flag)
    if judged.doubt:
        said.append(f"doubted: {judged.doubt}")
    return ", ".join(said)


def trace(judged: Judged, channel: str) -> Trace | None:
    """Return one channel of it; None where it has no such channel. What is not finite is NaN."""
    measured = _measured(judged)
    names = [each.name for each in measured.channels]
    if channel not in names:
        return None
    at = names.index(channel)
    if isinstance(judged, JudgedCurve):
        curve = judged.curve
        x = np.concatenate([curve.extension, curve.extension[::-1]])
        y = np.concatenate([curve.approach[at], curve.retract[at][::-1]])
    else:
        x, y = judged.spectrum.bias, judged.spectrum.data[at]
    return Trace(judged.number, x, _finite(y), remark(judged))


def branches(x: FloatArray) -> list[slice]:
    """Return the parts between which x turns around, each with its turning point at both ends."""
    steps = np.sign(np.diff(x))
    moving = np.flatnonzero(steps)
    if moving.size == 0:
        return [slice(0, len(x))]
    turns = moving[1:][np.diff(steps[moving]) != 0]
    starts = [0, *(int(turn) for turn in turns)]
    ends = [*(int(turn) + 1 for turn in turns), len(x)]
    return [slice(start, end) for start, end in zip(starts, ends, strict=True)]


def derivative(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return dy/dx, each branch for itself; NaN where x stands still or a branch is one point."""
    slope = np.full(len(x), np.nan)
    for part in branches(x):
        across, values = x[part], y[part]
        if len(across) < 2 or not np.all(np.diff(across)):
            across, at = np.unique(across, return_index=True)
            if len(across) < 2:
                continue
            found = np.interp(x[part], across, np.gradient(values[at], across))
        else:
            found = np.gradient(values, across)
        slope[part] = np.where(np.isnan(slope[part]), found, slope[part])
    return slope


def smoothed(x: FloatArray, y: FloatArray, points: int) -> FloatArray:
    """Return y with a parabola put through so many neighbours of each point of a branch.

    Savitzky and Golay (1964). Beyond the ends of a branch the curve is mirrored about its end.
    A branch with fewer points stays as it is; NaN spreads over that many points.

    Raises:
        ValueError: The number of points is even, or less than 3.
    """
    if points < 3 or points % 2 == 0:
        raise ValueError(f"a parabola needs an odd number of at least 3 points, got {points}")
    half = points // 2
    offsets = np.arange(-half, half + 1)
    weights = np.linalg.pinv(np.vander(offsets, 3, increasing=True).astype(float))[0]
    result = np.array(y, dtype=float)
    for part in branches(x):
        values = np.asarray(y[part], dtype=float)
        if len(values) <= half + 1:
            continue
        before = 2 * values[0] - values[half:0:-1]
        after = 2 * values[-1] - values[-2 : -half - 2 : -1]
        padded = np.concatenate([before, values, after])
        result[part] = np.convolve(padded, weights[::-1], mode="valid")
    return result


def mean_of(traces: Sequence[Trace]) -> Mean | None:
    """Return the mean of the good traces that have the x of the newest good one.

    Where something is wrong with all of them, of all of them. None where there is none at all.
    """
    good = [each for each in traces if not each.remark] or list(traces)
    if not good:
        return None
    x = good[-1].x
    same = [t.y for t in good if t.x is x or np.array_equal(t.x, x)]
    values = np.stack(same)
    known = np.isfinite(values)
    count = known.sum(axis=0)
    filled = np.where(known, values, 0.0)
    mean = np.where(count > 0, filled.sum(axis=0) / np.maximum(count, 1), np.nan)
    squares = np.where(known, (values - mean) ** 2, 0.0).sum(axis=0)
    deviation = np.where(count > 1, np.sqrt(squares / np.maximum(count - 1, 1)), np.nan)
    return Mean(x, mean, deviation, len(same), len(traces) - len(good), len(good) - len(same))


def thinned(traces: Sequence[Trace]) -> list[Trace]:
    """Return as many traces as can be drawn at once, evenly chosen, the newest always."""
    if not traces:
        return []
    longest = max(len(each.x) for each in traces)
    most = max(10, min(MOST_CURVES, MOST_POINTS // max(longest, 1)))
    if len(traces) <= most:
        return list(traces)
    at = np.linspace(0, len(traces) - 1, most).round().astype(int)
    return [traces[index] for index in at]


def joined(traces: Sequence[Trace]) -> tuple[FloatArray, FloatArray]:
    """Return all of them as one curve with gaps of NaN, for drawing at once: x and y."""
    if not traces:
        return np.empty(0), np.empty(0)
    gap = np.array([math.nan])
    x = np.concatenate([part for each in traces for part in (each.x, gap)])
    y = np.concatenate([part for each in traces for part in (each.y, gap)])
    return x, y


def _measured(judged: Judged) -> Measured:
    return judged.curve if isinstance(judged, JudgedCurve) else judged.spectrum


def place_of(judged: Judged) -> tuple[float, float]:
    """Return where the probe stood, as read back (x, y) [m]."""
    measured = _measured(judged)
    return measured.x, measured.y


def best_of(everything: Sequence[Judged]) -> Judged | None:
    """Return the one with the highest value that nothing is wrong with, of the last scalarizer."""
    scored = [each for each in everything if each.scored is not None and not remark(each)]
    last = scored[-1].scored.scalarizer if scored and scored[-1].scored is not None else ""
    values = [
        (each.scored.value, at)
        for at, each in enumerate(scored)
        if each.scored is not None
        and each.scored.scalarizer == last
        and math.isfinite(each.scored.value)
    ]
    return scored[max(values)[1]] if values else None


def runs_of(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Return the first and the last of each stretch of rising numbers without a gap."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _finite(values: FloatArray) -> FloatArray:
    known = np.isfinite(values)
    return values if known.all() else np.where(known, values, np.nan)
