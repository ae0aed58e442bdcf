"""Pictures of places on the sample without an image under them: values, or groups."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..instrument import FloatArray, ScanFrame
from ..plotting import THEME, new_axes, on_picture, write_axis

PALETTE = ("#2a5f8f", "#c2481d", "#5b8c3a", "#8a5aa8", "#b98a1f", "#4a9aa5", "#a84a6e", "#6b6b6b")
_SIZE = (3.9, 3.2)  # [inch]


def draw_values(
    frame: ScanFrame, places: ArrayLike, values: ArrayLike, name: str, unit: str
) -> Any:
    """Draw a value at each place as its colour.

    Args:
        frame: What part of the sample is shown.
        places: Where [m], shape (n, 2).
        values: What was found there, shape (n,).
        name: What it is.
        unit: Its unit.
    """
    axes, across, up = _empty(frame, np.asarray(places, dtype=float))
    shown = np.asarray(values, dtype=float)
    low, high = np.percentile(shown[np.isfinite(shown)], THEME["levels"])
    points = axes.scatter(
        across, up, c=shown, s=_dot(len(shown)), cmap="viridis", vmin=low, vmax=high, linewidths=0
    )
    bar = axes.figure.colorbar(points, ax=axes, fraction=0.046, pad=0.04)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=THEME["tick size"])
    write_axis(bar.ax.yaxis, "", unit, max(abs(float(low)), abs(float(high))))
    axes.set_title(name, fontsize=THEME["title size"], color=THEME["ink"], loc="left")
    return axes


def draw_groups(
    frame: ScanFrame, places: FloatArray, groups: Sequence[NDArray[np.intp]], names: Sequence[str]
) -> Any:
    """Draw places in the colours of their groups.

    Args:
        frame: What part of the sample is shown.
        places: Where [m], shape (n, 2).
        groups: Rows of each group.
        names: What each group is called.
    """
    axes, across, up = _empty(frame, places)
    for k, (rows, name) in enumerate(zip(groups, names, strict=True)):
        colour = PALETTE[k % len(PALETTE)]
        axes.scatter(across[rows], up[rows], s=_dot(len(places)), color=colour, label=name)
    axes.legend(
        frameon=False,
        fontsize=THEME["tick size"],
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=min(len(groups), 3),
        borderpad=0.0,
        handletextpad=0.1,
        columnspacing=1.0,
    )
    return axes


def _empty(frame: ScanFrame, places: FloatArray) -> tuple[Any, FloatArray, FloatArray]:
    axes = new_axes(_SIZE)
    across, up = on_picture(frame, *places.reshape(-1, 2).T)
    x, y = on_picture(frame, *frame.corners())
    axes.set_xlim(float(x.min()), float(x.max()))
    axes.set_ylim(float(y.min()), float(y.max()))
    axes.set_aspect("equal")
    axes.locator_params(nbins=5)
    largest = float(np.abs([*axes.get_xlim(), *axes.get_ylim()]).max())
    write_axis(axes.xaxis, "x", "m", largest)
    write_axis(axes.yaxis, "y", "m", largest)
    return axes, across, up


def _dot(n: int) -> float:
    """Return the area of a dot [points^2], smaller where there are many."""
    return float(np.clip(4000 / max(n, 1), 6, 40))
