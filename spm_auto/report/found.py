"""What was found: every finding of a run as a row, and pictures of those that have one.

A finding is drawn by what its values are called; one without the right ones stays a row.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data import Finding, RecordedRun
from ..instrument import FloatArray, ScanFrame, ScanImage
from ..plotting import THEME, new_axes, on_picture, outline, plot_image, plot_points, write_axis
from ..units import format as format_quantity
from ..units import format_duration
from .pictures import Picture, picture_of
from .places import PALETTE, draw_groups, draw_values

_MOST_PICTURES = 24  # of all findings
_MOST_MAPS = 4  # of one finding
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FoundRow:
    """A row of the table of findings, ready to print.

    Attributes:
        time: Instrument time since the run's start.
        kind: What it is about.
        message: What was found.
    """

    time: str
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class LawRow:
    """What a law is worth at the end, ready to print."""

    law: str
    probability: str
    error: str


def found_rows(run: RecordedRun) -> list[FoundRow]:
    """Return all findings in order."""
    start = run.records[0].time
    return [
        FoundRow(format_duration(record.time - start), record.event.kind, record.event.message)
        for record in run.records
        if isinstance(record.event, Finding)
    ]


def law_rows(run: RecordedRun) -> list[LawRow]:
    """Return what each candidate law was worth in the last finding on laws."""
    compared = [f.values for f in run.findings if _has(f.values, "laws", "probabilities")]
    if not compared:
        return []
    last = compared[-1]
    shares = np.asarray(last["probabilities"], dtype=float)
    errors = np.asarray(last.get("errors", np.full(len(shares), np.nan)), dtype=float)
    return [
        LawRow(
            str(law),
            f"{100 * share:.3g} %",
            format_quantity(error, "1", 2) if math.isfinite(error) else "–",
        )
        for law, share, error in zip(last["laws"], shares.tolist(), errors.tolist(), strict=False)
    ]


def draw_found(run: RecordedRun) -> list[Picture]:
    """Draw the findings that have a picture."""
    pictures: list[Picture] = []
    for kind, draw in _TOGETHER.items():
        alike = [f.values for f in run.findings if f.kind == kind]
        pictures += draw(run, alike) if alike else []
    for finding in run.findings:
        draw_one = _EACH.get(str(finding.values.get("what", "")))
        if draw_one is not None:
            pictures += draw_one(run, finding)
    return pictures[:_MOST_PICTURES]


def _draw_walls(run: RecordedRun, finding: Finding) -> list[Picture]:
    values = finding.values
    image = _image_of(run, values)
    if image is None or not _has(values, "lines", "places", "place_distance"):
        return []
    phases = [channel for channel in image.channels if channel.unit in ("rad", "deg")]
    channel = (phases or list(image.channels))[0]
    axes = plot_image(image.channel(channel.name), image.frame, channel)
    across, up = on_picture(image.frame, *np.asarray(values["lines"], dtype=float).T)
    axes.plot(across, up, color="white", linewidth=1.1, path_effects=outline(2.2), zorder=2)
    _points(axes, values["places"], image.frame)
    axes.set_title("domain walls", fontsize=THEME["title size"], loc="left")
    return [_picture(axes, "domain walls", finding.message, is_wide=True)]


def _draw_statement(run: RecordedRun, finding: Finding) -> list[Picture]:  # noqa: ARG001
    values = finding.values
    if not _has(values, "at", "curve", "low", "high", "at_places", "values", "structure"):
        return []
    at, curve = np.asarray(values["at"]), np.asarray(values["curve"])
    places, measured = np.asarray(values["at_places"]), np.asarray(values["values"])
    axes = new_axes(THEME["curve size"])
    noise = np.asarray(values.get("noise", np.full(len(measured), np.nan)), dtype=float)
    axes.errorbar(
        places,
        measured,
        yerr=np.where(np.isfinite(noise), noise, 0.0),
        fmt="o",
        markersize=3,
        color=THEME["line"],
        ecolor="#b7c6d6",
        elinewidth=0.8,
        alpha=0.85,
    )
    colour = THEME["best"] if values.get("is_significant") else THEME["faint"]
    axes.fill_between(at, values["low"], values["high"], color=colour, alpha=0.2, linewidth=0)
    axes.plot(at, curve, color=colour, linewidth=1.6)
    name, structure = (str(values[key]).replace("_", " ") for key in ("scalarizer", "structure"))
    along = f"distance from {structure}" if values.get("shape") != "linear" else structure
    write_axis(axes.xaxis, along, str(values.get("structure_unit", "m")), float(abs(at).max()))
    largest = float(np.abs(measured).max())
    write_axis(axes.yaxis, name, str(values.get("unit", "1")), largest)
    said = f"{finding.message}; the band holds 95 % of the curves that the values allow"
    return [_picture(axes, f"{name} and {structure}", said, is_wide=True)]


def _draw_fit(run: RecordedRun, finding: Finding) -> list[Picture]:
    values = finding.values
    if not _has(values, "places", "values", "scalarizer"):
        return []
    name = str(values["scalarizer"]).replace("_", " ")
    frame = _frame_of(run, values)
    axes = draw_values(frame, values["places"], values["values"], name, str(values["unit"]))
    return [_picture(axes, name, finding.message)]


def _draw_unmixing(run: RecordedRun, finding: Finding) -> list[Picture]:
    values = finding.values
    if not _has(values, "axis", "components", "abundances", "places", "axis_unit"):
        return []
    axis, components = np.asarray(values["axis"]), np.asarray(values["components"])
    axes = new_axes(THEME["curve size"])
    shown = components[: len(PALETTE)]
    for number, component in enumerate(shown):
        axes.plot(axis, component, color=PALETTE[number], linewidth=1.4, label=f"{number + 1}")
    if len(shown) > 1:
        axes.legend(frameon=False, fontsize=THEME["tick size"], title=None)
    name = str(values.get("axis_name", ""))
    write_axis(axes.xaxis, name, str(values["axis_unit"]), float(np.abs(axis).max()))
    write_axis(axes.yaxis, "component", "1", 1.0)
    pictures = [_picture(axes, "components", finding.message, is_wide=True)]
    abundances, frame = np.asarray(values["abundances"], dtype=float), _frame_of(run, values)
    explained = np.asarray(values.get("explained", np.full(len(components), np.nan)), dtype=float)
    for number in range(min(len(components), _MOST_MAPS)):
        unit = str(values.get("unit", "1"))
        title = f"component {number + 1}"
        axes = draw_values(frame, values["places"], abundances[:, number], title, unit)
        said = f"how much of it is where; it explains {100 * explained[number]:.3g} %"
        pictures.append(_picture(axes, title, said))
    return pictures


def _draw_clusters(run: RecordedRun, finding: Finding) -> list[Picture]:
    values = finding.values
    if not _has(values, "labels", "places", "features", "names", "units"):
        return []
    labels, features = np.asarray(values["labels"]), np.asarray(values["features"], dtype=float)
    groups = [np.flatnonzero(labels == k) for k in range(int(labels.max()) + 1)]
    words = [f"group {k + 1} ({len(rows)})" for k, rows in enumerate(groups)]
    axes = draw_groups(_frame_of(run, values), np.asarray(values["places"]), groups, words)
    pictures = [_picture(axes, "groups", finding.message, is_wide=True)]
    if features.shape[1] >= 2:
        axes = new_axes(THEME["curve size"])
        for k, rows in enumerate(groups):
            colour = PALETTE[k % len(PALETTE)]
            across, up = features[rows, 0], features[rows, 1]
            axes.scatter(across, up, s=14, color=colour, label=words[k])
        for line, column in ((axes.xaxis, 0), (axes.yaxis, 1)):
            name = str(values["names"][column]).replace("_", " ")
            largest = float(np.abs(features[:, column]).max())
            write_axis(line, name, str(values["units"][column]), largest)
        axes.legend(frameon=False, fontsize=THEME["tick size"])
        pictures.append(_picture(axes, "groups by their values", "", is_wide=True))
    return pictures


def _draw_drift(run: RecordedRun, drifts: Sequence[Values]) -> list[Picture]:  # noqa: ARG001
    seen = [v for v in drifts if _has(v, "offset", "time", "sd") and np.size(v["offset"]) == 2]
    if len(seen) < 2:
        return []
    time = np.array([float(v["time"]) for v in seen])
    offset = np.array([v["offset"] for v in seen], dtype=float)
    spread = np.array([float(v["sd"]) for v in seen])
    axes = new_axes(THEME["curve size"])
    for column, name in enumerate("xy"):
        colour = PALETTE[column]
        axes.plot(time, offset[:, column], ".-", color=colour, linewidth=1.2, label=name)
        low, high = offset[:, column] - 2 * spread, offset[:, column] + 2 * spread
        axes.fill_between(time, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.legend(frameon=False, fontsize=THEME["tick size"])
    write_axis(axes.xaxis, "time", "s", float(np.abs(time).max()))
    write_axis(axes.yaxis, "offset of the sample", "m", float(np.abs(offset).max()) or 1e-9)
    said = "where the sample had drifted to, with twice its standard deviation"
    return [_picture(axes, "drift", said, is_wide=True)]


def _draw_frames(run: RecordedRun, frames: Sequence[Values]) -> list[Picture]:
    chosen = [_frame(v) for v in frames if _has(v, "center", "size")]
    if not chosen or not run.scans:
        return []
    image = max(run.scans, key=lambda scan: scan.frame.size[0] * scan.frame.size[1])
    axes = plot_image(image.channel(), image.frame, image.channels[0])
    for number, frame in enumerate(chosen, start=1):
        x, y = frame.corners()
        across, up = on_picture(image.frame, [*x, x[0]], [*y, y[0]])
        axes.plot(across, up, color="white", linewidth=1.3, path_effects=outline(2.6), zorder=4)
        axes.annotate(
            str(number),
            (float(across[3]), float(up[3])),
            xytext=(2, 3),
            textcoords="offset points",
            color="white",
            fontsize=THEME["tick size"],
            path_effects=outline(1.8),
            zorder=6,
        )
    said = "frames that the run chose, in order, on its widest scan"
    return [_picture(axes, "frames", said, is_wide=True)]


def _draw_laws(run: RecordedRun, laws: Sequence[Values]) -> list[Picture]:  # noqa: ARG001
    compared = [v for v in laws if _has(v, "laws", "probabilities")]
    if len(compared) < 2:
        return []
    names = list(compared[-1]["laws"])
    alike = [v for v in compared if list(v["laws"]) == names]
    shares = np.array([v["probabilities"] for v in alike], dtype=float)
    axes = new_axes(THEME["curve size"])
    for column, name in enumerate(names):
        colour = PALETTE[column % len(PALETTE)]
        axes.plot(np.arange(1, len(shares) + 1), shares[:, column], color=colour, label=str(name))
    axes.legend(frameon=False, fontsize=THEME["tick size"])
    axes.set_ylim(-0.02, 1.02)
    write_axis(axes.xaxis, "comparison", "1", 1.0)
    write_axis(axes.yaxis, "probability of the law", "1", 1.0)
    said = "what each candidate law was worth after each comparison"
    return [_picture(axes, "laws", said, is_wide=True)]


_EACH: Mapping[str, Callable[[RecordedRun, Finding], list[Picture]]] = {
    "walls": _draw_walls,
    "fit": _draw_fit,
    "unmixing": _draw_unmixing,
    "clusters": _draw_clusters,
    "statement": _draw_statement,
}
_TOGETHER: Mapping[str, Callable[[RecordedRun, Sequence[Values]], list[Picture]]] = {
    "frame": _draw_frames,
    "drift": _draw_drift,
    "law": _draw_laws,
}


def _has(values: Values, *names: str) -> bool:
    return all(name in values for name in names)


def _frame(values: Values) -> ScanFrame:
    (x, y), (width, height) = values["center"], values["size"]
    return ScanFrame(
        (float(x), float(y)), (float(width), float(height)), (2, 2), float(values.get("angle", 0.0))
    )


def _image_of(run: RecordedRun, values: Values) -> ScanImage | None:
    """Return the scan that a finding was made on."""
    wanted = values.get("image_time")
    return next((scan for scan in run.scans if scan.start_time == wanted), None)


def _frame_of(run: RecordedRun, values: Values) -> ScanFrame:
    """Return the frame of the last scan that holds all places of a finding; else one made so."""
    places = np.asarray(values["places"], dtype=float).reshape(-1, 2)
    for scan in reversed(run.scans):
        if bool(np.all(scan.frame.contains(*places.T))):
            return scan.frame
    low, high = places.min(axis=0), places.max(axis=0)
    size = np.maximum((high - low) * 1.1, 1e-9)
    x, y = ((low + high) / 2).tolist()
    return ScanFrame((x, y), (float(size[0]), float(size[1])), (2, 2))


def _points(axes: Any, places: FloatArray, frame: ScanFrame) -> None:
    inside = np.asarray(frame.contains(*np.asarray(places).T))
    x, y = np.asarray(places)[inside].T
    plot_points(axes, x, y, frame, order=False)


def _picture(axes: Any, title: str, caption: str, is_wide: bool = False) -> Picture:
    return picture_of(axes, title, caption, "found", is_wide)
