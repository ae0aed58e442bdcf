"""Who does what when: a Gantt chart of a run, as planned or as it was."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .style import THEME, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = {
    "load": "#8c8c8c",
    "scan": "#2a5f8f",
    "look at the tip": "#6fa3cf",
    "spectrum": "#c2481d",
    "force curve": "#d98a3d",
    "position": "#e3c08a",
    "condition the tip": "#7b3f8c",
    "feedback": "#a98fc0",
    "wait": "#d9d9d9",
    "make the agent": "#2f7d5b",
    "think": "#5fae8b",
    "answer": "#b5a642",
    "failed": "#000000",
}
_OTHERS = ("#4c4c9d", "#9d4c7a", "#4c9d9d", "#7a9d4c")  # for what has no colour of its own
_UNITS = ((3 * 3600.0, 3600.0, "h"), (180.0, 60.0, "min"), (0.0, 1.0, "s"))
_HEIGHT = 0.62  # of a row
_NARROW = 0.013  # share of the width that a letter takes


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of time in a row of the chart.

    Attributes:
        row: Name of the row: who is busy.
        what: With what.
        start: When it begins [s].
        end: When it ends [s].
        share: For what share of that time; the bar is as much lower.
        is_label: Whether it is a frame with its name in it, such as a step, in place of a colour.
    """

    row: str
    what: str
    start: float
    end: float
    share: float = 1.0
    is_label: bool = False


def plot_gantt(bars: Sequence[Bar], title: str = "", ax: "Axes | None" = None) -> "Axes":
    """Draw who does what when, one row each.

    Args:
        bars: What is done; rows stand in the order in which they come first.
        title: What the chart shows; empty for nothing.
        ax: Where to draw; without it a figure is made.

    Raises:
        ValueError: There is no bar.
    """
    if not bars:
        raise ValueError("there is nothing to draw: no bar")
    rows = list(dict.fromkeys(bar.row for bar in bars))
    if ax is None:
        ax = new_axes((9.0, 1.5 + 0.42 * len(rows)))
    latest = max(bar.end for bar in bars)
    unit, name = next((unit, name) for least, unit, name in _UNITS if latest >= least)
    colours = _colours(bars)
    for row, title_of_row in enumerate(rows):
        own = [bar for bar in bars if bar.row == title_of_row]
        for what in dict.fromkeys(bar.what for bar in own if not bar.is_label):
            _draw(ax, [b for b in own if b.what == what and not b.is_label], row, unit, colours)
        for bar in own:
            if bar.is_label:
                _frame(ax, bar, row, unit, latest)
    ax.set_yticks(range(len(rows)), rows)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlim(0, latest / unit or 1.0)
    ax.set_xlabel(f"instrument time ({name})", fontsize=THEME["label size"], color=THEME["ink"])
    ax.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    if title:
        ax.set_title(title, fontsize=THEME["title size"], color=THEME["ink"], loc="left")
    _legend(ax, colours)
    return ax


def _draw(ax: "Axes", bars: Sequence[Bar], row: int, unit: float, colours: dict[str, str]) -> None:
    """Draw bars of one kind in one row; the lower ones stand on the same ground."""
    ground = row + _HEIGHT / 2
    for share in sorted({bar.share for bar in bars}):
        height = _HEIGHT * share
        stretches = [
            (bar.start / unit, (bar.end - bar.start) / unit) for bar in bars if bar.share == share
        ]
        ax.broken_barh(
            stretches, (ground - height, height), facecolors=colours[bars[0].what], linewidth=0
        )


def _frame(ax: "Axes", bar: Bar, row: int, unit: float, latest: float) -> None:
    """Draw a frame, with its name where there is room for it."""
    width = (bar.end - bar.start) / unit
    ax.broken_barh(
        [(bar.start / unit, width)],
        (row - _HEIGHT / 2, _HEIGHT),
        facecolors="#f1efe9",
        edgecolors=THEME["ink"],
        linewidth=0.6,
    )
    room = int((bar.end - bar.start) / (latest * _NARROW)) if latest else 0
    if room >= min(len(bar.what), 4):
        words = bar.what if len(bar.what) <= room else bar.what[: max(room - 1, 1)] + "…"
        style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": THEME["tick size"] - 1}
        ax.text(bar.start / unit + width / 2, row, words, color=THEME["ink"], **style)


def _colours(bars: Sequence[Bar]) -> dict[str, str]:
    """Return the colour of each kind of work that there is."""
    kinds = list(dict.fromkeys(bar.what for bar in bars if not bar.is_label))
    others = [what for what in kinds if what not in _COLOURS]
    spare = {what: _OTHERS[n % len(_OTHERS)] for n, what in enumerate(others)}
    return {what: _COLOURS.get(what) or spare[what] for what in kinds}


def _legend(ax: "Axes", colours: dict[str, str]) -> None:
    """Say below the chart which colour is what."""
    from matplotlib.patches import Patch

    ax.figure.legend(
        handles=[Patch(color=colour, label=what) for what, colour in colours.items()],
        loc="outside lower center",
        ncols=6,
        frameon=False,
        fontsize=THEME["tick size"],
        handlelength=1.2,
    )
