"""Draw what docs/tuning.md shows: ``python -m benchmarks.workflow_tuning_pictures docs/pictures``.

Both examples are run by the command line, as anybody would, and drawn from what they leave.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from spm_auto import open_run
from spm_auto.analysis import straightened
from spm_auto.data import Finding, RecordedRun
from spm_auto.instrument import ScanImage

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
SEED = "1"
GOOD, BAD, LINE = "#1f6f8b", "#b0413e", "0.6"


def run(recipe: str, lab: str, folder: Path) -> RecordedRun:
    """Run an example."""
    files = [str(EXAMPLES / recipe), "--lab", str(EXAMPLES / lab)]
    command = [sys.executable, "-m", "spm_auto", "run", *files, "--out", str(folder)]
    subprocess.run([*command, "--seed", SEED], check=True)
    return open_run(folder)


def notes(run: RecordedRun, kind: str, number: str) -> tuple[np.ndarray, list[Finding]]:
    """Return the findings of a kind that have a certain number, with their times [s]."""
    found = [
        (record.time, record.event)
        for record in run.records
        if isinstance(record.event, Finding)
        and record.event.kind == kind
        and number in record.event.values
    ]
    return np.array([time for time, _ in found]), [finding for _, finding in found]


def show(axes: Axes, image: ScanImage, title: str) -> None:
    """Draw the heights, each line straightened."""
    heights = 1e12 * straightened(image.channel("height"))
    width, height = (1e9 * length for length in image.frame.size)
    spread = 3 * float(np.std(heights))
    axes.imshow(
        heights, origin="lower", extent=(0, width, 0, height), cmap="gray",
        vmin=-spread, vmax=spread,
    )  # fmt: skip
    axes.set_title(f"{title}\nrms {np.std(heights):.2g} pm", fontsize=9)
    axes.set_xlabel("nm")


def tip(run: RecordedRun) -> Figure:
    """Draw a tip before, after and on the way."""
    figure = Figure(figsize=(8.0, 3.0), layout="constrained")
    FigureCanvasAgg(figure)
    before, course, after = figure.subplots(1, 3, width_ratios=(1, 1.7, 1))
    show(before, run.scans[0], "before")
    show(after, run.scans[-1], "after")
    times, found = notes(run, "tip", "quality")
    minutes = (times - times[0]) / 60
    quality = np.array([finding.values["quality"] for finding in found])
    course.axhline(1, color=LINE, lw=0.8)
    course.plot(minutes, quality, color=LINE, lw=0.8)
    for minute, value, finding in zip(minutes, quality, found, strict=True):
        is_good = bool(finding.values["is_good"])
        course.plot(minute, value, "o", ms=4, color=GOOD if is_good else BAD)
        bias, depth = finding.values.get("bias", 0.0), finding.values.get("depth", 0.0)
        said = f"{bias:g} V" if bias else f"{1e9 * depth:g} nm" if depth else "first look"
        course.annotate(
            said, (minute, value), (0, 5), textcoords="offset points", rotation=90, fontsize=6,
            ha="center", va="bottom",
        )  # fmt: skip
    course.set_ylim(0.02, 5)
    course.set_yscale("log")
    course.set_xlabel("time [min]")
    course.set_ylabel("weakest rows, in units of what is asked for", fontsize=8)
    return figure


def tuning(run: RecordedRun) -> Figure:
    """Draw a loop before, after and on the way."""
    figure = Figure(figsize=(8.0, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    (before, after), (course, front) = figure.subplots(2, 2)
    _, found = notes(run, "tuning", "gains")
    values = found[-1].values
    show(before, run.scans[0], "before")
    show(after, run.scans[-1], "after")
    numbers = np.arange(1, len(values["scores"]) + 1)
    course.plot(numbers, values["scores"], "o-", color=GOOD, lw=1, ms=4)
    course.plot(values["best"] + 1, values["scores"][values["best"]], "o", ms=9, mfc="none", c=BAD)
    course.set_xlabel("image")
    course.set_ylabel("score")
    course.set_ylim(0, 1)
    twin = course.twinx()
    twin.semilogy(numbers, values["gains"], ".--", color=LINE, lw=0.8)
    twin.set_yticks([50, 100, 200, 400, 800], ["50", "100", "200", "400", "800"])
    twin.minorticks_off()
    twin.set_ylabel("gain [1/s]", color="0.4")
    is_front = np.isin(numbers - 1, values["front"])
    rates, scores = np.array(values["line_rates"]), np.array(values["scores"])
    peaks = np.array(values["peaks"])
    colours = front.scatter(rates, scores, c=np.log10(peaks), cmap="viridis_r", s=20)
    front.scatter(rates[is_front], scores[is_front], s=70, fc="none", ec=BAD, label="Pareto front")
    front.set_xscale("log")
    front.set_xticks([0.5, 1, 2, 4, 8], ["0.5", "1", "2", "4", "8"])
    front.minorticks_off()
    front.set_xlabel("lines per second")
    front.set_ylabel("score")
    front.set_ylim(0, 1)
    front.legend(frameon=False, fontsize=7)
    figure.colorbar(colours, ax=front, label="log10 of largest error")
    return figure


def main(folder: Path) -> None:
    """Run both examples and draw them."""
    with tempfile.TemporaryDirectory() as runs:
        rescued = run("tip_rescue.toml", "lab_worn_tip.toml", Path(runs) / "tip")
        tip(rescued).savefig(folder / "tip_rescue.png", dpi=110)
        tuned = run("scan_tuning.toml", "lab_bad_gains.toml", Path(runs) / "scan")
        tuning(tuned).savefig(folder / "scan_tuning.png", dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
