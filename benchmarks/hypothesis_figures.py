"""The figures of docs/hypotheses.md: what a run of the example found, and how.

spm-auto run examples/domain_growth.toml --lab examples/lab_epitaxial_film.toml --out runs/growth
python -m benchmarks.hypothesis_figures runs/growth docs/pictures
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from spm_auto import plugins
from spm_auto.analysis import Evidence, Grown, Span, weigh
from spm_auto.data import Finding, RecordedRun, open_run

DRAWN = ("instant", "log_time", "viscous")  # laws whose predictions are drawn
SMALL = {"pil_kwargs": {"optimize": True}, "dpi": 110}


def findings_of(run: RecordedRun) -> list[Finding]:
    """Return what a run found of laws, pulse by pulse."""
    found = [r.event for r in run.records if isinstance(r.event, Finding)]
    return [each for each in found if each.kind == "law" and "probability" in each.values]


def main(run: Path, pictures: Path) -> None:
    """Draw both figures."""
    mpl.use("Agg")
    recorded = open_run(run)
    findings = findings_of(recorded)
    draw_laws(findings, pictures / "hypothesis_laws.png")
    draw_course(findings, recorded, pictures / "hypothesis_course.png")


def draw_laws(findings: Sequence[Finding], path: Path) -> None:
    """Draw the data, and what the laws make of them."""
    values = findings[-1].values
    grown = Grown(*(values[n] for n in ("bias", "duration", "diameter", "uncertainty", "smallest")))
    span = Span((6.0, 10.0), (0.1, 30.0), 250e-9 * 2 / 3)
    laws = [plugins.load("laws", name) for name in values["laws"]]
    evidences = dict(zip(values["laws"], weigh(laws, grown, span, seed=1), strict=True))
    shares = dict(zip(values["laws"], values["probabilities"].tolist(), strict=True))
    figure, axes = plt.subplots(1, len(DRAWN), figsize=(9.6, 3.4), sharey=True)
    biases = sorted(set(grown.bias.tolist()))
    colours = {bias: plt.get_cmap("viridis")((bias - 5) / 6) for bias in biases}
    for ax, name in zip(axes, DRAWN, strict=True):
        for bias in biases:
            _band(ax, evidences[name], bias, span, colours[bias])
            here = grown.bias == bias
            deviation = np.hypot(grown.uncertainty[here], values["site_spread"])
            ax.errorbar(
                grown.duration[here],
                1e9 * grown.diameter[here],
                1e9 * deviation,
                fmt="o",
                ms=5,
                color=colours[bias],
                label=f"{bias:g} V",
            )
        ax.set_xscale("log")
        ax.set_xlabel("length of the pulse [s]")
        ax.set_title(f"{name}, probability {shares[name]:.3f}", fontsize=10)
    axes[0].set_ylabel("diameter of the domain [nm]")
    axes[0].legend(fontsize=8, title="bias", title_fontsize=8)
    figure.tight_layout()
    figure.savefig(path, **SMALL)


def _band(ax: plt.Axes, evidence: Evidence, bias: float, span: Span, colour: object) -> None:
    """Draw what a law expects of a bias: the middle 90 % of its posterior."""
    duration = np.geomspace(*span.duration, 60)
    expected = 1e9 * evidence.predict(np.full(60, bias), duration)
    low, middle, high = np.quantile(expected, (0.05, 0.5, 0.95), axis=0)
    ax.fill_between(duration, low, high, color=colour, alpha=0.2, lw=0)
    ax.plot(duration, middle, color=colour, lw=1)


def draw_course(findings: Sequence[Finding], run: RecordedRun, path: Path) -> None:
    """Draw the probabilities after each pulse, which pulses were chosen, and a domain."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(9.6, 3.2))
    shares = np.array([each.values["probabilities"] for each in findings])
    laws = findings[-1].values["laws"]
    shares = np.vstack([np.full(len(laws), 1 / len(laws)), shares])
    for k, name in enumerate(laws):
        left.plot(shares[:, k], "o-", ms=3, label=name)
    left.axhline(0.95, color="0.6", lw=0.8, ls="--")
    left.set_xlabel("pulses")
    left.set_ylabel("probability of the law")
    left.legend(fontsize=8)
    values = findings[-1].values
    given: Counter[tuple[float, float]] = Counter()
    for number, (bias, duration) in enumerate(
        zip(values["bias"].tolist(), values["duration"].tolist(), strict=True), start=1
    ):
        beside = given[bias, duration]  # pulses that were given before
        given[bias, duration] += 1
        at = duration * 10 ** (0.16 * beside), bias
        middle.annotate(str(number), at, ha="center", va="center", fontsize=9)
    middle.set_xscale("log")
    middle.set(xlim=(0.06, 50), ylim=(5.5, 10.6))
    middle.set_xlabel("length of the pulse [s]")
    middle.set_ylabel("bias [V]")
    middle.set_title("pulses in the order of choice", fontsize=10)
    image = run.scans[-1]
    image.plot("phase", ax=right)
    right.set_title("the last domain, phase", fontsize=10, loc="left")
    figure.tight_layout()
    figure.savefig(path, **SMALL)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("pictures", type=Path)
    arguments = parser.parse_args()
    main(arguments.run, arguments.pictures)
