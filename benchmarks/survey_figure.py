"""Draw what the surveys of ``examples/combinatorial_library.toml`` find, with the truth behind it.

Run it with ``python benchmarks/survey_figure.py docs/pictures/survey.png [SEED]``.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from workflow_survey import survey

from spm_auto.data import Finding, RecordedRun
from spm_auto.simulator import Truth

TITLES = {"adaptive": None, "every position in order": "all"}
_PICO = 1e12
_MILLI = 1e3


def draw(ax: Axes, run: RecordedRun, truth: Truth, title: str) -> None:
    """Draw the truth, what is believed, and the places in the order in which they were seen."""
    found = [(r.time, r.event) for r in run.records if isinstance(r.event, Finding)]
    *places, (_, summary) = [each for each in found if each[1].kind == "tile"]
    values: dict[str, Any] = dict(summary.values)
    x, library = values["all_x"], truth.library
    mean, deviation = values["mean"] * _PICO, values["deviation"] * _PICO
    response = library.response(x)
    scale = float(mean @ response / (response @ response))  # of the reward at composition 0
    ax.plot(x * _MILLI, scale * response, color="0.6", lw=4, label="truth, scaled")
    ax.plot(x * _MILLI, mean, color="C0", label="believed at the end")
    ax.fill_between(x * _MILLI, mean - deviation, mean + deviation, color="C0", alpha=0.2, lw=0)
    order = np.arange(1, len(places) + 1)
    known = np.isfinite(values["value"])
    at, seen = values["x"] * _MILLI, np.where(known, values["value"] * _PICO, 0.0)
    ax.errorbar(
        at, seen, np.where(known, values["error"] * _PICO, 0.0), fmt="none", color="k", lw=0.8
    )
    points = ax.scatter(at, seen, c=order, cmap="viridis", s=42, zorder=3, edgecolor="k", lw=0.5)
    bad = ~known
    ax.scatter(at[bad], seen[bad], marker="x", color="C3", s=60, zorder=4, label="no good loop")
    ax.axvline(library.best * _MILLI, color="0.6", ls=":", lw=1)
    ax.figure.colorbar(points, ax=ax, label="order", pad=0.01)
    hours = (places[-1][0] - run.records[0].time) / 3600
    best = values["best_x"] * _MILLI
    ax.set(
        ylabel="switchable response [pm]",
        title=f"{title}: {len(places)} places, {hours:.2f} h, best at {best:.1f} mm "
        f"(truth {library.best * _MILLI:.2f} mm)",
        ylim=(-15, None),
    )
    ax.title.set_fontsize(10)


def main(target: Path, seed: int) -> None:
    """Run both surveys and draw them one above the other."""
    figure, axes = plt.subplots(2, 1, figsize=(7.5, 6.2), sharex=True, layout="constrained")
    for ax, (title, choose) in zip(axes, TITLES.items(), strict=True):
        with tempfile.TemporaryDirectory() as folder:
            run, truth = survey(choose, seed, Path(folder) / "run")
        draw(ax, run, truth, title)
    axes[0].legend(fontsize=8, loc="upper left")
    axes[1].set_xlabel("position of the stage [mm]")
    low, high = axes[1].get_xlim()
    top = axes[0].secondary_xaxis("top", functions=(_to_percent(truth), _to_mm(truth)))
    top.set_xlabel("composition [%]")
    axes[1].set_xlim(low, high)
    figure.savefig(target, dpi=110)


def _to_percent(truth: Truth) -> Any:
    return lambda mm: 100 * truth.library.composition(np.asarray(mm) / _MILLI)


def _to_mm(truth: Truth) -> Any:
    first, last = truth.library.composition(np.array([0.0, 1e-3]))
    return lambda percent: (np.asarray(percent) / 100 - first) / (last - first)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path)
    parser.add_argument("seed", type=int, nargs="?", default=1)
    chosen = parser.parse_args()
    main(chosen.target, chosen.seed)
