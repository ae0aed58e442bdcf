"""The pictures of a report, drawn from a run and kept as data inside the page."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..data import Measurement, ModelFitted, RecordedRun
from ..instrument import ScanImage, Spectrum
from ..plotting import (
    plot_learning_curve,
    plot_map,
    plot_points,
    plot_spectrum,
    to_data_uri,
)
from .tables import value_text

_BEST = 3  # spectra shown
_POINTS = "where spectra were taken, from white (first) to red (last); the ring marks the best"
_FAR = 3.0  # points farther out than so many times the spectrum's own spread are left out


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with what it shows.

    Attributes:
        uri: The picture as a data URI.
        title: What it shows.
        caption: How to read it.
        section: Where it belongs: "overview", "belief" or "spectra".
        is_wide: Whether it takes half of the page's width, rather than a third.
    """

    uri: str
    title: str
    caption: str
    section: str
    is_wide: bool = False


def draw(run: RecordedRun) -> list[Picture]:
    """Draw all pictures that a run has something for."""
    pictures = []
    if run.scans:
        pictures += _overview(run, run.scans[-1])
    if np.isfinite(run.rewards).any():
        pictures.insert(1, _progress(run))
    if run.fits:
        pictures += _belief(run, run.fits[-1])
    pictures += _spectra(run)
    return pictures


def _overview(run: RecordedRun, image: ScanImage) -> list[Picture]:
    pictures = []
    for index, channel in enumerate(image.channels):
        axes = image.plot(channel.name)
        caption = "forward"
        if index == 0 and run.measurements:
            _draw_points(axes, run)
            caption = _POINTS
        pictures.append(_picture(axes, channel.name, caption, "overview", index == 0))
    return pictures


def _belief(run: RecordedRun, fit: ModelFitted) -> list[Picture]:
    unit = _unit(run)
    name = _scalarizer(run)
    speaker = f" ({fit.speaker})" if fit.speaker else ""
    told = f"after {fit.n_observations} spectra{speaker}"
    mean = plot_map(fit.mean, fit.rows, fit.frame, unit, f"predicted {name}")
    _draw_points(mean, run)
    spread = plot_map(fit.deviation, fit.rows, fit.frame, unit, "uncertainty", colours="magma")
    return [
        _picture(mean, "prediction", f"what the agent expects, {told}", "belief", True),
        _picture(spread, "uncertainty", "standard deviation of the prediction", "belief", True),
    ]


def _progress(run: RecordedRun) -> Picture:
    scored = [m for m in run.measurements if m.scored]
    rewards = [m.scored.value for m in scored if m.scored]
    axes = plot_learning_curve(rewards, _unit(run), name=_scalarizer(run))
    return _picture(axes, "learning curve", "each spectrum, and the best so far", "overview", True)


def _spectra(run: RecordedRun) -> list[Picture]:
    good = [m for m in run.measurements if m.scored and math.isfinite(m.scored.value)]
    ranked = sorted(good, key=lambda m: m.scored.value if m.scored else 0.0, reverse=True)
    pictures = [_spectrum(m, place) for place, m in enumerate(ranked[:_BEST], start=1)]
    unscored = [m for m in run.measurements if m.scored is None]
    pictures += [_spectrum(m, 0) for m in (() if pictures else unscored[:_BEST])]
    flagged = [m for m in run.measurements if m.scored and m.scored.flag]
    if flagged:
        pictures.append(_spectrum(flagged[0], -1))
    return pictures


def _spectrum(measurement: Measurement, place: int) -> Picture:
    number, scored = measurement.number + 1, measurement.scored
    if place > 0 and scored is not None:
        shown, n_outside = _without_outliers(measurement.spectrum)
        axes = plot_spectrum(shown)
        caption = f"{_words(scored.scalarizer)} {value_text(scored.value, scored.unit)}"
        if n_outside:
            caption += f"; failed points not drawn: {n_outside}"
        return _picture(axes, f"best {place}: spectrum {number}", caption, "spectra")
    axes = plot_spectrum(measurement.spectrum)
    if scored is not None and scored.flag:
        caption = f"not used: {scored.flag}"
        return _picture(axes, f"flagged: spectrum {number}", caption, "spectra")
    return _picture(axes, f"spectrum {number}", "", "spectra")


def _without_outliers(spectrum: Spectrum) -> tuple[Spectrum, int]:
    """Let one failed point not squeeze the whole loop flat; says how many were left out."""
    low, high = np.nanpercentile(spectrum.channel(), (10, 90))
    margin = _FAR * (high - low)
    data = spectrum.data.copy()
    outside = (data[0] < low - margin) | (data[0] > high + margin)
    data[0, outside] = np.nan
    return replace(spectrum, data=data), int(outside.sum())


def _draw_points(axes: Any, run: RecordedRun) -> None:
    if not run.measurements or not run.scans:
        return
    best = run.best
    plot_points(
        axes,
        [m.spectrum.x for m in run.measurements],
        [m.spectrum.y for m in run.measurements],
        run.scans[-1].frame,
        highlight=[best.number] if best else None,
    )


def _picture(axes: Any, title: str, caption: str, section: str, is_wide: bool = False) -> Picture:
    return Picture(to_data_uri(axes.figure), title.replace("_", " "), caption, section, is_wide)


def _unit(run: RecordedRun) -> str:
    return next((m.scored.unit for m in run.measurements if m.scored), "1")


def _scalarizer(run: RecordedRun) -> str:
    names: Sequence[str] = [m.scored.scalarizer for m in run.measurements if m.scored]
    return _words(names[0]) if names else "reward"


def _words(name: str) -> str:
    return name.replace("_", " ")
