"""Older run files, read as far as they go: one function for each version that there was."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import DataError
from ...instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Channel,
    QualityFlag,
    Scan,
    ScanFrame,
    ScanLine,
    Spectrum,
)
from ..choices import ModelFitted, SpectrumScored
from ..events import (
    Event,
    FinishReason,
    LineAcquired,
    Record,
    RunFinished,
    RunStarted,
    ScanFinished,
    ScanStarted,
    SpectrumAcquired,
)

if TYPE_CHECKING:
    import h5py

_LOST = (
    "made of a run file of version 1, which holds no choices, answers, alarms, interventions "
    "nor settings, and of instructions only what the data tell; its journal holds them"
)


def from_version_1(root: "h5py.Group", path: Path) -> tuple[tuple[Record, ...], str]:
    """Make records of a file of version 1, and say what it cannot tell.

    It holds images, spectra with their rewards, fits, the recipe, and of each record only what kind
    of event it was and when. What follows from these is made: a scan's line rate is the one at
    which its lines came, a spectrum ends when it was recorded and its points share its time evenly,
    a fit lies on the frame scanned last. Channels come by name. What does not follow is left out,
    or NaN; records that are left out leave a gap in the numbers.

    Raises:
        DataError: The file does not hold what version 1 held.
    """
    try:
        return tuple(_Version1(root["entry"]).records()), _LOST
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{path}: not a run file of version 1: {error}") from error


class _Version1:
    """Goes through what happened, and finds for each event what the file holds of it."""

    def __init__(self, entry: "h5py.Group") -> None:
        self._entry = entry
        scans: dict[str, list[str]] = {}
        for name in entry:
            if name.startswith("scan_"):
                scans.setdefault(name.split("_")[1], []).append(name)
        self._scans = iter([scans[number] for number in sorted(scans)])
        self._fits = iter(sorted(entry.get("agent", ())))
        self._spectra = _spectra_of(entry)
        self._taken: list[Spectrum] = []
        self._scores: list[SpectrumScored] = []
        self._lines: list[ScanLine] = []
        self._frame: ScanFrame | None = None

    def records(self) -> Iterator[Record]:
        """Yield the records that can be made."""
        for line in self._entry["events/records"].asstr()[()]:
            head = json.loads(line)
            time = float(head["time"])
            event = self._event(head["event"], time)
            if event is not None:
                yield Record(int(head["number"]), float(head["utc"]), time, event)

    def _event(self, kind: str, time: float) -> Event | None:
        match kind:
            case "RunStarted":
                return self._started()
            case "ScanStarted":
                return self._scan()
            case "LineAcquired" if self._lines:
                line = self._lines.pop(0)
                return LineAcquired(ScanLine(line.index, line.forward, line.backward, time))
            case "ScanFinished" if self._frame is not None:
                return ScanFinished(is_complete=self._n_lines == self._frame.pixels[1])
            case "SpectrumAcquired":
                return self._spectrum(time)
            case "SpectrumScored" if self._scores:
                return self._scores.pop(0)
            case "ModelFitted":
                return self._fit()
            case "RunFinished":
                return RunFinished(FinishReason(_text(self._entry["provenance/finish_reason"])))
        return None

    def _started(self) -> RunStarted:
        about = self._entry["provenance"]
        return RunStarted(
            uid=_text(self._entry["experiment_identifier"]),
            title=_text(self._entry["title"]),
            recipe=_text(about["recipe"]),
            lab=_text(about["lab"]),
            instrument=_text(about["instrument"]),
            seed=int(about["seed"][()]),
            versions=json.loads(_text(about["versions"])),
        )

    def _scan(self) -> ScanStarted:
        names = next(self._scans)
        there = [self._entry[name] for name in names if name.endswith("_forward")]
        back = [self._entry[name] for name in names if name.endswith("_backward")]
        channels = tuple(_channel(group["data"]) for group in there)
        about = there[0]["metadata"].attrs
        forward = np.stack([group["data"][()] for group in there])
        backward = np.stack([group["data"][()] for group in back])
        lines, pixels = forward.shape[1:]
        center, size = (tuple(float(v) for v in about[name]) for name in ("center", "size"))
        self._frame = ScanFrame(center, size, (pixels, lines), float(about["angle"]))  # type: ignore[arg-type]
        is_measured = ~(np.isnan(forward).all(axis=(0, 2)) & np.isnan(backward).all(axis=(0, 2)))
        self._lines = [
            ScanLine(int(index), forward[:, index], backward[:, index], math.nan)
            for index in np.flatnonzero(is_measured)
        ]
        self._n_lines = len(self._lines)
        took = float(about["end_time"]) - float(about["start_time"])
        rate = self._n_lines / took if took > 0 and self._n_lines else 1.0
        return ScanStarted(Scan(self._frame, tuple(c.name for c in channels), rate), channels)

    def _spectrum(self, time: float) -> SpectrumAcquired:
        groups, row = self._spectra[len(self._taken)]
        first = groups[0]
        start = float(first["start_time"][row])
        x, y = (float(v) for v in first["point_cloud"].attrs["coordinates"][row])
        score, flags = _judged(first, row, x, y, start)
        bias = first["bias"][()]
        spectrum = Spectrum(
            x, y, bias, tuple(_channel(group["data"]) for group in groups),
            np.stack([group["data"][row] for group in groups]), start, time, flags,
        )  # fmt: skip
        self._taken.append(spectrum)
        if score is not None:
            self._scores.append(score)
        dwell = (time - start) / len(bias)
        values = tuple(bias.tolist())
        waveform = BiasWaveform(values, dwell) if dwell > 0 else BiasWaveform(values)
        return SpectrumAcquired(AcquireSpectrum(x, y, waveform), spectrum)

    def _fit(self) -> ModelFitted | None:
        if self._frame is None:
            return None
        group = self._entry["agent"][next(self._fits)]
        about = group.attrs
        return ModelFitted(
            n_observations=int(about["n_observations"]),
            frame=self._frame,
            mean=group["mean"][()],
            deviation=group["deviation"][()],
            rows=group["pixels"][()],
            parameters=json.loads(about["parameters"]),
            speaker=str(about["speaker"]),
            bias=group["bias"][()] if "bias" in group else None,
            noise=group["noise"][()] if "noise" in group else None,
            quantity=str(about["quantity"]),
        )


def _spectra_of(entry: "h5py.Group") -> list[tuple[list["h5py.Group"], int]]:
    """Return groups, one for each channel, and row of each spectrum in the order taken."""
    families: dict[str, list[h5py.Group]] = {}
    for name in entry:
        if name.startswith("spectra_"):
            families.setdefault(name.split("_")[1], []).append(entry[name])
    found = {
        int(number): (groups, row)
        for groups in families.values()
        for row, number in enumerate(groups[0]["spectra_numbers"][()])
    }
    return [found[number] for number in sorted(found)]


def _judged(
    group: "h5py.Group", row: int, x: float, y: float, start: float
) -> tuple[SpectrumScored | None, tuple[QualityFlag, ...]]:
    """Tell apart what the scalarizer and what the instrument said of a spectrum.

    Version 1 wrote the flags of both in one text, the scalarizer's last; it flags what has no
    value. The candidate is not known: -1.
    """
    flags = [flag for flag in _text(group["flag"], row).split("; ") if flag]
    scalarizer, value = _text(group["scalarizer"], row), float(group["reward"][row])
    if not scalarizer:
        return None, tuple(QualityFlag(flag) for flag in flags)
    flag = flags.pop() if math.isnan(value) and flags else ""
    unit = _text(group["reward_unit"], row)
    others = {
        name.removeprefix("reward_by_"): (float(group[name][row]), math.nan, "", "a.u.")
        for name in group
        if name.startswith("reward_by_")
    }
    score = SpectrumScored(
        -1, scalarizer, value, math.nan, flag, x, y, math.nan, start, unit, others
    )
    return score, tuple(QualityFlag(flag) for flag in flags)


def _channel(data: "h5py.Dataset") -> Channel:
    return Channel(str(data.attrs["quantity"]), str(data.attrs["units"]))


def _text(dataset: "h5py.Dataset", row: Any = ()) -> str:
    return str(dataset.asstr()[row])
