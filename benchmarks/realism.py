"""Loops of the default film beside measured ones: 50 x 50 sites on lead titanate.

    python benchmarks/realism.py [--data BEPS_PTO_50x50.h5] [--seeds 5] [--side 50]

Each simulated map is measured through the instrument at its most imperfect: one site after the
other, on a film that remembers. Both maps are evaluated in the same way, with outliers taken out.
Without the file of the measurement the figures stored here stand for it.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spm_auto.instrument import AcquireSpectrum, BiasWaveform, FloatArray, Load
from spm_auto.simulator import SimulatorSettings, simulate

SIZE = 2e-6  # [m] side of the measured map
WAVEFORM = BiasWaveform.triangle(8.5, points=64, cycles=2)
RISING = np.r_[48:64, 0:17]  # points from the lowest to the highest bias
FALLING = np.r_[16:49][::-1]
GROSS = 10.0  # times the median of a loop's size: a failed fit
MOST_GROSS = 10  # of a loop that is still evaluated

# From BEPS_PTO_50x50.h5: quartiles [V]; the rest as `Statistics` names it
MEASURED_QUARTILES = {
    "V+": (4.10, 4.92, 5.63),
    "V-": (-3.85, -3.12, -2.50),
    "Vc": (3.53, 4.05, 4.48),
    "imprint": (0.29, 0.83, 1.39),
    "area / height": (6.6, 8.1, 9.8),
}
MEASURED_SHARES = {
    "std of log10(area)": 0.55,
    "lag-1 correlation of Vc": 0.25,
    "lag-1 correlation of imprint": 0.28,
    "gross outliers": 0.027,
    "loops with any": 0.36,
    "loops with more than five": 0.10,
    "loops evaluable": 0.77,
    "|rank correlation of Vc and height|": 0.07,
    "5th percentile of Vc": 1.87,
}
ALLOWED = {  # ranges in which a share must lie; what is not named is for information
    "std of log10(area)": (0.35, 0.6),
    "lag-1 correlation of Vc": (0.2, 0.6),
    "lag-1 correlation of imprint": (0.2, 0.6),
    "gross outliers": (0.01, 0.04),
    "|rank correlation of Vc and height|": (0.0, 0.3),
}
MEDIAN_TOLERANCE = 0.15
SPREAD_FACTOR = 1.6


@dataclass(frozen=True)
class Statistics:
    """What is read off a map of loops.

    Attributes:
        quartiles: Of what is read off each loop [V].
        shares: Everything else.
    """

    quartiles: dict[str, tuple[float, float, float]]
    shares: dict[str, float]


def evaluate(loops: FloatArray) -> Statistics:
    """Evaluate a map of loops of the waveform, shape (rows, columns, 64)."""
    size = np.median(np.abs(loops), axis=-1, keepdims=True)
    gross = np.abs(loops) > GROSS * size
    smooth = running_median(loops, 7)
    rest = loops - smooth
    scatter = 1.4826 * np.median(np.abs(rest), axis=-1, keepdims=True)
    clean = np.where(gross | (np.abs(rest) > 8 * scatter), smooth, loops)
    rising, falling, bias = clean[..., RISING], clean[..., FALLING], WAVEFORM.bias[RISING]
    upper = (rising[..., -4:].mean(-1) + falling[..., -4:].mean(-1)) / 2
    lower = (rising[..., :4].mean(-1) + falling[..., :4].mean(-1)) / 2
    middle, height = (upper + lower) / 2, upper - lower
    plus, minus = crossing(rising, middle, bias), crossing(falling, middle, bias)
    area = np.trapezoid(falling - rising, bias, axis=-1)
    good = (gross.sum(-1) <= MOST_GROSS) & np.isfinite(plus + minus) & (area > 0) & (height > 0)
    coercive, imprint = (plus - minus) / 2, (plus + minus) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        found = {
            "V+": plus,
            "V-": minus,
            "Vc": coercive,
            "imprint": imprint,
            "area / height": area / height,
        }
    quartiles = {
        name: tuple(np.percentile(values[good], [25, 50, 75]).tolist())
        for name, values in found.items()
    }
    shares = {
        "std of log10(area)": float(np.std(np.log10(area[good]))),
        "lag-1 correlation of Vc": neighbour_correlation(coercive, good),
        "lag-1 correlation of imprint": neighbour_correlation(imprint, good),
        "gross outliers": float(gross.mean()),
        "loops with any": float(gross.any(-1).mean()),
        "loops with more than five": float((gross.sum(-1) > 5).mean()),
        "loops evaluable": float(good.mean()),
        "|rank correlation of Vc and height|": abs(rank_correlation(coercive[good], height[good])),
        "5th percentile of Vc": float(np.percentile(coercive[good], 5)),
    }
    return Statistics(quartiles, shares)


def running_median(loops: FloatArray, points: int) -> FloatArray:
    """Return the median of a window that moves around each closed loop."""
    half = points // 2
    wide = np.concatenate([loops[..., -half:], loops, loops[..., :half]], axis=-1)
    windows = np.lib.stride_tricks.sliding_window_view(wide, points, axis=-1)
    return np.asarray(np.median(windows, axis=-1))


def crossing(branch: FloatArray, level: FloatArray, bias: FloatArray) -> FloatArray:
    """Return the median of the biases at which each branch crosses its level; NaN: nowhere."""
    found = np.full(level.shape, np.nan)
    above = branch - level[..., np.newaxis]
    for site in np.ndindex(level.shape):
        line = above[site]
        at = np.flatnonzero(line[:-1] * line[1:] < 0)
        if at.size:
            share = line[at] / (line[at] - line[at + 1])
            found[site] = np.median(bias[at] + share * (bias[at + 1] - bias[at]))
    return found


def neighbour_correlation(values: FloatArray, good: FloatArray) -> float:
    """Return the correlation of a map with itself, one site away along both directions."""
    away = np.where(good, values - np.median(values[good]), np.nan)
    away = np.where(np.abs(away) > 4 * np.nanstd(away), np.nan, away)
    products = np.concatenate(
        [(away[1:] * away[:-1]).ravel(), (away[:, 1:] * away[:, :-1]).ravel()]
    )
    return float(np.nanmean(products) / np.nanmean(away**2))


def rank_correlation(a: FloatArray, b: FloatArray) -> float:
    """Return Spearman's correlation."""
    ranks = [np.argsort(np.argsort(values)) for values in (a, b)]
    return float(np.corrcoef(ranks)[0, 1])


def simulated(seed: int, side: int = 50, rows: int | None = None) -> FloatArray:
    """Measure a map of loops on the default film, site after site.

    Args:
        seed: Of film and microscope.
        side: Sites along each side of the map.
        rows: How many rows of it, from the lower edge; None for all.

    Returns:
        Piezoresponse [m], shape (rows, side, 64).
    """
    microscope, _ = simulate(SimulatorSettings(), seed)
    microscope.load(Load())
    along = ((np.arange(side) + 0.5) / side - 0.5) * SIZE
    rows = side if rows is None else rows
    loops = np.empty((rows, side, len(WAVEFORM.values)))
    for row, y in enumerate(along[:rows].tolist()):
        for column, x in enumerate(along.tolist()):
            spectrum = microscope.acquire_spectrum(AcquireSpectrum(x, y, WAVEFORM))
            loops[row, column] = spectrum.data[0]
    return loops


def measured(path: Path) -> Statistics:
    """Evaluate the measurement."""
    import h5py

    with h5py.File(path) as file:
        return evaluate(np.asarray(file["Channel_000/generic/generic"], dtype=float))


def verdict_of_quartiles(real: tuple[float, ...], found: tuple[float, ...]) -> str:
    """Say whether median and spread agree with those of the measurement."""
    off = found[1] / real[1] - 1
    factor = (found[2] - found[0]) / (real[2] - real[0])
    median = "ok" if abs(off) <= MEDIAN_TOLERANCE else "OFF"
    spread = "ok" if 1 / SPREAD_FACTOR <= factor <= SPREAD_FACTOR else "OFF"
    return f"median {off:+.0%} {median}, spread x{factor:.2f} {spread}"


def verdict_of_share(name: str, found: float) -> str:
    """Say whether a share lies where it must."""
    if name not in ALLOWED:
        return ""
    low, high = ALLOWED[name]
    return f"{low:g} to {high:g} {'ok' if low <= found <= high else 'OFF'}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="the measurement, BEPS_PTO_50x50.h5")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--side", type=int, default=50, help="sites along each side")
    options = parser.parse_args()
    if options.data:
        real = measured(options.data)
    else:
        real = Statistics(MEASURED_QUARTILES, MEASURED_SHARES)
        print("The measurement is not at hand; its column is what is stored in this program.")
    maps = [evaluate(simulated(seed, options.side)) for seed in range(options.seeds)]
    print(f"{'':38}{'measured':>22}{'simulated':>22}   over {options.seeds} seeds")
    for name, quartiles in real.quartiles.items():
        found = tuple(np.mean([m.quartiles[name] for m in maps], axis=0).tolist())
        texts = (" / ".join(f"{v:.2f}" for v in values) for values in (quartiles, found))
        print(f"{name + ' [V]':38}{next(texts):>22}{next(texts):>22}   "
              f"{verdict_of_quartiles(quartiles, found)}")  # fmt: skip
    for name, share in real.shares.items():
        value = float(np.mean([m.shares[name] for m in maps]))
        print(f"{name:38}{share:22.3f}{value:22.3f}   {verdict_of_share(name, value)}")


if __name__ == "__main__":
    main()
