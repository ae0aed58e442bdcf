"""Curves: a spectrum against bias, and what an agent's spectra were worth."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..instrument import ForceCurve, Spectrum
from .style import THEME, new_axes, position, write_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_spectrum(
    spectrum: Spectrum, channel: str = "", ax: "Axes | None" = None, **style: Any
) -> "Axes":
    """Draw one channel of a spectrum against bias.

    Args:
        spectrum: What was measured.
        channel: The channel's name; empty for the first one.
        ax: Where to draw; several spectra of one channel may share axes.
        **style: Handed on to matplotlib's ``plot``, such as ``color`` or ``label``.

    Raises:
        ValueError: There is no such channel.
    """
    values = spectrum.channel(channel)
    names = [c.name for c in spectrum.channels]
    shown = spectrum.channels[names.index(channel) if channel else 0]
    is_first = ax is None or not ax.has_data()
    ax = ax or new_axes(THEME["curve size"])
    defaults = {"color": THEME["line"], "linewidth": THEME["line width"]}
    if not {"lw", "linewidth", "ls", "linestyle", "marker"} & set(style) and len(values) <= 200:
        defaults |= {"marker": "o", "markersize": 2.2, "markeredgewidth": 0}
    if "c" in style:
        style["color"] = style.pop("c")
    ax.plot(spectrum.bias, values, **(defaults | style))
    if is_first:
        ax.axhline(0, color=THEME["faint"], linewidth=0.6, zorder=0)
        ax.axvline(0, color=THEME["faint"], linewidth=0.6, zorder=0)
        ax.set_title(
            f"at {position(spectrum.x, spectrum.y)}", fontsize=THEME["title size"], loc="left"
        )
    write_axis(ax.xaxis, "bias", "V", _drawn(ax, 0))
    write_axis(ax.yaxis, shown.name, shown.unit, _drawn(ax, 1))
    return ax


def plot_force_curve(
    curve: ForceCurve, channel: str = "", ax: "Axes | None" = None, **style: Any
) -> "Axes":
    """Draw one channel of a force curve against the extension: approach full, retract dashed.

    Args:
        curve: What was measured.
        channel: The channel's name; empty for the first one.
        ax: Where to draw; several curves may share axes.
        **style: Handed on to matplotlib's ``plot``, for both directions.

    Raises:
        ValueError: There is no such channel.
    """
    names = [c.name for c in curve.channels]
    if channel and channel not in names:
        raise ValueError(f"the curve has no channel {channel!r}; it has {', '.join(names)}")
    index = names.index(channel) if channel else 0
    is_first = ax is None or not ax.has_data()
    ax = ax or new_axes(THEME["curve size"])
    look = {"color": THEME["line"], "linewidth": THEME["line width"]} | style
    ax.plot(curve.extension, curve.approach[index], **look)
    ax.plot(curve.extension, curve.retract[index], **(look | {"linestyle": "--"}))
    if is_first:
        ax.axhline(0, color=THEME["faint"], linewidth=0.6, zorder=0)
        ax.set_title(f"at {position(curve.x, curve.y)}", fontsize=THEME["title size"], loc="left")
    write_axis(ax.xaxis, "extension", "m", _drawn(ax, 0))
    write_axis(ax.yaxis, curve.channels[index].name, curve.channels[index].unit, _drawn(ax, 1))
    return ax


def plot_learning_curve(
    rewards: ArrayLike, unit: str = "1", ax: "Axes | None" = None, name: str = "reward"
) -> "Axes":
    """Draw the reward of each spectrum in order, and the best one so far.

    Args:
        rewards: One number per spectrum, shape (n,); NaN, drawn as a tick at the lower edge, for a
            spectrum that was flagged.
        unit: Unit of the rewards, "1" for none.
        ax: Where to draw; without it a figure is made.
        name: What the reward is.
    """
    from matplotlib.ticker import MaxNLocator

    rewards = np.asarray(rewards, dtype=float)
    ax = ax or new_axes(THEME["curve size"])
    order = np.arange(1, len(rewards) + 1)
    good = np.isfinite(rewards)
    ax.plot(order[good], rewards[good], "o", color=THEME["line"], markersize=3.2, alpha=0.75,
            markeredgewidth=0, label="each spectrum")  # fmt: skip
    if good.any():
        best = np.fmax.accumulate(rewards)
        ax.step(order, best, where="post", color=THEME["best"], linewidth=THEME["line width"],
                label="best so far")  # fmt: skip
    if not good.all():
        ax.plot(order[~good], np.zeros((~good).sum()), "|", color=THEME["best"], markersize=7,
                transform=ax.get_xaxis_transform(), clip_on=False, label="flagged")  # fmt: skip
    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))
    ax.set_xlim(0, len(rewards) + 1)
    write_axis(ax.yaxis, name, unit, float(np.abs(rewards[good]).max(initial=0.0)))
    ax.set_xlabel("spectrum", fontsize=THEME["label size"], color=THEME["ink"])
    ax.legend(
        frameon=False,
        fontsize=THEME["tick size"],
        ncols=3,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0.1,
        handlelength=1.4,
        columnspacing=1.4,
    )
    return ax


def _drawn(ax: "Axes", axis: int) -> float:
    """Return the largest value drawn along an axis, so that curves that share it share its unit."""
    curves = [line for line in ax.get_lines() if line.get_transform() == ax.transData]
    values = np.concatenate([np.asarray(line.get_data()[axis], dtype=float) for line in curves])
    return float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
