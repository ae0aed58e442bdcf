"""Rows of the validation table that are about the scanner."""

from itertools import pairwise

import numpy as np

from spm_auto.simulator import RandomStreams
from spm_auto.simulator.scanner import Scanner, ScannerSettings
from spm_auto.simulator.scanner.hysteresis import PlayOperators

RANGE = 1e-6
PLAY = PlayOperators.of(0.13, 0.3, 14, RANGE / 2, 1.0)


def steps(*corners: float) -> np.ndarray:
    """Give a way from corner to corner, each reached to the last bit."""
    parts = [np.linspace(a, b, 101) for a, b in pairwise(corners)]
    return np.concatenate(parts)


def test_creep_is_logarithmic(validation):
    settings = ScannerSettings.model_validate({"preset": "perfect", "creep": 0.03})
    scanner = Scanner(settings, RANGE, RandomStreams(0))
    step = 100e-9
    scanner.move((step, 0.0), 0.0, 0.0)
    times = np.logspace(np.log10(0.3), np.log10(300), 60)
    x = np.array([scanner.true_position(t)[0] for t in times]) / step
    decades = np.log10(times / 0.1)
    slope, right_at = np.polyfit(decades, x, 1)
    residual = float(np.std(x - np.polyval([slope, right_at], decades)))
    law = "x = x0 (1 + gamma log10 t/t0)"
    validation.close(28, "creep: slope per decade", slope, 0.03, law, relative=0.01)
    validation.close(28, "creep: residual of the fit", residual, 0.0, law, absolute=3e-4)
    validation.close(28, "creep: extension at t0", right_at, 1.0, law, absolute=1e-3)


def test_hysteresis_remembers_turning_points_only(validation):
    source = "Prandtl-Ishlinskii operator"
    half = RANGE / 2
    start = PLAY.rest()

    loop, _ = PLAY.follow(start, steps(-half, 0.3 * half, -0.2 * half, 0.3 * half))
    closed = abs(loop[-1] - loop[100]) / RANGE
    validation.close(29, "hysteresis: minor loop closes", closed, 0.0, source, absolute=1e-9)

    _, wild = PLAY.follow(start, steps(-half, 0.2 * half, -0.1 * half, 0.15 * half, half))
    _, calm = PLAY.follow(start, steps(-half, half))
    validation.close(
        29, "hysteresis: larger motion wipes out", float(np.max(np.abs(wild - calm))) / RANGE, 0.0,
        source, absolute=1e-9,
    )  # fmt: skip

    cycle = steps(0.4 * half, -0.3 * half, 0.4 * half)
    first, state = PLAY.follow(start, cycle)
    first, state = PLAY.follow(state, cycle)
    for _ in range(1000):
        last, state = PLAY.follow(state, cycle)
    off = float(np.max(np.abs(last - first))) / RANGE
    validation.close(29, "hysteresis: 1000 repeats", off, 0.0, source, absolute=1e-9)
