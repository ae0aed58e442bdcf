"""M2 recorded_map: what does a map of loops look like that was once measured, from part of it?"""

import os
from pathlib import Path

import numpy as np

from spm_auto import plugins
from spm_auto.clock import InstantClock
from spm_auto.errors import TaskError
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Channel,
    FloatArray,
    Load,
    Scan,
    ScanFrame,
    Spectrum,
)
from spm_auto.tasks import Choices, Measured, Task

from ..recording import Recording, read_recording
from ..replay import ReplayMicroscope
from ..timing import Timing
from .map_episode import MapEpisode
from .stage import scanned, site_labels

FILE = "BEPS_PTO_50x50.h5"  # of pycroscopy's DTMicroscope
SITES = 32  # along each side of the window, of 50 that were measured
LOOP_TIME = 1.2  # [s]
LENGTH = 45e-9  # over which the map is taken to change [m]
NOISE = 0.2  # variance of a loop's value, in that of the map
MARKS = (0.1, 0.2, 0.3)  # shares of the sites


class RecordedMap(Task):
    """Map how far loops of a PbTiO3 film are open, as they were once measured, by 30 % of them.

    A window of 32 x 32 sites of the 50 x 50; which one depends on the seed. What is true is what
    was measured there, so no map can be better than its scatter; sites whose loop failed, a sixth
    of all, do not count. The overview is the first point of each loop, before anything was
    switched; the reward, the logarithm of the opening, does not see that point.

    Args:
        folder: That holds the file; without it the one that SPM_AUTO_DATA names, or ``shared/data``
            beside the checkout.
    """

    id = "M2"
    name = "recorded_map"
    question = "What does a map of loops that was once measured look like, from a third of it?"
    unit = "1"
    budget = 400.0
    acts = round(0.3 * SITES**2)

    def __init__(self, folder: str | None = None) -> None:
        self._folder = None if folder is None else Path(folder)
        self._recording: Recording | None = None
        self._values: dict[int, FloatArray] = {}

    def _begin(self, seed: int, level: int) -> "RecordedMapEpisode":  # noqa: ARG002  it has one
        if self._recording is None:
            self._recording = read_recording(recorded(self._folder))
        recording = self._recording
        room = np.array(recording.values.shape[:2]) - SITES
        if room.min() < 0:
            raise TaskError(f"{recording.source}: a map of {SITES} x {SITES} sites is needed")
        row, column = np.random.default_rng(seed).integers(room + 1).tolist()
        window = slice(row, row + SITES), slice(column, column + SITES)
        y, x = np.meshgrid(recording.y[window[0]], recording.x[window[1]], indexing="ij")
        points = np.column_stack([x.ravel(), y.ravel()])
        if seed not in self._values:
            self._values[seed] = openings(recording, points, recording.values[window])
        clock = InstantClock()
        microscope = ReplayMicroscope(recording, Timing(spectrum=LOOP_TIME), clock)
        microscope.load(Load())
        size = recording.pitch[0] * SITES, recording.pitch[1] * SITES
        frame = ScanFrame((float(x.mean()), float(y.mean())), size, (SITES, SITES))
        choices = Choices.of(
            points,
            labels=site_labels(points),
            seconds=LOOP_TIME,
            overview=scanned(microscope, clock, Scan(frame, ("first_point",))),
        )
        waveform = BiasWaveform(tuple(recording.bias.tolist()))
        return RecordedMapEpisode(self, choices, (microscope, clock), self._values[seed], waveform)


class RecordedMapEpisode(MapEpisode):
    """One window of the recorded map."""

    def __init__(
        self,
        task: Task,
        choices: Choices,
        stage: tuple[ReplayMicroscope, InstantClock],
        values: FloatArray,
        waveform: BiasWaveform,
    ) -> None:
        super().__init__(task, choices, stage[1], values, LENGTH, NOISE, MARKS)
        self._microscope = stage[0]
        self._waveform = waveform

    def _act(self, index: int) -> Measured:
        x, y, _ = self.choices.points[index].tolist()
        order = AcquireSpectrum(x, y, self._waveform)
        value, noise = opening(self._microscope.acquire_spectrum(order))
        self._note(index, value)
        return value, noise


def recorded(folder: Path | None = None) -> Path:
    """Return where the recorded map is.

    Raises:
        TaskError: It is not there; says how to name its folder.
    """
    if folder is None:
        beside = Path(__file__).parents[3] / "shared" / "data"
        folder = Path(os.environ.get("SPM_AUTO_DATA", beside))
    if not (folder / FILE).is_file():
        raise TaskError(
            f"the task 'recorded_map' needs measured data: there is no {FILE} in {folder}; set "
            "SPM_AUTO_DATA to the folder that holds it"
        )
    return folder / FILE


def openings(recording: Recording, points: FloatArray, loops: FloatArray) -> FloatArray:
    """Return how far recorded loops are open, NaN where one failed.

    Args:
        recording: That they are of.
        points: Where they were taken [m], shape (n, 2).
        loops: As recorded, n of them, their points last.

    Returns:
        Shape (n,).
    """
    channel, bias = (Channel("piezoresponse", recording.unit),), recording.bias
    rows = loops.reshape(len(points), 1, -1)
    spectra = (
        Spectrum(x, y, bias, channel, row, 0.0, 0.0)
        for (x, y), row in zip(points.tolist(), rows, strict=True)
    )
    return np.array([opening(spectrum)[0] for spectrum in spectra])


def opening(spectrum: Spectrum) -> Measured:
    """Return the logarithm of a loop's opening and its noise, NaN where the loop failed."""
    scalar = plugins.load("scalarizers", "loop_opening")(spectrum)
    return (scalar.value, scalar.noise) if scalar.is_good else (np.nan, np.nan)
