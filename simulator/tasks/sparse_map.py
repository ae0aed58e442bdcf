"""M1 sparse_map: what does the whole band-excitation map look like, from a third of it?"""

import math

import numpy as np

from spm_auto.instrument import AcquireSpectrum, BiasWaveform, FloatArray, ScanFrame
from spm_auto.tasks import Choices, Measured, Task

from ..settings import SimulatorSettings
from ..techniques.pfm import PfmNoise, PfmSettings
from .map_episode import MapEpisode
from .stage import CALM, Stage, mount, site_labels, sites

SITES = 32  # along each side of the map
SIDE = 1.4e-6  # of the map, in the middle of the film [m]
CALIBRATED = 0.1  # spread of the amplification of spectra, of the logarithm
READING = BiasWaveform((0.0,) * 16)  # leaves the film as it is
LENGTH = 60e-9  # over which the map is taken to change [m]
NOISE = 0.1  # variance of a reading, in that of the map
MARKS = (0.1, 0.2, 0.3)  # shares of the sites


class SparseMap(Task):
    """Map the piezoresponse of 32 x 32 sites of a film, 1.4 um wide, by 30 % of the spectra.

    Each spectrum is the band-excitation response at 0 V: it switches nothing. There is no overview.
    The reward is the response with its sign. The judge fills in the map by kriging, the same for
    every player, and compares it with what a perfect instrument would find. The regret is the error
    in units of the spread of the truth.
    """

    id = "M1"
    name = "sparse_map"
    question = "What does a whole band-excitation map look like, from a third of its spectra?"
    unit = "m"
    budget = 150.0
    acts = round(0.3 * SITES**2)

    def _begin(self, seed: int, level: int) -> "SparseMapEpisode":
        noise = PfmNoise.model_validate({**CALM, "contact_gain": CALIBRATED})
        stage = mount(SimulatorSettings(technique=PfmSettings(noise=noise), level=level), seed)
        points = sites(ScanFrame((0.0, 0.0), (SIDE, SIDE), (SITES, SITES)))
        choices = Choices.of(
            points,
            labels=site_labels(points),
            seconds=stage.microscope.duration(AcquireSpectrum(0.0, 0.0, READING)),
        )
        values = stage.truth.film.piezoresponse(points[:, 0], points[:, 1])
        return SparseMapEpisode(self, choices, stage, values)


class SparseMapEpisode(MapEpisode):
    """One film."""

    def __init__(self, task: Task, choices: Choices, stage: Stage, values: FloatArray) -> None:
        super().__init__(task, choices, stage.clock, values, LENGTH, NOISE, MARKS)
        self._stage = stage

    def _act(self, index: int) -> Measured:
        x, y, _ = self.choices.points[index].tolist()
        spectrum = self._stage.microscope.acquire_spectrum(AcquireSpectrum(x, y, READING))
        response = float(np.median(spectrum.channel("piezoresponse")))
        self._note(index, response)
        return response, math.nan
