"""M3 long_way: what does the gap of a superconductor look like, when the way costs time?"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from spm_auto.instrument import AcquireSpectrum, BiasWaveform, FloatArray, ScanFrame, Spectrum
from spm_auto.tasks import Choices, Measured, Task

from ..samples.stm import SuperconductorSettings
from ..settings import SimulatorSettings
from ..techniques.stm import StmSettings
from ..timing import Timing
from .gap_hunt import read
from .map_episode import MapEpisode
from .stage import Stage, mount, site_labels, sites

SIDE = 128e-9  # of the sample [m]
SITES = 24  # along each side
SPEED = 10e-9  # of the tip between two spectra [m/s]
SWEEP = BiasWaveform.sweep(-3e-3, 3e-3, points=61)
LENGTH = 15e-9  # over which the gap is taken to change [m]
NOISE = 0.02  # variance of a gap as read, in that of the map
FIELD_FREE = {"field": "0 T", "adatoms": 0}


class SlowStmSettings(StmSettings):
    """A tunnelling microscope whose tip goes slowly, under feedback, so that it stays as it is."""

    def timing(self) -> Timing:
        """Return how long it takes."""
        return replace(super().timing(), speed=SPEED)


class LongWay(Task):
    """Map the gap of 128 x 128 nm in ten minutes, of which the ways take a part.

    The tip goes at 10 nm/s, so that crossing the sample takes as long as four spectra. Players are
    told how long ways take. There is no overview, as a topograph shows nothing of the gap. The
    reward is the gap; the judge fills in its map by kriging, the same for every player. The regret
    is the error in units of the spread of the truth, when the time is spent.
    """

    id = "M3"
    name = "long_way"
    question = "What does the gap of a superconductor look like, when the way costs time?"
    unit = "V"
    budget = 600.0
    acts = 200

    def __init__(self) -> None:
        self._values: dict[int, FloatArray] = {}

    def _begin(self, seed: int, level: int) -> "LongWayEpisode":
        sample = SuperconductorSettings.model_validate(FIELD_FREE)
        settings = SimulatorSettings(sample=sample, technique=SlowStmSettings(), level=level)
        stage = mount(settings, seed)
        points = sites(ScanFrame((0.0, 0.0), (SIDE, SIDE), (SITES, SITES)))
        if seed not in self._values:
            self._values[seed] = true_gaps(settings, seed, points, SWEEP)
        timing = stage.microscope.timing
        choices = Choices.of(
            points,
            labels=site_labels(points),
            seconds=stage.microscope.duration(AcquireSpectrum(0.0, 0.0, SWEEP)),
            per_metre=1 / timing.speed,
        )
        return LongWayEpisode(self, choices, stage, self._values[seed])


class LongWayEpisode(MapEpisode):
    """One superconductor."""

    def __init__(self, task: Task, choices: Choices, stage: Stage, values: FloatArray) -> None:
        super().__init__(task, choices, stage.clock, values, LENGTH, NOISE)
        self._stage = stage

    def _act(self, index: int) -> Measured:
        x, y, _ = self.choices.points[index].tolist()
        gap, _ = read(self._stage.microscope.acquire_spectrum(AcquireSpectrum(x, y, SWEEP)))
        self._note(index, gap)
        return gap, math.nan


def true_gaps(
    settings: SimulatorSettings,
    seed: int,
    points: FloatArray,
    sweep: BiasWaveform,
    treat: Callable[[Spectrum], Spectrum] = lambda spectrum: spectrum,
) -> FloatArray:
    """Return the gaps that a perfect microscope reads on the same sample [V].

    Args:
        settings: Of the microscope that is not perfect.
        seed: Of the sample.
        points: Where [m], shape (n, 2).
        sweep: The spectrum.
        treat: What is done with it before it is read.

    Returns:
        Shape (n,).
    """
    perfect = mount(settings.model_copy(update={"level": 0}), seed).microscope
    spectra = (perfect.acquire_spectrum(AcquireSpectrum(x, y, sweep)) for x, y in points.tolist())
    return np.array([read(treat(spectrum))[0] for spectrum in spectra])
