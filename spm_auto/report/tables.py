"""The numbers of a report: facts at a glance, where the time went, and each decision."""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

from ..data import (
    ForceCurveAcquired,
    LoadFinished,
    Measurement,
    PointChosen,
    ProbePositioned,
    RecordedRun,
    RunContinued,
    SampleFound,
    ScanFinished,
    ScanStarted,
    SpectrumAcquired,
    StageMoved,
    TipConditioned,
)
from ..units import format as format_quantity
from ..units import format_duration


@dataclass(frozen=True, slots=True)
class Fact:
    """A number to see first.

    Attributes:
        name: What it is.
        value: The number with its unit.
        note: A word on it.
    """

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class TimeSpent:
    """A row of the timing table.

    Attributes:
        what: On what.
        count: How often.
        total: Time in all [s].
        median: Median time [s].
        share: Part of the instrument's time, NaN for what ran beside it.
    """

    what: str
    count: int
    total: float
    median: float
    share: float


@dataclass(frozen=True, slots=True)
class Decision:
    """A row of the table of decisions, ready to print."""

    number: int
    place: str
    predicted: str
    measured: str
    reason: str
    flag: str
    is_best: bool


def facts(run: RecordedRun) -> list[Fact]:
    """Return what to see first."""
    summary, best = run.summary(), run.best
    shown = [
        Fact("spectra", str(len(run.measurements)), f"{summary['n_flagged']} flagged"),
        *([Fact("force curves", str(len(run.force_curves)))] if run.force_curves else []),
        Fact("scans", str(len(run.scans)), f"{summary['n_lines']} lines"),
        Fact(
            "instrument time",
            format_duration(run.simulated_time),
            f"{format_duration(run.wall_time)} on the wall clock",
        ),
    ]
    if best is not None and best.scored is not None:
        place = f"{_length(best.spectrum.x)}, {_length(best.spectrum.y)}"
        value = value_text(best.scored.value, best.scored.unit)
        shown.insert(
            0, Fact(f"best {best.scored.scalarizer}".replace("_", " "), value, f"at ({place})")
        )
    idle = summary["instrument_idle_fraction"]
    if idle is not None:
        decided = format_quantity(summary["decision_time_median"], "s", 2)
        shown.append(Fact("waiting for the agent", f"{100 * idle:.2f} %", f"{decided} a decision"))
    return shown


def resumptions(run: RecordedRun) -> list[str]:
    """Say when the run went on after it had ended or was killed, and what had changed."""
    said = []
    for record in run.resumptions:
        match record.event:
            case RunContinued(changes=changes, dropped=dropped):
                when = datetime.fromtimestamp(record.utc, UTC).strftime("%Y-%m-%d %H:%M UTC")
                told = "; ".join([*changes, dropped] if dropped else changes)
                said.append(f"{when}, after record {record.number - 1}{': ' if told else ''}{told}")
            case SampleFound(dx=dx, dy=dy, message=message):
                said.append(f"the sample has moved by {_length(dx)}, {_length(dy)}: {message}")
    return said


def timing(run: RecordedRun) -> list[TimeSpent]:
    """Return where the instrument's time went, and how long the agent thought beside it."""
    spent: dict[str, list[float]] = defaultdict(list)
    scan_start = 0.0
    for before, record in zip(run.records, run.records[1:], strict=False):
        match record.event:
            case LoadFinished():
                spent["load and tune"].append(record.time - before.time)
            case ScanStarted():
                scan_start = record.time
            case ScanFinished():
                spent["scans"].append(record.time - scan_start)
            case ProbePositioned():
                spent["moves"].append(record.time - before.time)
            case TipConditioned():
                spent["conditioning the tip"].append(record.time - before.time)
            case StageMoved():
                spent["moving the stage"].append(record.time - before.time)
            case ForceCurveAcquired(curve=curve):
                spent["force curves"].append(curve.end_time - curve.start_time)
                spent["moves"].append(max(0.0, curve.start_time - before.time))
            case SpectrumAcquired(spectrum=spectrum):
                spent["spectra"].append(spectrum.end_time - spectrum.start_time)
                spent["moves"].append(max(0.0, spectrum.start_time - before.time))
    whole = run.simulated_time or math.inf
    rows = [
        TimeSpent(what, len(times), sum(times), median(times), sum(times) / whole)
        for what, times in spent.items()
        if sum(times) > 0
    ]
    if run.answers:
        seconds = [answer.seconds for answer in run.answers]
        rows.append(
            TimeSpent("agent, beside it", len(seconds), sum(seconds), median(seconds), math.nan)
        )
    return rows


def decisions(run: RecordedRun) -> list[Decision]:
    """Return the measurements in order: where, what was expected, what was found, and why there."""
    best = run.best
    scores = [m.scored for m in run.measurements if m.scored]
    # a flagged spectrum has no unit; what was predicted of it has that of the others
    units = {s.scalarizer: s.unit for s in scores if math.isfinite(s.value)}
    return [
        _decision(m, units, best is not None and m.number == best.number) for m in run.measurements
    ]


def value_text(value: float, unit: str) -> str:
    """Write a value with its unit, four digits."""
    return format_quantity(value, unit, 4) if math.isfinite(value) else "–"


def _decision(measurement: Measurement, units: Mapping[str, str], is_best: bool) -> Decision:
    spectrum, chosen, scored = measurement.spectrum, measurement.chosen, measurement.scored
    unit = units.get(scored.scalarizer, scored.unit) if scored else "1"
    predicted = ""
    if chosen is not None and math.isfinite(chosen.mean):
        mean, deviation = value_text(chosen.mean, unit), value_text(chosen.deviation, unit)
        predicted = f"{mean} ± {deviation}"
    flags = [str(flag) for flag in spectrum.flags]
    if scored is not None and scored.flag and scored.flag not in flags:
        flags.append(scored.flag)
    if measurement.doubt:
        flags.append(measurement.doubt)
    return Decision(
        number=measurement.number + 1,
        place=f"{_length(spectrum.x)}, {_length(spectrum.y)}{chosen_text(chosen)}",
        predicted=predicted,
        measured=value_text(scored.value, unit) if scored else "",
        reason=chosen.reason if chosen else "asked for by the recipe or script",
        flag="; ".join(flags),
        is_best=is_best,
    )


def chosen_text(chosen: PointChosen | None) -> str:
    """Say what besides the place was the agent's to choose: bias, duration, averages."""
    if chosen is None:
        return ""
    said = [
        format_quantity(value, unit, 4)
        for value, unit in ((chosen.bias, "V"), (chosen.duration, "s"))
        if math.isfinite(value)
    ]
    if chosen.averages > 1:
        said.append(f"{chosen.averages} averaged")
    return "".join(f"; {each}" for each in said)


def _length(value: float) -> str:
    return format_quantity(round(value, 12) + 0.0, "m", 4)  # below a picometre is rounding; no -0
