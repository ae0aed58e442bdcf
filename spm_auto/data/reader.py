"""Reading a run: its images, spectra and decisions, made from its records alone."""

import math
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DataError
from ..instrument import ForceCurve, ScanImage, Spectrum
from .choices import AgentAnswered, ModelFitted, PointChosen
from .events import (
    Alarm,
    Intervention,
    LineAcquired,
    Record,
    RunContinued,
    RunFinished,
    RunStarted,
    SampleFound,
)
from .findings import Finding, Judged
from .journal import FILE_NAME, JournalReader
from .recovery import ForceCurveAcquired
from .run_file import RUN_FILE_NAME, is_run_file, read_records
from .telling import (
    JudgedCurve,
    Measurement,
    judged_curves_of,
    measurements_of,
    scans_of,
    stage_at,
)

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run, finished or not, as its journal tells it, or the run file that was made of that.

    Attributes:
        path: The journal or the run file.
        records: All records in order.
        started: The first event.
        finished: The last event; None while the run goes on, or when it was killed.
        scans: Images, lines that are missing are NaN.
        measurements: Spectra in the order in which they were taken.
        decisions: Choices of the agent in order.
        fits: What the agent's model believed, fit after fit.
        answers: How long the agent was consulted, and how long the instrument waited.
        interventions: Where a human stepped in.
        alarms: What a human should know of.
        damage: What is wrong with the journal's end, or what an older run file cannot tell; empty
            when nothing is.
        looks: Images that were taken to see how good the tip is; none of them is in `scans`.
    """

    path: Path
    records: tuple[Record, ...]
    started: RunStarted
    finished: RunFinished | None
    scans: tuple[ScanImage, ...]
    measurements: tuple[Measurement, ...]
    decisions: tuple[PointChosen, ...]
    fits: tuple[ModelFitted, ...]
    answers: tuple[AgentAnswered, ...]
    interventions: tuple[Intervention, ...]
    alarms: tuple[Alarm, ...]
    damage: str
    looks: tuple[ScanImage, ...] = ()

    @property
    def judged_curves(self) -> tuple[JudgedCurve, ...]:
        """The force curves with what they are worth, in the order in which they were taken."""
        return tuple(judged_curves_of(self.records))

    @property
    def force_curves(self) -> tuple[ForceCurve, ...]:
        """The force curves in the order in which they were taken."""
        events = (record.event for record in self.records)
        return tuple(event.curve for event in events if isinstance(event, ForceCurveAcquired))

    def stage_at(self, time: float) -> tuple[float, float] | None:
        """Return where the coarse stage stood at an instrument time [m].

        Such as the start of a scan or of a spectrum; None where there is none, or nobody knows.
        """
        return stage_at(self.records, time)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the steps found and decided, in order."""
        events = (record.event for record in self.records)
        return tuple(event for event in events if isinstance(event, Finding))

    @property
    def judged(self) -> tuple[Judged, ...]:
        """What humans answered when the run asked them, in order."""
        events = (record.event for record in self.records)
        return tuple(event for event in events if isinstance(event, Judged))

    @property
    def resumptions(self) -> tuple[Record, ...]:
        """Where the run, which had ended or was killed, went on in another process."""
        return tuple(r for r in self.records if isinstance(r.event, RunContinued | SampleFound))

    @property
    def spectra(self) -> tuple[Spectrum, ...]:
        """The spectra in the order in which they were taken."""
        return tuple(measurement.spectrum for measurement in self.measurements)

    @property
    def rewards(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The value of each spectrum in order, NaN where there is none, shape (n,)."""
        values = [m.scored.value if m.scored else math.nan for m in self.measurements]
        return np.array(values, dtype=float)

    @property
    def compared(self) -> tuple[Measurement, ...]:
        """The measurements scored by the scalarizer used last; others' values do not compare."""
        names = [m.scored.scalarizer for m in self.measurements if m.scored]
        return tuple(m for m in self.measurements if m.scored and m.scored.scalarizer == names[-1])

    @property
    def best(self) -> Measurement | None:
        """The one of `compared` with the highest value; None when no spectrum has one.

        One that was taken with a tip that may have been bad is none.
        """
        good = [m for m in self.compared if math.isfinite(_reward(m)) and not m.doubt]
        return max(good, key=lambda m: m.scored.value if m.scored else -math.inf, default=None)

    @property
    def simulated_time(self) -> float:
        """Instrument time from the first record to the last [s]."""
        return self.records[-1].time - self.records[0].time

    @property
    def wall_time(self) -> float:
        """Time of day from the first record to the last [s]."""
        return self.records[-1].utc - self.records[0].utc

    def to_xarray(self) -> "xarray.DataTree":
        """Return the run as labelled arrays with units, a tree with a dataset for each axes.

        ``scan_000`` and so on hold each channel's ``NAME_forward`` and ``NAME_backward`` over
        (y, x), and the frame as attributes; x and y are the frame's own axes through its center,
        ``sample_x`` and ``sample_y`` where each pixel lies. ``spectra_000`` and so on hold the
        channels of spectra with the same biases over (spectrum, bias), with place, reward and flag
        of each. Missing is NaN.

        Raises:
            DataError: xarray is not installed.
        """
        from .labelled import to_tree

        return to_tree(self)

    def plot(self, channel: str = "", ax: "Axes | None" = None) -> "Axes":
        """Draw the last scan with the measured points in the colours of their rewards.

        Points without a reward that compares, such as flagged ones, are rings.

        Args:
            channel: The scan's channel; empty for the first one.
            ax: Where to draw; without it a figure is made.

        Raises:
            DataError: The run has no image.
            ValueError: There is no such channel.
        """
        from ..plotting import THEME, plot_points, write_axis

        if not self.scans:
            raise DataError(f"{self.path}: the run has no image to draw on")
        image = self.scans[-1]
        axes = image.plot(channel, ax=ax)
        known = [m for m in self.compared if math.isfinite(_reward(m))]
        others = [m for m in self.measurements if m not in known]
        frame = image.frame
        rings = plot_points(axes, *_places(others), frame, order=False)
        rings.set(facecolor="none", edgecolor="white")
        if not known or known[0].scored is None:
            return axes
        rewards = [_reward(m) for m in known]
        points = plot_points(axes, *_places(known), frame, order=False, values=rewards)
        points.set_cmap("Reds")  # in no image
        bar = axes.figure.colorbar(points, ax=axes, location="bottom", shrink=0.8, aspect=30)
        bar.outline.set_visible(False)
        bar.ax.tick_params(labelsize=THEME["tick size"])
        name = known[0].scored.scalarizer.replace("_", " ")
        name += ", none at rings" if others else ""
        write_axis(bar.ax.xaxis, name, known[0].scored.unit, max(map(abs, rewards)))
        return axes

    def summary(self) -> dict[str, Any]:
        """Return the run in one flat table of plain values, as ``spm-auto show --json`` prints it.

        Times are in seconds, positions in metres, biases in volts; what is not known is None.
        """
        best, waited = self.best, sum(answer.waited for answer in self.answers)
        busy = self.simulated_time
        return {
            "uid": self.started.uid,
            "title": self.started.title,
            "finish_reason": self.finished.reason.value if self.finished else None,
            "message": self.finished.message if self.finished else self.damage,
            "instrument": self.started.instrument,
            "recipe": self.started.title,
            "seed": self.started.seed,
            "n_scans": len(self.scans),
            "n_resumed": sum(isinstance(r.event, RunContinued) for r in self.records),
            "n_lines": sum(isinstance(r.event, LineAcquired) for r in self.records),
            "n_spectra": len(self.measurements),
            "n_force_curves": len(self.force_curves),
            "n_flagged": sum(
                bool(m.spectrum.flags or m.doubt or (m.scored and m.scored.flag))
                for m in self.measurements
            ),
            "best": _best(best),
            "findings": [finding.message for finding in self.findings],
            "simulated_time": self.simulated_time,
            "wall_time": self.wall_time,
            "decision_time_median": (
                median(answer.seconds for answer in self.answers) if self.answers else None
            ),
            "instrument_idle_fraction": (
                waited / (busy + waited) if self.answers and busy + waited > 0 else None
            ),
            "spm_auto_version": self.started.versions.get("spm_auto"),
        }


def open_run(path: Path | str) -> RecordedRun:
    """Read a run.

    Args:
        path: The run's folder, its journal, or its run file; a folder's journal comes before its
            run file.

    Raises:
        DataError: There is no run, its journal holds no whole record, or no run's records.
    """
    path = Path(path)
    source = path
    if path.is_dir():
        named = (path / FILE_NAME, path / RUN_FILE_NAME)
        source = next((file for file in named if file.is_file()), named[0])
    if not source.is_file():
        raise DataError(f"{path}: there is no run here (no {FILE_NAME} and no {RUN_FILE_NAME})")
    if is_run_file(source):
        kind = "run file"
        records, damage = read_records(source)
    else:
        kind, reader = "journal", JournalReader(source)
        records = tuple(reader.poll())
        damage = reader.damage
    if not records:
        raise DataError(f"{source}: the {kind} holds no record yet {damage}".rstrip())
    if not isinstance(records[0].event, RunStarted):
        first = type(records[0].event).__name__
        raise DataError(f"{source}: the {kind} begins with {first}, not with a run")
    try:
        return _told(source, records, records[0].event, damage)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise DataError(f"{source}: the records do not fit together: {error}") from error


def _told(
    journal: Path, records: tuple[Record, ...], started: RunStarted, damage: str
) -> RecordedRun:
    events = [record.event for record in records]
    last = events[-1]
    return RecordedRun(
        path=journal,
        records=records,
        started=started,
        finished=last if isinstance(last, RunFinished) else None,
        scans=tuple(scans_of(records)),
        measurements=tuple(measurements_of(records)),
        decisions=tuple(event for event in events if isinstance(event, PointChosen)),
        fits=tuple(event for event in events if isinstance(event, ModelFitted)),
        answers=tuple(event for event in events if isinstance(event, AgentAnswered)),
        interventions=tuple(event for event in events if isinstance(event, Intervention)),
        alarms=tuple(event for event in events if isinstance(event, Alarm)),
        damage=damage,
        looks=tuple(scans_of(records, looks=True)),
    )


def _reward(measurement: Measurement) -> float:
    return measurement.scored.value if measurement.scored else math.nan


def _places(measurements: list[Measurement]) -> tuple[list[float], list[float]]:
    return [m.spectrum.x for m in measurements], [m.spectrum.y for m in measurements]


def _best(best: Measurement | None) -> dict[str, float | str] | None:
    if best is None or best.scored is None:
        return None
    amplitude = float(np.abs(best.spectrum.bias).max())
    chosen = best.scored.bias
    return {
        "x": best.spectrum.x,
        "y": best.spectrum.y,
        "bias": chosen if math.isfinite(chosen) else amplitude,
        "reward": best.scored.value,
        "unit": best.scored.unit,
    }
