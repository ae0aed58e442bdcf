"""Marks: what the pictures of a page share, from the looks of a figure to the signs of an event."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..data import Alarm, Intervention, RecordedRun, SpectrumAcquired
from ..instrument import FloatArray
from ..plotting import THEME, to_data_uri

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HALF = (4.2, 2.9)  # [inch] of a picture beside another
FULL = (8.8, 2.6)  # [inch] of one that takes the page's width
SQUARE = (4.2, 3.5)  # [inch]
RED, BLUE, GREY, GREEN = THEME["best"], THEME["line"], THEME["faint"], "#0f766e"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with what it shows.

    Attributes:
        uri: The picture as a data URI.
        title: What it shows.
        caption: How to read it.
        section: Where it belongs.
        width: "full", "wide" (half of the page) or "" (a third).
    """

    uri: str
    title: str
    caption: str
    section: str
    width: str = "wide"


@dataclass(frozen=True, slots=True)
class Mark:
    """An intervention or an alarm.

    Attributes:
        number: Counts both together from 1, in order.
        is_alarm: Which of the two it is.
        time: Instrument time [s].
        spectrum: How many spectra were taken before.
        text: What, for people.
        who: Who wanted it; the cause of an alarm.
        why: Why.
    """

    number: int
    is_alarm: bool
    time: float
    spectrum: int
    text: str
    who: str = ""
    why: str = ""


def marks_of(run: RecordedRun) -> list[Mark]:
    """Return all interventions and alarms of a run, in order."""
    marks: list[Mark] = []
    spectra = 0
    for record in run.records:
        number = len(marks) + 1
        match record.event:
            case SpectrumAcquired():
                spectra += 1
            case Intervention(who=who, what=what, why=why):
                marks.append(Mark(number, False, record.time, spectra, what, who, why))
            case Alarm(message=message, cause=cause):
                marks.append(Mark(number, True, record.time, spectra, message, cause))
    return marks


def draw_marks(ax: "Axes", marks: Sequence[Mark]) -> None:
    """Draw a numbered line where each intervention and alarm stands among the spectra."""
    places: dict[tuple[int, bool], list[str]] = {}
    for mark in marks:
        places.setdefault((mark.spectrum, mark.is_alarm), []).append(str(mark.number))
    for (spectrum, is_alarm), numbers in places.items():
        colour = RED if is_alarm else GREEN
        style = (0, (1, 1.5)) if is_alarm else (0, (5, 2))
        ax.axvline(spectrum + 0.5, color=colour, linewidth=0.9, linestyle=style, zorder=0)
        ax.annotate(
            ("▲" if is_alarm else "●") + ",".join(numbers),
            (spectrum + 0.5, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(2, -3),
            textcoords="offset points",
            ha="left",
            va="top",
            fontsize=6.5,
            color=colour,
        )


def count_spectra(ax: "Axes", numbers: FloatArray) -> None:
    """Let the horizontal axis count spectra."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))
    ax.set_xlim(float(np.min(numbers)) - 1, float(np.max(numbers)) + 1)
    ax.set_xlabel("spectrum", fontsize=THEME["label size"], color=THEME["ink"])


def legend(ax: "Axes", columns: int = 3, size: float = THEME["tick size"]) -> None:
    """Write what is what above the axes."""
    ax.legend(
        frameon=False,
        fontsize=size,
        ncols=columns,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0.1,
        handlelength=1.6,
        columnspacing=1.3,
        handletextpad=0.5,
    )


def name_axis(ax: "Axes", text: str) -> None:
    """Name the vertical axis of pure numbers."""
    ax.set_ylabel(text, fontsize=THEME["label size"], color=THEME["ink"])


def picture(ax: "Axes", title: str, caption: str, section: str, width: str = "wide") -> Picture:
    """Turn what was drawn into a picture of the page."""
    return Picture(to_data_uri(ax.get_figure(root=True)), title, caption, section, width)  # type: ignore[arg-type]  # axes stand in a figure
