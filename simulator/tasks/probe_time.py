"""M4 probe_time: what does the gap look like, when the player says how long to measure?"""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from spm_auto.instrument import AcquireSpectrum, BiasWaveform, FloatArray, ScanFrame, Spectrum
from spm_auto.tasks import Choices, Measured, Task

from ..lock_in import LockInSettings
from ..samples.stm import SuperconductorSettings
from ..settings import SimulatorSettings
from ..techniques.stm import StmSettings
from ..timing import Timing
from .gap_hunt import read
from .long_way import FIELD_FREE, LENGTH, true_gaps
from .map_episode import MapEpisode
from .stage import Stage, mount, site_labels, sites

SIDE = 80e-9  # of the sample [m]
SITES = 24  # along each side
SWEEP = BiasWaveform.sweep(-3e-3, 3e-3, points=61, dwell=2e-3)
LOCK_IN = {"modulation": "100 uV", "frequency": "4 kHz", "time_constant": "0.5 ms"}
SETPOINT = "20 pA"
SETTLING = 5.0  # after each way, until the tip stands still [s]
MOST_AVERAGES = 64
NOISE = 90e-6  # of a gap from a single sweep [V]
SMOOTH = 9  # points that a sweep is averaged over before it is read


class PatientStmSettings(StmSettings):
    """A tunnelling microscope that waits until creep has died away wherever it comes to stand."""

    def timing(self) -> Timing:
        """Return how long it takes."""
        return replace(super().timing(), settling=SETTLING)


class ProbeTime(Task):
    """Map the gap of 80 x 80 nm in 400 s by hurried sweeps; how many a site is up to the player.

    A way takes 5 s, as the tip has to settle, and a single sweep a quarter of a second; but it is
    noisier than the gap varies from place to place. The mean of n sweeps takes n times as long and
    is less noisy by the root of n. Players are told all of that. There is no overview. The reward
    is the gap as read. The judge fills in its map by kriging that knows of the averages, the same
    for every player; the regret is the error in units of the spread of the truth.
    """

    id = "M4"
    name = "probe_time"
    question = "What does the gap look like, when the player says how long to measure?"
    unit = "V"
    budget = 400.0
    acts = 200
    most_averages = MOST_AVERAGES
    oracle_averages = 8

    def __init__(self) -> None:
        self._values: dict[int, FloatArray] = {}

    def _begin(self, seed: int, level: int) -> "ProbeTimeEpisode":
        settings = SimulatorSettings(
            sample=SuperconductorSettings.model_validate({**FIELD_FREE, "size": f"{SIDE} m"}),
            technique=PatientStmSettings.model_validate(
                {"setpoint": SETPOINT, "lock_in": LockInSettings.model_validate(LOCK_IN)}
            ),
            level=level,
        )
        stage = mount(settings, seed)
        points = sites(ScanFrame((0.0, 0.0), (SIDE, SIDE), (SITES, SITES)))
        if seed not in self._values:
            self._values[seed] = true_gaps(settings, seed, points, SWEEP, smoothed)
        one, two = (
            stage.microscope.duration(AcquireSpectrum(0.0, 0.0, replace(SWEEP, cycles=n)))
            for n in (1, 2)
        )
        choices = Choices.of(points, site_labels(points), seconds=one, again=two - one)
        return ProbeTimeEpisode(self, choices, stage, self._values[seed])


class ProbeTimeEpisode(MapEpisode):
    """One superconductor."""

    def __init__(self, task: Task, choices: Choices, stage: Stage, values: FloatArray) -> None:
        spread = float(np.std(values))
        super().__init__(task, choices, stage.clock, values, LENGTH, (NOISE / spread) ** 2)
        self._stage = stage
        self._averaged: list[int] = []

    def _act(self, index: int) -> Measured:
        return self._average(index, 1)

    def _average(self, index: int, averages: int) -> Measured:
        x, y, _ = self.choices.points[index].tolist()
        sweep = replace(SWEEP, cycles=averages)
        spectrum = self._stage.microscope.acquire_spectrum(AcquireSpectrum(x, y, sweep))
        self._averaged.append(averages)
        gap, _ = read(smoothed(spectrum))
        self._note(index, gap, averages)
        return gap, NOISE / math.sqrt(averages)

    def metrics(self) -> Mapping[str, float]:
        """Return the figures of the map, and how many sweeps a site had in the mean."""
        sweeps = float(np.mean(self._averaged)) if self._averaged else math.nan
        return {**super().metrics(), "sweeps a site": sweeps}


def smoothed(spectrum: Spectrum) -> Spectrum:
    """Return a spectrum with each point averaged over its neighbours, fewer at the ends."""
    kernel = np.ones(SMOOTH)
    weight = np.convolve(np.ones(len(spectrum.bias)), kernel, "same")
    data = np.stack([np.convolve(row, kernel, "same") / weight for row in spectrum.data])
    return replace(spectrum, data=data)
