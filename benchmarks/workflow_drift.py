"""How far from where they should be are five places that are visited again and again for an hour?

With and without the `track` block, and for reference with somebody who knows where the tip truly
comes to be:

    python -m benchmarks.workflow_drift --seeds 10

A place is what the reference image shows at some coordinates: the point over which the tip was when
it scanned that line. The error is where the tip truly is in the middle of a spectrum that was sent
to these coordinates, less that point. Creep, hysteresis and what the scanner does wrong besides
count, whoever corrects.
"""

import argparse
import math
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spm_auto.clock import InstantClock
from spm_auto.data import Finding, FinishReason, LineAcquired, ScanStarted, open_run
from spm_auto.instrument import (
    AcquireSpectrum,
    FloatArray,
    GuardedInstrument,
    Instrument,
    Limits,
    ScanImage,
    ShiftedInstrument,
    Spectrum,
)
from spm_auto.lab import begin
from spm_auto.simulator import SimulatorSettings, simulate
from spm_auto.simulator.scanner import ScannerSettings
from spm_auto.simulator.truth import Truth
from spm_auto.workflow import Block, Step, StepContext, StepGenerator, parse_recipe, served
from spm_auto.workflow.requests import Request
from spm_auto.workflow.steps.moving import moved, told_back

from .tables import spread, table

PLACES = 5
SPECTRUM = 1.2  # [s] about
WAYS = ("none", "track", "truth")

LABS: dict[str, dict[str, Any]] = {
    "AFM": {"sample": {"kind": "ferroelectric_film"}, "level": 2},
    "STM": {
        "sample": {"kind": "au111", "size": "150 nm", "steps": 2, "adatoms": 300},
        "scanner": {"preset": "room_temperature_stm", "drift": "0.01 nm/s", "warm_up": "15 nm"},
        "level": 2,
    },
}


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is visited.

    Attributes:
        frame: Of the reference.
        line_rate: Of the reference.
        places: Where, five of them, as text.
        waveform: Of the spectra.
        track: Settings of the block.
    """

    frame: dict[str, Any]
    line_rate: str
    places: tuple[tuple[str, str], ...]
    waveform: dict[str, Any]
    track: dict[str, Any]


EXPERIMENTS = {
    "AFM": Experiment(
        {"center": ["0 nm", "0 nm"], "size": ["1 um", "1 um"], "pixels": [128, 128]},
        "2 Hz",
        (
            ("0 nm", "0 nm"),
            ("350 nm", "300 nm"),
            ("-300 nm", "350 nm"),
            ("-350 nm", "-250 nm"),
            ("250 nm", "-350 nm"),
        ),
        {"kind": "sweep", "start": "-0.5 V", "stop": "0.5 V", "points": 21},
        {"every": "2 min"},
    ),
    "STM": Experiment(
        {"center": ["0 nm", "0 nm"], "size": ["30 nm", "30 nm"], "pixels": [128, 128]},
        "4 Hz",
        (
            ("0 nm", "0 nm"),
            ("10 nm", "9 nm"),
            ("-9 nm", "10 nm"),
            ("-10 nm", "-8 nm"),
            ("8 nm", "-10 nm"),
        ),
        {"kind": "sweep", "start": "-0.5 V", "stop": "0.5 V", "points": 21},
        {
            "every": "1 min",
            "strip": {"accuracy": "0.3 nm"},
            "drift": {"speed": "0.03 nm/s"},
        },
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class Hour:
    """What became of an hour.

    Attributes:
        times: Of the visits, since the first one [s], shape (n,).
        errors: Where the tip was, seen from the place [m], shape (n, 2).
        looking: Share of the time that was spent on strips.
        found: What was noted: times since then [s], offsets and their standard deviations [m],
            shape (m, 4).
        drift: True offsets at these times [m], shape (m, 2).
    """

    times: FloatArray
    errors: FloatArray
    looking: float
    found: FloatArray
    drift: FloatArray

    @property
    def rms(self) -> float:
        """Root mean square of the distances [m]."""
        return math.sqrt(float(np.mean(np.sum(self.errors**2, axis=1))))

    @property
    def unsteady(self) -> float:
        """The same of what changes: from the mean of each place [m]."""
        parts = [self.errors[n::PLACES] for n in range(PLACES)]
        squares = [np.sum((part - part.mean(axis=0)) ** 2, axis=1) for part in parts]
        return math.sqrt(float(np.mean(np.concatenate(squares))))


class Watched(ShiftedInstrument):
    """A microscope that notes where the tip truly is in each spectrum.

    Attributes:
        noted: Time [s] and true place [m] of each.
    """

    def __init__(self, instrument: Instrument, truth: Truth) -> None:
        super().__init__(instrument, 0.0, 0.0)
        self._truth = truth
        self.noted: list[tuple[float, float, float]] = []

    def acquire_spectrum(self, instruction: AcquireSpectrum) -> Spectrum:
        """Take it, and note the truth."""
        spectrum = super().acquire_spectrum(instruction)
        middle = (spectrum.start_time + spectrum.end_time) / 2
        at = np.array(self._truth.scanner.true_position(middle))
        self.noted.append((middle, *at.tolist()))
        return spectrum


class Omniscient(Block):
    """Sends its steps to where the tip will truly come to be over the place.

    Attributes:
        truth: About the microscope.
        scanner: Its settings.
    """

    kind: str = "omniscient"
    truth: Any
    scanner: Any

    def run(self, context: StepContext) -> StepGenerator:
        """Correct by the truth."""
        reference = context.images[-1]

        def serve(request: Request) -> Generator[Request, Any, Any]:
            if not isinstance(request, AcquireSpectrum):
                return (yield request)
            asked = np.array([request.x, request.y])
            place = _shown(reference, request.x, request.y, self.truth, self.scanner)
            sent = asked.copy()
            for _ in range(3):
                sent = sent - (self.truth.sent(sent[np.newaxis], SPECTRUM / 2)[0] - place)
            there = moved(request, (sent[0] - asked[0], sent[1] - asked[1]))
            return told_back((yield there), request, there)

        return (yield from served(self.once(context), serve))


def _when(reference: ScanImage, x: float, y: float) -> float:
    """Return when the reference was scanned at some coordinates [m]; [s]."""
    share = (float(reference.frame.to_pixel(x, y)[0]) + 0.5) / reference.frame.shape[0]
    return reference.start_time + share * (reference.end_time - reference.start_time)


def _shown(
    reference: ScanImage, x: float, y: float, truth: Truth, scanner: ScannerSettings
) -> FloatArray:
    """Return what the reference shows at some coordinates: a point of the sample [m]."""
    when = _when(reference, x, y)
    u, v = x * (1 + scanner.sensitivity_error_x), y * (1 + scanner.sensitivity_error_y)
    real = np.array([u - math.sin(scanner.skew) * v, math.cos(scanner.skew) * v])
    return np.asarray(real + truth.drift(np.array([when]))[0])


def visit(microscope: str, way: str, seed: int, folder: Path) -> Hour:
    """Visit the places for an hour.

    Args:
        microscope: Which laboratory.
        way: Who corrects: "none", "track" or "truth".
        seed: Of the microscope.
        folder: For the run.
    """
    experiment = EXPERIMENTS[microscope]
    settings = SimulatorSettings.model_validate(LABS[microscope])
    clock = InstantClock()
    instrument, truth = simulate(settings, seed, clock)
    watched = Watched(instrument, truth)
    runner = begin(GuardedInstrument(watched, Limits()), clock, folder, title="", seed=seed)
    finished = runner.run(_steps(experiment, way, truth, settings.complete_scanner()), seed)
    if finished.reason != FinishReason.COMPLETED:
        raise RuntimeError(f"{microscope}, {way}, seed {seed}: {finished.message}")
    return _judged(experiment, watched, truth, settings, folder)


def _steps(
    experiment: Experiment, way: str, truth: Truth, scanner: ScannerSettings
) -> tuple[Step, ...]:
    overview = {
        "kind": "overview",
        "frame": experiment.frame,
        "line_rate": experiment.line_rate,
    }
    points = {
        "kind": "points",
        "points": [list(place) for place in experiment.places],
        "waveform": experiment.waveform,
    }
    visits: dict[str, Any] = {
        "kind": "repeat",
        "times": 10_000,
        "until": [{"kind": "time", "limit": "1 h"}],
        "steps": [points, {"kind": "wait", "duration": "20 s"}],
    }
    if way == "track":
        visits = {"kind": "track", **experiment.track, "steps": [visits]}
    table = {"schema_version": 1, "title": "visits", "steps": [overview, visits]}
    steps = parse_recipe(table, "benchmark").steps
    if way == "truth":
        return steps[0], Omniscient(truth=truth, scanner=scanner, steps=steps[1:])
    return steps


def _judged(
    experiment: Experiment,
    watched: Watched,
    truth: Truth,
    settings: SimulatorSettings,
    folder: Path,
) -> Hour:
    run = open_run(folder)
    reference = run.scans[0]
    points = parse_recipe(
        {
            "schema_version": 1,
            "title": "",
            "steps": [
                {
                    "kind": "points",
                    "points": [list(place) for place in experiment.places],
                    "waveform": experiment.waveform,
                }
            ],
        },
        "",
    ).preview()
    asked = [(each.x, each.y) for _, each in points if isinstance(each, AcquireSpectrum)]
    scanner = settings.complete_scanner()
    places = [_shown(reference, x, y, truth, scanner) for x, y in asked]
    noted = np.array(watched.noted)
    which = np.arange(len(noted)) % len(places)
    errors = noted[:, 1:] - np.array(places)[which]
    findings = [r.event for r in run.records if isinstance(r.event, Finding)]
    looks = [f.values for f in findings if f.kind == "drift" and f.values["is_sure"]]
    found = np.array([[v["time"], *v["offset"], v["sd"]] for v in looks]).reshape(-1, 4)
    drift = np.zeros((0, 2))
    if len(found):  # an offset is how far the sample has moved since the reference showed the strip
        (strip,) = (f.values for f in findings if f.kind == "registration")
        since = _when(reference, strip["x"], strip["y"])
        drift = truth.drift(np.array([since])) - truth.drift(found[:, 0])
        found[:, 0] -= noted[0, 0]
    return Hour(
        noted[:, 0] - noted[0, 0],
        errors,
        _looking(run.records) / (noted[-1, 0] - noted[0, 0]),
        found,
        drift,
    )


def _looking(records: Sequence[Any]) -> float:
    """Return the time of all looks [s]."""
    seconds, start, is_look = 0.0, 0.0, False
    for record in records:
        match record.event:
            case ScanStarted(instruction=scan):
                start, is_look = record.time, scan.purpose in ("strip", "registration")
            case LineAcquired() if is_look:
                seconds, start = seconds + record.time - start, record.time
    return seconds


def main(
    seeds: int = 10, microscopes: Sequence[str] = tuple(LABS), first: int = 0
) -> list[list[str]]:
    """Return a row for each laboratory and way of correcting."""
    rows = []
    for microscope in microscopes:
        for way in WAYS:
            hours = []
            for seed in range(first, first + seeds):
                with tempfile.TemporaryDirectory() as folder:
                    hours.append(visit(microscope, way, seed, Path(folder) / "run"))
            rows.append(
                [
                    microscope,
                    way,
                    spread([1e9 * hour.rms for hour in hours]),
                    spread([1e9 * hour.unsteady for hour in hours]),
                    spread([100 * hour.looking for hour in hours], 1),
                    spread([float(len(hour.times)) for hour in hours], 0),
                ]
            )
    return rows


HEAD = (
    "microscope",
    "corrected by",
    "rms error [nm]",
    "of that not constant [nm]",
    "time on looks [%]",
    "visits",
)

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--only", default=",".join(LABS))
    arguments = parser.parse_args()
    for line in table(HEAD, main(arguments.seeds, arguments.only.split(","), arguments.first)):
        print(line)
