"""The looks that all pictures share: one theme, axes in engineering units, figures as text."""

import base64
import io
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import units

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.ticker import Locator

THEME: Mapping[str, Any] = {
    "ink": "#262626",  # words, frames and ticks
    "faint": "#9a9a9a",  # zero lines
    "missing": "#e4e4e4",  # what was not measured
    "line": "#2a5f8f",  # a curve
    "best": "#c2481d",  # what stands out
    "title size": 9.5,
    "label size": 8.5,
    "tick size": 8.0,
    "line width": 1.3,
    "image size": (4.2, 3.5),  # [inch]
    "curve size": (4.2, 2.9),  # [inch]
    "resolution": 150,  # [dots per inch]
    "levels": (1.0, 99.0),  # [%] an outlier must not flatten an image
}
# from dark brown to ivory in even steps of lightness (CIELAB L* from 8 to 96)
GOLD = (
    "#2c0f02", "#501f0d", "#743512", "#934f1d", "#ad6d31",
    "#c38e51", "#d6b07c", "#e6d2b1", "#f6f3ee",
)  # fmt: skip
DEGREE = math.pi / 180  # [rad]
MINUS = "\u2212"  # the sign, which is longer than a hyphen


def new_axes(size: tuple[float, float]) -> "Axes":
    """Make a figure with one pair of axes in it, beside matplotlib's list of open windows.

    Args:
        size: Width and height [inch].
    """
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    class NotebookAxes(Axes):
        """Axes that a notebook shows when a cell ends with them, as it does with figures."""

        def _repr_png_(self) -> bytes:
            return _render(self.get_figure(root=True), "png")

    figure = Figure(figsize=size, dpi=THEME["resolution"], layout="compressed")
    ax = figure.add_subplot(axes_class=NotebookAxes)
    dress(ax)
    return ax


def to_png(figure: "Figure | SubFigure") -> bytes:
    """Return a figure as the content of a PNG file."""
    return _render(figure, "png")


def to_data_uri(figure: "Figure") -> str:
    """Return a figure as a PNG inside a ``data:`` address, for a page that stands on its own."""
    return "data:image/png;base64," + base64.b64encode(to_png(figure)).decode("ascii")


def to_svg(figure: "Figure") -> str:
    """Return a figure as an ``<svg>`` element for a page; the same figure gives the same text."""
    text = _render(figure, "svg").decode("utf-8")
    return text[text.index("<svg") :]


def _render(figure: Any, kind: str) -> bytes:
    import matplotlib

    file = io.BytesIO()
    metadata: dict[str, Any] = {"Date": None} if kind == "svg" else {}
    with matplotlib.rc_context({"svg.hashsalt": "spm_auto", "svg.fonttype": "path"}):
        figure.savefig(file, format=kind, dpi=THEME["resolution"], metadata=metadata)
    return file.getvalue()


def dress(ax: "Axes") -> None:
    """Give axes the theme's ink, sizes and thin lines."""
    ax.tick_params(
        labelsize=THEME["tick size"],
        color=THEME["ink"],
        labelcolor=THEME["ink"],
        width=0.7,
        length=3,
    )
    for spine in ax.spines.values():
        spine.set(color=THEME["ink"], linewidth=0.7)


def write_axis(axis: "Axis", name: str, unit: str, largest: float) -> None:
    """Write an axis in the engineering unit that suits its largest value; the data stay in SI."""
    from matplotlib.ticker import FuncFormatter

    if unit in ("rad", "deg"):
        factor, shown = (DEGREE if unit == "rad" else 1.0), "°"
        axis.set_major_locator(_degree_ticks(factor))
    elif unit == "1":
        factor, shown = 1.0, ""
    else:
        shown = units.format(largest, unit, 3).split(" ", 1)[1]
        factor = units.parse(f"1 {shown}", unit)

    def write(value: float, _: int | None = None) -> str:
        return f"{value / factor + 0.0:.6g}".replace("-", MINUS)

    axis.set_major_formatter(FuncFormatter(write))
    shown = pretty(shown)
    text = f"{name} ({shown})" if name and shown else name or shown
    axis.set_label_text(text, fontsize=THEME["label size"], color=THEME["ink"])


def _degree_ticks(factor: float) -> "Locator":
    from matplotlib.ticker import MaxNLocator

    class DegreeLocator(MaxNLocator):
        """Ticks at round degrees of an axis whose data may be radians."""

        def tick_values(self, vmin: float, vmax: float) -> Any:
            return np.asarray(super().tick_values(vmin / factor, vmax / factor)) * factor

    return DegreeLocator(nbins=5, steps=[1, 1.5, 3, 4.5, 9, 10])


def position(x: float, y: float) -> str:
    """Write a place on the sample for people."""
    # below a picometre is rounding; no -0
    across, up = (units.format(round(value, 12) + 0.0, "m", 3) for value in (x, y))
    return f"({pretty(across)}, {pretty(up)})"


def pretty(text: str) -> str:
    """Set a quantity's minus and micro sign as print does."""
    words = text.split(" ")
    if words[-1].startswith("u") and len(words[-1]) > 1:
        words[-1] = "µ" + words[-1][1:]
    return " ".join(words).replace("-", MINUS)


def outline(width: float) -> list[Any]:
    """Return a thin dark rim, so that white stays readable on a light image."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=width, foreground="#1a1a1acc")]
