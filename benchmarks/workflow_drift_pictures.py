"""Draw what docs/drift.md shows: ``python -m benchmarks.workflow_drift_pictures docs/pictures``."""

import sys
import tempfile
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .workflow_drift import Hour, visit

SEED = 1
NAMES = {"none": "not tracked", "track": "tracked", "truth": "by the truth"}
COLOURS = {"none": "#b0413e", "track": "#1f6f8b", "truth": "#7a7a7a"}


def estimate(hour: Hour) -> Figure:
    """Draw the true offset and the estimate of it, and the difference."""
    figure = Figure(figsize=(7.0, 5.0), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    minutes, sd = hour.found[:, 0] / 60, 1e9 * hour.found[:, 3]
    for axis, (name, colour) in enumerate((("x", COLOURS["track"]), ("y", COLOURS["none"]))):
        truth, seen = 1e9 * hour.drift[:, axis], 1e9 * hour.found[:, 1 + axis]
        above.plot(minutes, truth, color=colour, lw=1, label=f"{name}, true")
        above.errorbar(
            minutes, seen, sd, fmt="o", ms=3, color=colour, label=f"{name}, estimated ± sd"
        )
        shift = (-0.25, 0.25)[axis]
        below.errorbar(minutes + shift, seen - truth, sd, fmt="o", ms=3, color=colour, label=name)
    above.set_ylabel("offset of the sample [nm]")
    above.legend(frameon=False)
    below.axhline(0, color="0.6", lw=0.8)
    below.set_ylabel("estimated - true [nm]")
    below.set_xlabel("time [min]")
    return figure


def error(hours: dict[str, Hour]) -> Figure:
    """Draw how far the tip is from the places, with and without tracking."""
    figure = Figure(figsize=(7.0, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for way, hour in hours.items():
        distance = 1e9 * np.hypot(*hour.errors.T)
        label = f"{NAMES[way]}: rms {1e9 * hour.rms:.2g} nm"
        axes.plot(hour.times / 60, distance, ".", ms=2.5, color=COLOURS[way], label=label)
    axes.set_yscale("log")
    axes.set_xlabel("time [min]")
    axes.set_ylabel("tip to place [nm]")
    axes.set_ylim(0.2, 400)
    axes.legend(frameon=False, markerscale=4, fontsize="small", loc="upper left")
    return figure


def main(folder: Path) -> None:
    """Draw both for the AFM."""
    hours = {}
    for way in NAMES:
        with tempfile.TemporaryDirectory() as run:
            hours[way] = visit("AFM", way, SEED, Path(run) / "run")
    estimate(hours["track"]).savefig(folder / "drift_estimate.png", dpi=110)
    error(hours).savefig(folder / "drift_error.png", dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
