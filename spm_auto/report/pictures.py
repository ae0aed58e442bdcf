"""The pictures of a report, drawn from a run and kept as data inside the page."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..analysis import level_plane
from ..data import Measurement, ModelFitted, RecordedRun, SpectrumScored
from ..instrument import Channel, ScanFrame, ScanImage, Spectrum
from ..plotting import (
    plot_image,
    plot_learning_curve,
    plot_map,
    plot_points,
    plot_spectrum,
    to_data_uri,
)
from .tables import value_text

_BEST = 3  # spectra shown
_EARLIER = 6  # scans shown besides the last one
_TOPOGRAPHY = ("height", "topography", "z")
_POINTS = "where spectra were taken, from white (first) to red (last)"
_FAR = 3.0  # points farther out than so many times the spectrum's own spread are left out


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with what it shows.

    Attributes:
        uri: The picture as a data URI.
        title: What it shows.
        caption: How to read it.
        section: Where it belongs: "overview", "found", "scans", "belief", "curves"
            or "spectra".
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
        pictures += _earlier(run)
    if run.best is not None:
        pictures.insert(1, _progress(run))
    if run.fits:
        pictures += _belief(run, run.fits[-1])
    pictures += _spectra(run)
    return pictures


def _overview(run: RecordedRun, image: ScanImage) -> list[Picture]:
    pictures = []
    for index, channel in enumerate(image.channels):
        axes = _plot(image, channel)
        caption = _way(channel)
        if index == 0 and run.measurements:
            has_ring = _draw_points(axes, run, image.frame)
            caption = _POINTS + ("; the ring marks the best" if has_ring else "")
        pictures.append(picture_of(axes, channel.name, caption, "overview", index == 0))
    return pictures


def _earlier(run: RecordedRun) -> list[Picture]:
    pictures = []
    for number, image in list(enumerate(run.scans[:-1], start=1))[-_EARLIER:]:
        channel = image.channels[0]
        axes = _plot(image, channel)
        _draw_points(axes, run, image.frame)
        caption = f"{channel.name.replace('_', ' ')}, {_way(channel)}"
        pictures.append(picture_of(axes, f"scan {number} of {len(run.scans)}", caption, "scans"))
    return pictures


def _plot(image: ScanImage, channel: Channel) -> Any:
    """Draw a channel; a topography is levelled, for the eye alone."""
    values = image.channel(channel.name)
    if channel.name in _TOPOGRAPHY:
        values = level_plane(values)
    return plot_image(values, image.frame, channel)


def _way(channel: Channel) -> str:
    return "forward, a plane subtracted" if channel.name in _TOPOGRAPHY else "forward"


def _belief(run: RecordedRun, fit: ModelFitted) -> list[Picture]:
    events = [record.event for record in run.records]
    before = events[: next(n for n, event in enumerate(events) if event is fit)]
    name, unit = _meaning([event for event in before if isinstance(event, SpectrumScored)])
    if fit.quantity:
        name, unit = fit.quantity, "1"
    speaker = f" ({fit.speaker})" if fit.speaker else ""
    told = f"after {fit.n_observations} spectra{speaker}"
    mean = plot_map(fit.mean, fit.rows, fit.frame, unit, f"predicted {name}")
    _draw_points(mean, run, fit.frame)
    spread = plot_map(fit.deviation, fit.rows, fit.frame, unit, "uncertainty", colours="magma")
    pictures = [
        picture_of(mean, "prediction", f"what the agent expects, {told}", "belief", True),
        picture_of(spread, "uncertainty", "standard deviation of the prediction", "belief", True),
    ]
    if fit.bias is not None and np.ptp(fit.bias) > 0:  # NaN where it was not chosen
        bias = plot_map(fit.bias, fit.rows, fit.frame, "V", "best bias")
        said = "where the prediction is highest; the maps beside it are for this bias"
        pictures.append(picture_of(bias, "best bias", said, "belief", True))
    return pictures


def _progress(run: RecordedRun) -> Picture:
    scores = [m.scored for m in run.compared if m.scored]
    name, unit = _meaning(scores)
    doubted = [bool(m.doubt) for m in run.compared if m.scored]  # drawn as those that are no good
    values = np.where(doubted, np.nan, [score.value for score in scores])
    axes = plot_learning_curve(values, unit, name=name)
    counted = "each spectrum" if len(scores) == len(run.measurements) else "each spectrum scored so"
    return picture_of(axes, "learning curve", f"{counted}, and the best so far", "overview", True)


def _spectra(run: RecordedRun) -> list[Picture]:
    scored = [m for m in run.compared if m.scored and not m.doubt]
    good = [m for m in scored if m.scored and math.isfinite(m.scored.value)]
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
    if place < 0 and scored is not None:  # with all its points: they say why
        axes, caption = plot_spectrum(measurement.spectrum), f"not used: {scored.flag}"
        return picture_of(axes, f"flagged: spectrum {number}", caption, "spectra")
    shown, n_outside = _without_outliers(measurement.spectrum)
    title, said = f"spectrum {number}", []
    if place > 0 and scored is not None:
        title = f"best {place}: {title}"
        said.append(f"{_words(scored.scalarizer)} {value_text(scored.value, scored.unit)}")
    if n_outside:
        said.append(f"points far off, not drawn: {n_outside}")
    return picture_of(plot_spectrum(shown), title, "; ".join(said), "spectra")


def _without_outliers(spectrum: Spectrum) -> tuple[Spectrum, int]:
    """Let one failed point not squeeze the whole loop flat; says how many were left out."""
    finite = spectrum.channel()[np.isfinite(spectrum.channel())]
    low, high = np.percentile(finite, (10, 90)) if finite.size else (0.0, 0.0)
    if low == high:  # no spread to compare with
        return spectrum, 0
    margin = _FAR * (high - low)
    data = spectrum.data.copy()
    outside = (data[0] < low - margin) | (data[0] > high + margin)
    data[0, outside] = np.nan
    return replace(spectrum, data=data), int(outside.sum())


def _draw_points(axes: Any, run: RecordedRun, frame: ScanFrame) -> bool:
    """Draw the points that lie on a picture's frame; says whether the best one is among them."""
    half = np.array(frame.size) / 2 * (1 + 1e-9)
    inside = [
        m
        for m in run.measurements
        if (np.abs(frame.to_frame(m.spectrum.x, m.spectrum.y)) <= half).all()
    ]
    best = run.best
    ringed = [n for n, m in enumerate(inside) if best is not None and m.number == best.number]
    is_whole = len(inside) == len(run.measurements)  # else its numbers would not be the run's
    plot_points(
        axes,
        [m.spectrum.x for m in inside],
        [m.spectrum.y for m in inside],
        frame,
        highlight=None if best is None and is_whole else ringed,
    )
    return bool(ringed)


def picture_of(axes: Any, title: str, caption: str, section: str, is_wide: bool = False) -> Picture:
    """Make a picture of axes: its title may be a name with underscores."""
    return Picture(to_data_uri(axes.figure), title.replace("_", " "), caption, section, is_wide)


def _meaning(scores: Sequence[SpectrumScored]) -> tuple[str, str]:
    """Return name and unit of the last scalarizer; a spectrum that was flagged has no unit."""
    if not scores:
        return "reward", "1"
    name = scores[-1].scalarizer
    good = [s for s in scores if s.scalarizer == name and math.isfinite(s.value)]
    return _words(name), good[-1].unit if good else "1"


def _words(name: str) -> str:
    return name.replace("_", " ")
