"""Pictures of how an agent chose: what it gained, where it went, and whether it was right."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..analysis import level_plane
from ..instrument import FloatArray, ScanImage
from ..plotting import THEME, new_axes, on_picture, outline, plot_image, write_axis
from .gain import (
    Z_90,
    best_so_far,
    coverage,
    naive_surprise,
    regret,
    running_mean,
    surprise,
)
from .history import History
from .marks import (
    BLUE,
    FULL,
    GREY,
    HALF,
    RED,
    SQUARE,
    Mark,
    Picture,
    count_spectra,
    draw_marks,
    legend,
    name_axis,
    picture,
)
from .sight import Sight

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WINDOW = 20  # predictions that the coverage counts
_TOPOGRAPHY = ("height", "topography", "z")


def draw_gain(
    history: History, marks: Sequence[Mark], best: float, is_known: bool
) -> list[Picture]:
    """Draw what was found, and how far the best of it is from the best there is.

    Args:
        history: What the agent did.
        marks: Interventions and alarms.
        best: The best there is.
        is_known: Whether that was measured elsewhere; else it is the best of this run.
    """
    values, numbers = history.of("value"), history.of("number")
    if not np.isfinite(values).any():
        return []
    name = history.scalarizer.replace("_", " ")
    ax = new_axes(FULL)
    good = np.isfinite(values)
    ax.plot(numbers[good], values[good], "o", color=BLUE, markersize=3.4, markeredgewidth=0,
            alpha=0.8, label="found")  # fmt: skip
    if not good.all():
        ax.plot(numbers[~good], np.zeros((~good).sum()), "|", color=RED, markersize=7,
                label="no good",
                transform=ax.get_xaxis_transform(), clip_on=False)  # fmt: skip
    ax.step(
        numbers, best_so_far(values), where="post", color=RED, linewidth=1.3, label="best so far"
    )
    if is_known:
        ax.axhline(best, color=THEME["ink"], linewidth=0.9, linestyle="--", label="best there is")
    write_axis(ax.yaxis, name, history.unit, float(np.abs(values[good]).max()))
    _finish(ax, numbers, marks, 4)
    shown = [
        picture(
            ax,
            "what was found",
            "each spectrum's value in the order of measuring; the steps are the best so far. "
            "A good agent's points climb early and stay high; an explorer's stay scattered",
            "gain",
            "full",
        )
    ]
    ax = new_axes(HALF)
    short = regret(values, best)
    ax.step(numbers, short, where="post", color=RED, linewidth=1.4)
    ax.fill_between(numbers, short, step="post", color=RED, alpha=0.12, linewidth=0)
    ax.set_ylim(bottom=0)
    write_axis(ax.yaxis, "regret", history.unit, float(np.nanmax(short)))
    _finish(ax, numbers, marks, 0)
    against = (
        "the best value measured elsewhere, the truth"
        if is_known
        else "the best value of this run, as the truth is not known: it ends at zero by itself, "
        "and only how soon tells something"
    )
    shown.append(picture(ax, "regret", f"how far the best so far falls short of {against}", "gain"))
    ax = new_axes(HALF)
    ends = history.of("end_time") - history.choices[0].start_time
    ax.step(ends, best_so_far(values), where="post", color=RED, linewidth=1.4)
    write_axis(ax.yaxis, f"best {name}", history.unit, float(np.abs(values[good]).max()))
    write_axis(ax.xaxis, "instrument time", "s", float(ends.max()))
    shown.append(
        picture(
            ax,
            "best against time",
            "the same against the time of the instrument: what a spectrum costs counts here",
            "gain",
        )
    )
    return shown


def draw_path(history: History, image: ScanImage, sight: Sight | None) -> list[Picture]:
    """Draw where the agent went, on the sample and among what it saw."""
    channel = image.channels[0]
    values = image.channel(channel.name)
    if channel.name in _TOPOGRAPHY:
        values = level_plane(values)
    ax = plot_image(values, image.frame, channel)
    across, up = on_picture(image.frame, history.of("x"), history.of("y"))
    _draw_path(ax, across, up)
    shown = [
        picture(
            ax,
            "path on the sample",
            "from white (first) to red (last), a thin line from each point to the next; every "
            "tenth is numbered. Long jumps are exploring, short ones exploiting",
            "path",
        )
    ]
    if sight is None or not history.fits:
        return shown
    ax = new_axes(SQUARE)
    cloud = sight.components
    some = np.random.default_rng(0).permutation(len(cloud))[:6000]
    ax.plot(cloud[some, 0], cloud[some, 1], ".", color="#c9ccd1", markersize=1.6, zorder=0,
            rasterized=True)  # fmt: skip
    places = sight.at(history.pixels)
    _draw_path(ax, places[:, 0], places[:, 1])
    for axis, k in ((ax.xaxis, 0), (ax.yaxis, 1)):
        axis.set_label_text(
            f"principal component {k + 1} ({100 * sight.shares[k]:.0f} % of the variance)",
            fontsize=THEME["label size"],
            color=THEME["ink"],
        )
    shown.append(
        picture(
            ax,
            "path among what it saw",
            "each grey dot is a pixel of the overview: near dots look alike (filters of the image "
            "at several scales, in the two directions that vary most). Points that crowd here but "
            "lie far apart on the sample have one kind of structure in common",
            "path",
        )
    )
    return shown


def draw_calibration(history: History, marks: Sequence[Mark]) -> list[Picture]:
    """Draw whether predictions came true."""
    z, numbers = history.of("z"), history.of("number")
    known = np.isfinite(z)
    if not known.any():
        return []
    ax = new_axes(FULL)
    inside = known & (np.abs(z) <= Z_90)
    for mask, marker, face, edge, label in (
        (inside, "o", BLUE, BLUE, "found, as expected"),
        (known & ~inside, "D", "white", RED, "found, outside of the interval"),
    ):
        ax.plot(numbers[mask], z[mask], marker, markersize=3.8, markerfacecolor=face,
                markeredgecolor=edge, markeredgewidth=1.0, label=label)  # fmt: skip
    ax.axhspan(-Z_90, Z_90, color=BLUE, alpha=0.1, linewidth=0, label="90 % interval")
    ax.axhline(0, color=GREY, linewidth=0.6, zorder=0)
    limit = max(4.0, min(8.0, float(np.abs(z[known]).max()) * 1.1))
    beyond = known & (np.abs(z) > limit)
    if beyond.any():
        ax.plot(numbers[beyond], np.sign(z[beyond]) * limit * 0.97, "*", color=RED, markersize=6,
                label="farther off")  # fmt: skip
    ax.set_ylim(-limit, limit)
    name_axis(ax, "z-score (deviations)")
    _finish(ax, numbers, marks, 4)
    share = 100 * float(np.mean(inside[known]))
    shown = [
        picture(
            ax,
            "errors of the predictions",
            f"how far each value lay from what was expected, in expected deviations: {share:.0f} % "
            "within the 90 % interval. A drift to one side means that the sample or the tip "
            "changed, many outside that the model is too sure of itself",
            "calibration",
            "full",
        )
    ]
    covered = coverage(z, WINDOW)
    if np.isfinite(covered).any():
        ax = new_axes(HALF)
        has = np.isfinite(covered)
        ax.axhspan(75, 100, color=BLUE, alpha=0.1, linewidth=0)
        ax.axhline(90, color=THEME["ink"], linewidth=0.9, linestyle="--")
        ax.plot(numbers[has], 100 * covered[has], color=BLUE, linewidth=1.4)
        ax.set_ylim(min(45.0, 100 * float(covered[has].min()) - 5), 102)
        name_axis(ax, "within 90 % interval (%)")
        _finish(ax, numbers, marks, 0)
        shown.append(
            picture(
                ax,
                f"coverage of the last {WINDOW}",
                f"share of the last {WINDOW} values that lay within their interval; dashed what "
                "should, shaded where 99 of 100 calibrated models are at any one time",
                "calibration",
            )
        )
    shown.append(_draw_surprise(history, marks))
    return shown


def _draw_surprise(history: History, marks: Sequence[Mark]) -> Picture:
    ax = new_axes(HALF)
    numbers, z, spread = history.of("number"), history.of("z"), history.of("spread")
    first = history.of("first_value")
    judges = np.array([choice.judge for choice in history.choices])
    own, naive = np.full(len(z), np.nan), np.full(len(z), np.nan)
    for judge in dict.fromkeys(judges):  # values by different ones do not compare
        same = judges == judge
        scale = float(np.nanstd(first[same])) if np.isfinite(first[same]).any() else 0.0
        unit = math.log(scale or 1.0)  # in units of what was found
        own[same] = surprise(z[same], spread[same]) - unit
        naive[same] = np.where(np.isfinite(z[same]), naive_surprise(first[same]) - unit, np.nan)
    own, naive = running_mean(own, WINDOW), running_mean(naive, WINDOW)
    for values, colour, style, label in (
        (own, BLUE, "-", "model"),
        (naive, THEME["ink"], "--", "mean of all before"),
    ):
        has = np.isfinite(values)
        ax.plot(numbers[has], values[has], style, color=colour, linewidth=1.4, label=label)
    name_axis(ax, f"NLPD, mean of {WINDOW}")
    _finish(ax, numbers, marks, 2)
    return picture(
        ax,
        "surprise",
        "negative logarithm of the probability density that was given to each value beforehand, "
        "smoothed; lower is better. Above the dashed line the model knew less than one who expects "
        "the mean of all values so far",
        "calibration",
    )


def _draw_path(ax: "Axes", across: FloatArray, up: FloatArray) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    ramp = LinearSegmentedColormap.from_list("order", ["#ffffff", "#f2a98c", "#b3200e"])
    n = len(across)
    ax.plot(across, up, "-", color="#1a1a1a", linewidth=0.5, alpha=0.55, zorder=2)
    ax.scatter(
        across, up, c=np.arange(n), cmap=ramp, s=15, linewidths=0.6, edgecolors="#1a1a1a", zorder=3
    )
    left, end = ax.get_xlim()
    right = left + 0.92 * (end - left)
    for index in sorted({0, n - 1, *range(9, n, 10)}):
        if np.isfinite(across[index]) and np.isfinite(up[index]):
            ax.annotate(
                str(index + 1),
                (across[index], up[index]),
                xytext=(4 if across[index] < right else -4, 4),
                ha="left" if across[index] < right else "right",
                textcoords="offset points",
                color="white",
                fontsize=7,
                fontweight="bold",
                path_effects=outline(1.8),
                zorder=6,
                annotation_clip=False,
            )


def _finish(ax: "Axes", numbers: FloatArray, marks: Sequence[Mark], columns: int) -> None:
    count_spectra(ax, numbers)
    draw_marks(ax, marks)
    if columns:
        legend(ax, columns)
