"""Pictures of the time: what each spectrum cost, what was waited for, what came when."""

from collections.abc import Sequence

import numpy as np

from ..data import (
    ModelFitted,
    RecordedRun,
    RunPaused,
    RunResumed,
    ScanFinished,
    ScanStarted,
    SpectrumAcquired,
)
from ..instrument import FloatArray
from ..plotting import THEME, new_axes, write_axis
from .history import History
from .marks import (
    BLUE,
    GREEN,
    GREY,
    HALF,
    RED,
    Mark,
    Picture,
    count_spectra,
    legend,
    name_axis,
    picture,
)

_LINE = (8.8, 2.3)  # [inch] of the time line


def draw_costs(history: History) -> list[Picture]:
    """Draw what each choice took of the instrument's time, and how much of it was waiting."""
    numbers = history.of("number")
    spectrum = history.of("end_time") - history.of("start_time")
    idle = history.of("idle")
    move = np.maximum(history.of("move") - idle, 0.0)
    if not (spectrum + move + idle).any():
        return []
    ax = new_axes(HALF)
    below: FloatArray = np.zeros(len(numbers))
    for values, colour, hatch, label in (
        (spectrum, BLUE, "", "spectrum"),
        (move, "#b9c9d9", "////", "move and settle"),
        (idle, RED, "", "waiting"),
    ):
        ax.bar(numbers, values, 1.0, bottom=below, color=colour, label=label, hatch=hatch,
               edgecolor="white", linewidth=0.2)  # fmt: skip
        below = below + values
    cost = history.of("cost")
    known = np.isfinite(cost)
    if known.any():
        ax.plot(numbers[known], cost[known], "_", color=THEME["ink"], markersize=5,
                label="expected by the agent")  # fmt: skip
    write_axis(ax.yaxis, "time", "s", float(below.max()))
    count_spectra(ax, numbers)
    legend(ax, 2)
    shown = [
        picture(
            ax,
            "cost of each spectrum",
            "instrument time from the end of one spectrum to the end of the next. Far moves must "
            "settle; where the agent knows the costs, dashes show what it reckoned with",
            "time",
        )
    ]
    total = np.cumsum(spectrum + move + idle)
    ax = new_axes(HALF)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = 100 * np.cumsum(idle) / total
    ax.plot(numbers, share, color=RED, linewidth=1.4)
    ax.axhline(1.0, color=THEME["ink"], linewidth=0.8, linestyle="--")
    ax.set_ylim(0, max(1.5, 1.15 * float(np.nanmax(share))))
    name_axis(ax, "instrument idle (%)")
    count_spectra(ax, numbers)
    shown.append(
        picture(
            ax,
            "waiting for the agent",
            "share of the exploration so far in which the instrument stood still because the next "
            "point was not chosen yet; dashed 1 %. On a clock that runs faster than time it is "
            "what would have been waited at real speed",
            "time",
        )
    )
    return shown


def draw_timeline(run: RecordedRun, marks: Sequence[Mark]) -> list[Picture]:
    """Draw what happened when: scans, spectra, fits, pauses, interventions and alarms."""
    start = run.records[0].time
    spans = {
        "scan": _spans(run, ScanStarted, ScanFinished),
        "pause": _spans(run, RunPaused, RunResumed),
    }
    points = {
        "spectrum": [r.time for r in run.records if isinstance(r.event, SpectrumAcquired)],
        "fit": [r.time for r in run.records if isinstance(r.event, ModelFitted)],
        "intervention": [m.time for m in marks if not m.is_alarm],
        "alarm": [m.time for m in marks if m.is_alarm],
    }
    rows = [name for name in ("scan", "spectrum", "fit", "pause", "intervention", "alarm")
            if spans.get(name) or points.get(name)]  # fmt: skip
    if not rows:
        return []
    ax = new_axes((_LINE[0], 0.55 + 0.3 * len(rows)))
    looks = {"spectrum": ("|", BLUE, 9), "fit": ("d", THEME["ink"], 4),
             "intervention": ("o", GREEN, 7), "alarm": ("^", RED, 7)}  # fmt: skip
    for height, name in enumerate(reversed(rows)):
        for begin, end in spans.get(name, ()):
            ax.barh(height, end - begin, 0.5, left=begin - start, linewidth=0.6,
                    color="#d5dde6" if name == "scan" else GREY, edgecolor=BLUE)  # fmt: skip
        if points.get(name):
            sign, colour, size = looks[name]
            at = np.array(points[name]) - start
            ax.plot(at, np.full(len(at), height), sign, color=colour, markersize=size)
        ax.axhline(height, color="#eceef1", linewidth=0.8, zorder=0)
    heights = {name: height for height, name in enumerate(reversed(rows))}
    numbers: dict[tuple[float, str], list[str]] = {}
    for mark in marks:
        place = (mark.time - start, "alarm" if mark.is_alarm else "intervention")
        numbers.setdefault(place, []).append(str(mark.number))
    for (at_time, row), labels in numbers.items():
        ax.annotate(",".join(labels), (at_time, heights[row]), xytext=(5, 0), va="center",
                    textcoords="offset points", fontsize=7, color=looks[row][1])  # fmt: skip
    ax.set_yticks(range(len(rows)), list(reversed(rows)))
    ax.set_ylim(-0.6, len(rows) - 0.4)
    end = run.records[-1].time - start
    ax.set_xlim(-0.01 * end, 1.01 * end or 1.0)
    write_axis(ax.xaxis, "instrument time", "s", end)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return [
        picture(
            ax,
            "time line",
            "bars last, ticks are moments; interventions and alarms are numbered as in the list "
            "below and in the pictures above",
            "timeline",
            "full",
        )
    ]


def _spans(run: RecordedRun, begin: type, end: type) -> list[tuple[float, float]]:
    spans, since = [], None
    for record in run.records:
        if isinstance(record.event, begin):
            since = record.time
        elif isinstance(record.event, end) and since is not None:
            spans.append((since, record.time))
            since = None
    if since is not None:
        spans.append((since, run.records[-1].time))
    return spans
