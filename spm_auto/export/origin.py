"""Origin: what the files of other programs say of a measurement beside its numbers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ..data import (
    LineAcquired,
    Measurement,
    Record,
    RecordedRun,
    RunContinued,
    SampleFound,
    SampleSought,
    ScanFinished,
    ScanStarted,
    SpectrumAcquired,
)
from ..instrument import ScanImage
from .text import file_word

_OF_A_SCAN = (ScanStarted, LineAcquired, ScanFinished)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a measurement comes from.

    Attributes:
        title: What was done, in words.
        operator: Who did it; empty where not known.
        utc: When it was written down [s since 1970, UTC]; NaN where not known.
        bias: Tip-sample voltage during a scan [V]; NaN where not known.
        details: What else there is to say, such as the run's name and its seed, by name.
    """

    title: str = ""
    operator: str = ""
    utc: float = math.nan
    bias: float = math.nan
    details: Mapping[str, str] = field(default_factory=dict)

    @property
    def date(self) -> datetime:
        """The time of day, UTC; 1 January 1970 where it is not known."""
        return datetime.fromtimestamp(self.utc if math.isfinite(self.utc) else 0.0, UTC)


def series_of(run: RecordedRun) -> str:
    """Return the run's title as the beginning of file names: letters, digits and underscores."""
    return file_word(run.started.title[:40]) or "run"


def numbered(run: RecordedRun, number: int, rest: str) -> str:
    """Return the name of the file of an image or a spectrum, such as ``film007.sxm``."""
    series = series_of(run)
    return f"{series}{'_' if series[-1].isdigit() else ''}{number:03d}{rest}"


def flags_of(measurement: Measurement) -> str:
    """Say what instrument and scalarizer found wrong with a spectrum; empty when it is good."""
    scored = measurement.scored
    flags = [*map(str, measurement.spectrum.flags), *([scored.flag] if scored else [])]
    return "; ".join(dict.fromkeys(filter(None, flags)))


def records_of_scan(run: RecordedRun, image: ScanImage) -> tuple[Record, ...]:
    """Return the records that tell of an image: its start, its lines and its end.

    A scan may have been gone on with after a break; those by which the run found its sample again
    are not among them.
    """
    found: list[Record] = []
    is_aside, is_it = False, False
    for record in run.records:
        match record.event:
            case SampleSought():
                is_aside = True
            case SampleFound() | RunContinued():
                is_aside = False
            case ScanStarted() if not is_aside:
                is_it = record.time == image.start_time
        if is_it and not is_aside and isinstance(record.event, _OF_A_SCAN):
            found.append(record)
    return tuple(found)


def of_scans(run: RecordedRun) -> tuple[Origin, ...]:
    """Say where each image of a run comes from, in order."""
    return tuple(_of_scan(run, number, image) for number, image in enumerate(run.scans))


def of_spectra(run: RecordedRun) -> tuple[Origin, ...]:
    """Say where each spectrum of a run comes from, in order."""
    taken = [record.utc for record in run.records if isinstance(record.event, SpectrumAcquired)]
    return tuple(
        _origin(run, utc, "Spectrum", measurement.number, _judgement(measurement))
        for utc, measurement in zip(taken, run.measurements, strict=True)
    )


def _of_scan(run: RecordedRun, number: int, image: ScanImage) -> Origin:
    first = records_of_scan(run, image)[0]
    about = {"Complete": "TRUE" if image.is_complete else "FALSE"}
    if isinstance(first.event, ScanStarted):
        scan = first.event.instruction
        about |= {"Purpose": scan.purpose, "Line rate (Hz)": f"{scan.line_rate:g}"}
    return _origin(run, first.utc, "Scan", number, about)


def _judgement(measurement: Measurement) -> dict[str, str]:
    scored, chosen = measurement.scored, measurement.chosen
    about = {}
    if scored:
        about[f"Reward ({scored.unit})"] = f"{scored.value!r}"
        about["Scalarizer"] = scored.scalarizer
    about["Flag"] = flags_of(measurement)
    if chosen:
        about["Reason"] = chosen.reason
    return about


def _origin(
    run: RecordedRun, utc: float, kind: str, number: int, about: Mapping[str, str]
) -> Origin:
    started = run.started
    details = {
        "Run": started.uid,
        kind: str(number),
        **about,
        "Instrument": started.instrument,
        "Seed": str(started.seed),
        "Version": started.versions.get("spm_auto", ""),
    }
    return Origin(started.title, str(started.settings.get("operator", "")), utc, details=details)
