"""The page: facts, pictures and tables of an agent's choices, put into ``page.html``."""

from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import numpy as np

from ..data import FILE_NAME, RecordedRun, SpectrumAcquired, open_run, write_whole
from ..instrument import ScanImage
from ..report import fill_page
from .history import History, history_of
from .marks import Picture, marks_of
from .pictures import draw_calibration, draw_gain, draw_path
from .rival_pictures import draw_rivals, draw_speakers
from .rivals import forks_of, verdicts
from .sight import Sight
from .tables import facts_of, parameters_of, rows_of
from .time_pictures import draw_costs, draw_timeline
from .truth import Truth, read_truth

FORENSICS_NAME = "forensics.html"


def write_forensics(folder: Path, truth: str = "") -> Path:
    """Write ``forensics.html`` beside a run's journal.

    The page needs nothing else: no network, no other file. It can be made of any run, also of one
    that still goes on or was killed; where no agent chose it says so.

    Args:
        folder: The run's folder.
        truth: The best value there is, or the folder of a run that measured the whole sample; empty
            where neither is known.

    Returns:
        The page.

    Raises:
        DataError: There is no run in the folder, the page cannot be written there, or the truth is
            none.
    """
    run = open_run(folder / FILE_NAME)
    history = history_of(run)
    text = render(run, history, read_truth(truth, history.scalarizer) if truth else None)
    return write_whole(folder / FORENSICS_NAME, text.encode("utf-8"))


def render(run: RecordedRun, history: History, truth: Truth | None = None) -> str:
    """Return the page of a run as HTML."""
    image = overview_of(run, history)
    sight = Sight.of(image) if image is not None and history.choices else None
    forks = forks_of(history, sight) if history.fits and history.choices else []
    unit_text = "" if history.unit == "1" else history.unit
    return fill_page(
        files(__package__).joinpath("page.html").read_text(encoding="utf-8"),
        run=run,
        history=history,
        outcome=run.finished.reason.value if run.finished else "unfinished",
        message=run.finished.message if run.finished else run.damage,
        date=datetime.fromtimestamp(run.records[0].utc, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        facts=facts_of(run, history, truth) if history.choices else [],
        pictures=draw(run, history, truth),
        marks=marks_of(run),
        verdicts=verdicts(forks, history.fits[-1]) if forks else [],
        n_forks=len(forks),
        unit=unit_text,
        rows=rows_of(history),
        parameters=parameters_of(history),
        truth=truth.origin if truth else "",
        scalarizer=history.scalarizer.replace("_", " "),
    )


def draw(run: RecordedRun, history: History, truth: Truth | None = None) -> list[Picture]:
    """Draw all pictures that a run has something for."""
    marks = marks_of(run)
    timeline = draw_timeline(run, marks)
    if not history.choices:
        return timeline
    values = history.of("value")
    found = float(np.nanmax(values)) if np.isfinite(values).any() else np.nan
    best = max(truth.best, found) if truth else found
    image = overview_of(run, history)
    sight = Sight.of(image) if image is not None else None
    pictures = draw_gain(history, marks, best, truth is not None)
    if image is not None:
        pictures += draw_path(history, image, sight)
    pictures += draw_calibration(history, marks)
    pictures += draw_rivals(history, forks_of(history, sight), marks)
    pictures += draw_speakers(history.fits, marks, _spectra_before_fits(run, history))
    return [*pictures, *draw_costs(history), *timeline]


def overview_of(run: RecordedRun, history: History) -> ScanImage | None:
    """Return the image that the agent chose on: the last one of the frame of its fits."""
    if not run.scans:
        return None
    before = [s for s in run.scans if s.end_time <= _begin(history)] or list(run.scans[:1])
    frames = [fit.frame for fit in history.fits[-1:]]
    return next((s for s in reversed(before) if s.frame in frames), before[-1])


def _begin(history: History) -> float:
    return history.choices[0].start_time if history.choices else 0.0


def _spectra_before_fits(run: RecordedRun, history: History) -> list[int]:
    numbers, taken = {}, 0
    for record in run.records:
        if isinstance(record.event, SpectrumAcquired):
            taken += 1
        numbers[id(record.event)] = taken
    return [numbers[id(fit)] for fit in history.fits]
