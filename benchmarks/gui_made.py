"""What the window's benchmark shows it: records of a long run that was never carried out."""

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

CHANNELS = (Channel("amplitude", "m"), Channel("phase", "rad"))
CURVES = (Channel("piezoresponse", "m"), Channel("current", "A"))
LIMITS = Limits(x=(-5e-6, 5e-6), y=(-5e-6, 5e-6), bias=(-10.0, 10.0), scan_speed=5e-5)
WAVEFORM = BiasWaveform.triangle(8.0, 64)


def square(pixels: int) -> ScanFrame:
    """Return a frame of so many pixels on each side."""
    return ScanFrame((0.0, 0.0), (2e-6, 2e-6), (pixels, pixels), 0.1)


class MadeRun:
    """Makes the events of a run, one kind at a time.

    Args:
        pixels: Of the images on each side.
        cells: Of the maps that the agent believes in, on each side.
        seed: Of the noise.
    """

    def __init__(self, pixels: int, cells: int, seed: int = 1) -> None:
        self.frame, self.grid = square(pixels), square(cells)
        self._rng = np.random.default_rng(seed)
        rows = np.indices(self.grid.shape).reshape(2, -1).T
        self._rows = np.ascontiguousarray(rows, dtype=np.int32)

    def begin(self) -> Iterator[Event]:
        """Tell how the run began."""
        yield RunStarted(
            "made", "a made run", "", "", "made microscope", 1,
            settings={"limits": limits_to_table(LIMITS)},
        )  # fmt: skip
        yield LoadFinished(Load("film"))
        yield StepStarted(0, "overview")

    def end(self) -> Event:
        """Tell that the run is over."""
        return RunFinished(FinishReason.COMPLETED)

    def scan(self) -> Iterator[Event]:
        """Tell of a whole scan."""
        yield ScanStarted(Scan(self.frame), CHANNELS)
        for index in range(self.frame.pixels[1]):
            yield self.line(index)
        yield ScanFinished(is_complete=True)

    def line(self, index: int) -> LineAcquired:
        """Return a line of the image: a pattern with noise."""
        x, y = self.frame.line_positions(index)
        pattern = np.sin(x / 5e-8) * np.cos(y / 7e-8)
        noise = self._rng.normal(0.0, 0.1, (2, 2, x.size))
        forward = np.stack([1e-12 * (2 + pattern), np.sign(pattern)])
        scale = np.array([[1e-12], [1.0]])
        return LineAcquired(
            ScanLine(index, forward + scale * noise[0], forward + scale * noise[1], float(index))
        )

    def costs(self) -> Event:
        """Tell what a measurement costs."""
        return CostsEstimated((0.5,), 0.1, 1e4)

    def spectrum(self, start: float) -> Iterator[Event]:
        """Tell of a point that the agent chose, its spectrum and its score."""
        at = int(self._rng.integers(self._rows.shape[0]))
        x, y = (float(v) for v in self.grid.to_sample(*self._rows[at]))
        yield PointChosen(
            candidate=at, x=x, y=y, bias=math.nan, reason="largest expected improvement",
            mean=1.0, deviation=0.3, score=0.31, runner_up=(at + 1) % self._rows.shape[0], cost=4.2,
        )  # fmt: skip
        yield AgentAnswered(seconds=0.2, waited=0.0)
        bias = WAVEFORM.bias
        loop = np.tanh(bias - 2 * np.sign(np.gradient(bias))) + self._rng.normal(0, 0.05, bias.size)
        data = np.stack([4e-12 * loop, 1e-12 * bias])
        taken = Spectrum(x, y, WAVEFORM.bias, CURVES, data, start, start + 0.5)
        yield SpectrumAcquired(AcquireSpectrum(x, y, WAVEFORM), taken)
        value = 1.0 + 0.3 * float(self._rng.normal())
        yield SpectrumScored(at, "loop_area", value, 0.05, "", x, y, math.nan, start, "V")

    def fit(self, n_observations: int) -> Event:
        """Tell what the agent believes."""
        lines, pixels = self._rows.T / self.grid.pixels[0]
        mean = np.sin(9 * lines + 0.1 * n_observations) * np.cos(11 * pixels)
        return ModelFitted(
            n_observations=n_observations,
            frame=self.grid,
            mean=mean.astype(np.float32),
            deviation=np.full(mean.shape, 0.3 / math.sqrt(n_observations + 1), np.float32),
            rows=self._rows,
            parameters={"length_scale": 0.5, "noise": 0.1},
            speaker="deep kernel",
        )


def long_run(n_records: int) -> Iterator[Event]:
    """Tell of a run of at least so many records: scans, and spectra that an agent chose."""
    run = MadeRun(pixels=128, cells=64)
    count = 0
    for event in run.begin():
        count += 1
        yield event
    n_spectra = 0
    while count < n_records:
        for event in run.scan():
            count += 1
            yield event
        yield run.costs()
        for _ in range(30):
            for event in run.spectrum(1e5 + n_spectra):
                count += 1
                yield event
            n_spectra += 1
            if n_spectra % 10 == 0:
                count += 1
                yield run.fit(n_spectra)
    yield run.end()
