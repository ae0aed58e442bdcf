"""Pictures of what lies on the sample: scans, measured points, maps of candidates."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .. import units
from ..instrument import Channel, FloatArray, ScanFrame
from .style import DEGREE, GOLD, THEME, dress, new_axes, outline, position, pretty, write_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.collections import PathCollection
    from matplotlib.colors import Colormap


def plot_image(
    image: FloatArray, frame: ScanFrame, channel: Channel, ax: "Axes | None" = None
) -> "Axes":
    """Draw one channel of a scan.

    Line 0 is the lower edge. The axes are those of the sample; for a turned frame they are its own
    fast and slow axis u and v, and the title says the angle. Lines that are missing stay grey.

    Args:
        image: Values in the channel's unit, shape [line, pixel]; missing is NaN.
        frame: Where it lies.
        channel: What it shows; chooses the colours (gold for heights, a cycle for phases).
        ax: Where to draw; without it a figure is made.

    Returns:
        The axes, with an image and a colour bar in them.

    Raises:
        ValueError: The image does not fit the frame.
    """
    if image.shape != frame.shape:
        raise ValueError(f"the image has shape {image.shape}, its frame needs {frame.shape}")
    ax = ax or new_axes(_size_of(frame))
    low, high = _levels(image)
    colours, low, high = _colours_of(channel, low, high)
    shown = _show(ax, image, frame, _extent(frame), colours, (low, high))
    _colour_bar(ax, shown, channel.name, channel.unit)
    _scale_bar(ax, frame.size[0])
    _title(ax, channel.name, frame)
    return ax


def plot_points(
    ax: "Axes",
    x: ArrayLike,
    y: ArrayLike,
    frame: ScanFrame,
    order: bool = True,
    values: ArrayLike | None = None,
    highlight: Sequence[int] | None = None,
) -> "PathCollection":
    """Draw measured points on an image that `plot_image` or `plot_map` drew of the same frame.

    Args:
        ax: The axes of the image.
        x: Sample coordinates [m], shape (n,).
        y: Sample coordinates [m], shape (n,).
        frame: The image's frame.
        order: Whether the points run from white (first) to red (last), the two ends numbered.
        values: One number per point, drawn as its colour instead of the order.
        highlight: Points to be ringed and numbered from 1, such as the best spectra in rank order.

    Returns:
        The points, for a colour bar.
    """
    across, up = on_picture(frame, x, y)
    n = across.size
    colour: dict[str, Any] = {"c": "white"}
    if values is not None:
        colour = {"c": np.asarray(values, dtype=float), "cmap": "viridis"}
    elif order:
        colour = {"c": np.arange(n), "cmap": _ramp("order", ("#ffffff", "#f2a98c", "#b3200e"))}
    points = ax.scatter(
        across,
        up,
        **colour,
        s=15,
        linewidths=0.6,
        edgecolors="#1a1a1a",
        zorder=3,
    )
    if order and n > 1 and highlight is None:
        for index in (0, n - 1):
            _number(ax, across[index], up[index], index + 1)
    for rank, index in enumerate(highlight or (), start=1):
        ax.scatter(
            across[index],
            up[index],
            s=80,
            facecolors="none",
            edgecolors="white",
            linewidths=1.4,
            zorder=4,
            path_effects=outline(3.0),
        )
        _number(ax, across[index], up[index], rank)
    return points


def plot_map(
    values: FloatArray,
    rows: ArrayLike,
    frame: ScanFrame,
    unit: str,
    title: str,
    ax: "Axes | None" = None,
    colours: str = "viridis",
) -> "Axes":
    """Draw one value per candidate as an image on the overview's frame.

    Args:
        values: One number per candidate, shape (n,).
        rows: Line and pixel of each candidate, shape (n, 2); where several share a pixel (biases to
            choose from), the largest value is shown.
        frame: The overview's frame.
        unit: Unit of the values, "1" for none.
        title: What they are.
        ax: Where to draw; without it a figure is made.
        colours: Name of a perceptually uniform colour map.
    """
    ax = ax or new_axes(_size_of(frame))
    image, extent = _on_grid(np.asarray(values, dtype=float), np.asarray(rows, dtype=int), frame)
    shown = _show(ax, image, frame, extent, colours, _levels(image))
    _colour_bar(ax, shown, "", unit)
    _scale_bar(ax, frame.size[0])
    _title(ax, title, frame)
    return ax


def _show(
    ax: "Axes",
    image: FloatArray,
    frame: ScanFrame,
    extent: tuple[float, float, float, float],
    colours: "str | Colormap",
    levels: tuple[float, float],
) -> "ScalarMappable":
    from matplotlib import colormaps

    dress(ax)
    palette = colormaps[colours] if isinstance(colours, str) else colours
    shown = ax.imshow(
        np.ma.masked_invalid(image),
        origin="lower",
        extent=extent,
        cmap=palette.with_extremes(bad=THEME["missing"]),
        vmin=levels[0],
        vmax=levels[1],
        interpolation="nearest",
    )
    left, right, bottom, top = _extent(frame)
    ax.set_facecolor(THEME["missing"])
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)
    widest = max(frame.size)
    ax.locator_params("x", nbins=max(2, round(5 * frame.size[0] / widest)))
    ax.locator_params("y", nbins=max(2, round(5 * frame.size[1] / widest)))
    names = ("u", "v") if _is_turned(frame) else ("x", "y")
    largest = float(np.abs([left, right, bottom, top]).max())
    write_axis(ax.xaxis, names[0], "m", largest)
    write_axis(ax.yaxis, names[1], "m", largest)
    return shown


def _extent(frame: ScanFrame) -> tuple[float, float, float, float]:
    x, y = (0.0, 0.0) if _is_turned(frame) else frame.center
    half_u, half_v = frame.size[0] / 2, frame.size[1] / 2
    return x - half_u, x + half_u, y - half_v, y + half_v


def _size_of(frame: ScanFrame) -> tuple[float, float]:
    """Size a figure so that a frame of any shape leaves no empty margin [inch]."""
    width, tallest = THEME["image size"]
    beside, above = 1.35, 0.75  # room for labels and colour bar
    height = (width - beside) * frame.size[1] / frame.size[0] + above
    if height > tallest:
        width = max((tallest - above) * frame.size[0] / frame.size[1] + beside, 2.2)
    return width, min(max(height, 1.6), tallest)


def _is_turned(frame: ScanFrame) -> bool:
    return abs(math.remainder(frame.angle, 2 * math.pi)) > 1e-9


def on_picture(frame: ScanFrame, x: ArrayLike, y: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Turn sample coordinates [m] into those that a picture of the frame is drawn in [m]."""
    if _is_turned(frame):
        return frame.to_frame(x, y)
    return np.asarray(x, dtype=float), np.asarray(y, dtype=float)


def _on_grid(
    values: FloatArray, rows: Any, frame: ScanFrame
) -> tuple[FloatArray, tuple[float, float, float, float]]:
    """Lay candidates out on the coarsest grid that holds them all; returns it and its extent."""
    first = rows.min(axis=0)
    steps = [int(np.gcd.reduce(np.diff(np.unique(rows[:, k])))) or 1 for k in (0, 1)]
    cells = (rows - first) // steps
    image = np.full(cells.max(axis=0) + 1, np.nan)
    np.fmax.at(image, (cells[:, 0], cells[:, 1]), values)
    left, _, bottom, _ = _extent(frame)
    pitch = frame.pitch
    # a candidate stands in the middle of its cell
    left += (first[1] + 0.5 - steps[1] / 2) * pitch[0]
    bottom += (first[0] + 0.5 - steps[0] / 2) * pitch[1]
    width, height = image.shape[1] * steps[1] * pitch[0], image.shape[0] * steps[0] * pitch[1]
    return image, (left, left + width, bottom, bottom + height)


def _levels(image: FloatArray) -> tuple[float, float]:
    finite = image[np.isfinite(image)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(finite, THEME["levels"]))
    if low == high:
        low, high = float(finite.min()), float(finite.max())
    # a flat image still needs two levels to have a colour
    return (low, high) if low < high else (low - abs(low) / 2, high + (abs(high) / 2 or 1.0))


def _colours_of(channel: Channel, low: float, high: float) -> "tuple[str | Colormap, float, float]":
    turn = {"rad": 2 * math.pi, "deg": 360.0}.get(channel.unit)
    if turn is not None and high - low > turn / 4:
        return "twilight", -turn / 2, turn / 2  # a cycle shown whole: its two ends are one colour
    if channel.name in ("height", "topography", "z"):
        return _ramp("gold", GOLD), low, high
    return "viridis", low, high


def _ramp(name: str, colours: Sequence[str]) -> "Colormap":
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(name, list(colours))


def _title(ax: "Axes", text: str, frame: ScanFrame) -> None:
    if _is_turned(frame):
        text += f"\nturned by {pretty(units.format(frame.angle / DEGREE, '1', 3))}°"
        text += f" about {position(*frame.center)}"
    ax.set_title(text, fontsize=THEME["title size"], color=THEME["ink"], loc="left")


def _colour_bar(ax: "Axes", shown: "ScalarMappable", name: str, unit: str) -> None:
    """Put a colour bar beside the axes, as high as the image, whatever figure they stand in."""
    left, right, bottom, top = (*ax.get_xlim(), *ax.get_ylim())
    stretch = max(1.0, (top - bottom) / (right - left))
    beside = ax.inset_axes((1 + 0.035 * stretch, 0.0, 0.045 * stretch, 1.0))
    bar = ax.figure.colorbar(shown, cax=beside)
    bar.outline.set_visible(False)
    dress(beside)
    low, high = shown.get_clim()
    beside.locator_params(axis="y", nbins=5)
    write_axis(beside.yaxis, name, unit, max(abs(low), abs(high)))


def _scale_bar(ax: "Axes", width: float) -> None:
    """Draw a bar of a round length, a fifth to a half of the image, into its lower right corner."""
    exponent = 10.0 ** math.floor(math.log10(width / 4))
    length = max(step * exponent for step in (1, 2, 5) if step * exponent <= width / 4 * 1.001)
    share = length / width
    right, low = 0.95, 0.06
    ax.plot(
        (right - share, right),
        (low, low),
        color="white",
        linewidth=2.6,
        solid_capstyle="butt",
        transform=ax.transAxes,
        path_effects=outline(4.0),
        zorder=5,
    )
    ax.text(
        right - share / 2,
        low + 0.025,
        pretty(units.format(length, "m", 1)),
        color="white",
        fontsize=THEME["tick size"],
        ha="center",
        va="bottom",
        transform=ax.transAxes,
        path_effects=outline(1.6),
        zorder=5,
    )


def _number(ax: "Axes", across: float, up: float, number: int) -> None:
    ax.annotate(
        str(number),
        (across, up),
        xytext=(5, 5),
        textcoords="offset points",
        color="white",
        fontsize=THEME["tick size"],
        fontweight="bold",
        path_effects=outline(1.8),
        zorder=6,
        annotation_clip=False,
    )
