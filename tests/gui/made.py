"""Records of a run that was never carried out, for tests of the window: cheap, always the same."""

import math
from collections.abc import Iterator

import numpy as np

from spm_auto.data import (
    AgentAnswered,
    CostsEstimated,
    Event,
    FinishReason,
    LineAcquired,
    LoadFinished,
    ModelFitted,
    PointChosen,
    Record,
    RunFinished,
    RunStarted,
    ScanFinished,
    ScanStarted,
    SpectrumAcquired,
    SpectrumScored,
    StepStarted,
)
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Channel,
    Limits,
    Load,
    Scan,
    ScanFrame,
    ScanLine,
    Spectrum,
    limits_to_table,
)

CHANNELS = (Channel("height", "m"), Channel("amplitude", "m"), Channel("phase", "rad"))
FRAME = ScanFrame(center=(1e-7, -2e-7), size=(1e-6, 8e-7), pixels=(40, 32), angle=0.2)
LIMITS = Limits(x=(-5e-6, 5e-6), y=(-5e-6, 5e-6), bias=(-10.0, 10.0), scan_speed=5e-5)


def numbered(events: list[Event], first: int = 0, utc: float = 1.8e9) -> list[Record]:
    """Give events numbers and times, a second apart."""
    return [
        Record(number, utc + number, float(number), event)
        for number, event in enumerate(events, start=first)
    ]


def started(recipe: str = "") -> RunStarted:
    """Return how the run began."""
    return RunStarted(
        uid="made",
        title="a made run",
        recipe=recipe,
        lab="",
        instrument="made microscope",
        seed=1,
        settings={"limits": limits_to_table(LIMITS)},
    )


def line(index: int, frame: ScanFrame = FRAME) -> ScanLine:
    """Return a line of the scan: a slope in height, stripes in the others."""
    x, y = frame.line_positions(index)
    height = 1e-9 * (x + 2 * y) / 1e-6
    stripes = np.sin(x / 5e-8)
    forward = np.stack([height, 1e-12 * (2 + stripes), math.pi / 2 * np.sign(stripes)])
    return ScanLine(index, forward, forward + 1e-13, float(index))


def scan_events(frame: ScanFrame = FRAME, n_lines: int | None = None) -> Iterator[Event]:
    """Tell of a scan; with fewer lines than the frame has it is not over."""
    yield ScanStarted(Scan(frame), CHANNELS)
    lines = frame.pixels[1] if n_lines is None else n_lines
    for index in range(lines):
        yield LineAcquired(line(index, frame))
    if lines == frame.pixels[1]:
        yield ScanFinished(is_complete=True)


def spectrum(x: float, y: float, start: float) -> Spectrum:
    """Return a loop at a place."""
    bias = BiasWaveform.triangle(8.0, 64).bias
    data = np.stack([np.tanh(bias - np.sign(np.gradient(bias)) * 2), 1e-3 * bias])
    channels = (Channel("response", "m"), Channel("current", "A"))
    return Spectrum(x, y, bias, channels, data, start, start + 0.5)


def chosen_events(number: int, start: float, frame: ScanFrame = FRAME) -> Iterator[Event]:
    """Tell of a point that an agent chose, its spectrum, its score and the fit after it."""
    rows, columns = frame.shape
    at = (7 * number) % (rows * columns)
    x, y = (float(v) for v in frame.to_sample(at // columns, at % columns))
    yield PointChosen(
        candidate=at,
        x=x,
        y=y,
        bias=math.nan,
        reason="largest expected improvement per second",
        mean=1.0 + 0.1 * number,
        deviation=0.3,
        score=0.31,
        runner_up=at + 1,
        cost=4.2,
    )
    yield AgentAnswered(seconds=0.2, waited=0.0)
    instruction = AcquireSpectrum(x, y, BiasWaveform.triangle(8.0, 64))
    yield SpectrumAcquired(instruction, spectrum(x, y, start))
    yield SpectrumScored(at, "loop_area", 1.0 + 0.12 * number, 0.05, "", x, y, math.nan, start, "V")
    lines, pixels = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    mean = np.cos(lines / 6.0) * np.sin(pixels / 5.0) + 0.01 * number
    yield ModelFitted(
        n_observations=number + 1,
        frame=frame,
        mean=mean.ravel(),
        deviation=np.full(rows * columns, 0.3 / math.sqrt(number + 1)),
        rows=np.stack([lines.ravel(), pixels.ravel()], axis=1).astype(np.int32),
        parameters={"length_scale": 0.5, "noise": 0.1},
        speaker="deep kernel" if number % 2 else "gaussian process",
    )


def run_events(n_spectra: int = 5, is_over: bool = True) -> list[Event]:
    """Tell of a whole run: load, overview, some spectra that an agent chose, the end."""
    events: list[Event] = [started(), LoadFinished(Load("film")), StepStarted(0, "overview")]
    events += scan_events()
    events += [StepStarted(1, "explore"), CostsEstimated((0.5,), 0.1, 1e4)]
    for number in range(n_spectra):
        events += chosen_events(number, start=1000.0 + number)
    if is_over:
        events.append(RunFinished(FinishReason.COMPLETED))
    return events


def run_records(n_spectra: int = 5, is_over: bool = True) -> list[Record]:
    """Return the records of a whole run; see `run_events`."""
    return numbered(run_events(n_spectra, is_over))
