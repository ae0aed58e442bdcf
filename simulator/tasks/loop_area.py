"""P1 loop_area: where on a ferroelectric film is the loop widest?"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from spm_auto import plugins
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Channel,
    FloatArray,
    Spectrum,
)
from spm_auto.tasks import Choices, Measured, Task

from ..settings import SimulatorSettings
from ..techniques.pfm import PfmNoise, PfmSettings
from ..truth import Truth
from .onlookers import Expert
from .search import SearchEpisode
from .stage import CALM, Stage, film_overview, grid_over, mount, site_labels, sites

SITES = 64  # along each side of the film
FAR = 35e-9  # distance from the walls at which an expert expects wide loops [m]
AMPLITUDE = 10.0  # [V]: switches all sites, so that the saturations are real


def loop(points: int, cycles: int) -> BiasWaveform:
    """Return a loop that begins at the lowest bias: what the site was before does not matter."""
    triangle = BiasWaveform.triangle(AMPLITUDE, points, cycles=cycles)
    begin = 3 * points // 4
    return replace(triangle, values=triangle.values[begin:] + triangle.values[:begin])


LOOP = loop(points=64, cycles=2)
# what a site is worth comes from a loop of half as many points, as there are 4096: 0.3 V of scatter
TRUE_LOOP = loop(points=32, cycles=1)


class LoopArea(Task):
    """Find the widest loop: 64 x 64 sites, about 60 loops.

    The value is the area over the difference of the saturations, which is the mean width. The
    amplitude, which is what the overview shows best, says nothing about it; it only says where
    loops are noisy. What helps is the distance from the walls that the film aged with, and that
    barrier and built-in field change slowly. An expert who looks on knows of the walls, and closes
    all within 35 nm of one that the overview shows, for players that listen to him.

    Args:
        sites: Along each side of the film.
    """

    id = "P1"
    name = "loop_area"
    question = "Where on a ferroelectric film is the hysteresis loop widest?"
    unit = "V"
    budget = 72.0
    acts = 60

    def __init__(self, sites: int = SITES) -> None:
        self._sites = sites
        self._values: dict[int, FloatArray] = {}

    def _begin(self, seed: int, level: int) -> "LoopAreaEpisode":
        technique = PfmSettings(noise=PfmNoise.model_validate(CALM))
        stage = mount(SimulatorSettings(technique=technique, level=level), seed)
        points = sites(grid_over(stage, self._sites))
        if seed not in self._values:
            self._values[seed] = true_areas(stage.truth, points)
        overview = film_overview(stage)
        choices = Choices.of(
            points,
            labels=site_labels(points),
            seconds=LOOP.duration + stage.microscope.timing.spectrum_overhead,
            overview=overview,
        )
        episode = LoopAreaEpisode(self, choices, stage, self._values[seed])
        episode.human = Expert(choices, _seen_distance(choices) < FAR, "too near to a wall")
        return episode


class LoopAreaEpisode(SearchEpisode):
    """One film."""

    def __init__(self, task: Task, choices: Choices, stage: Stage, values: FloatArray) -> None:
        super().__init__(task, choices, stage.clock, values)
        self._stage = stage

    def _act(self, index: int) -> Measured:
        x, y, _ = self.choices.points[index].tolist()
        return area(self._stage.microscope.acquire_spectrum(AcquireSpectrum(x, y, LOOP)))

    def judge(self, prediction: FloatArray) -> Mapping[str, float]:
        """Return the share of the true values' variance that a prediction explains."""
        missed = float(np.mean((self._values - prediction) ** 2))
        return {"R2": 1 - missed / float(np.var(self._values))}


def area(spectrum: Spectrum) -> Measured:
    """Return the loop's area over the difference of its saturations and its noise [V]."""
    scalar = plugins.load("scalarizers", "loop_area")(spectrum)
    return (scalar.value, scalar.noise) if scalar.is_good else (np.nan, np.nan)


def true_areas(truth: Truth, points: FloatArray) -> FloatArray:
    """Return the areas that a perfect instrument would find, each on the untouched film [V].

    Args:
        truth: About the film.
        points: Where [m], shape (n, 2).

    Returns:
        Shape (n,); NaN where there is no loop.
    """
    film, channels = truth.film, (Channel("piezoresponse", "m"),)

    def at(x: float, y: float) -> float:
        response = film.loop(x, y, TRUE_LOOP)
        return area(Spectrum(x, y, TRUE_LOOP.bias, channels, response, 0.0, 0.0))[0]

    return np.array([at(x, y) for x, y in points.tolist()])


def _seen_distance(choices: Choices) -> FloatArray:
    """Return how far from the nearest wall each choice is, as the overview shows it [m]."""
    from scipy.ndimage import distance_transform_edt, gaussian_filter

    overview = choices.overview
    assert overview is not None  # this task has one
    stands_up = gaussian_filter(np.cos(overview.channel("phase")), 1.0) > 0
    pitch = overview.frame.pitch[0]
    inside = [distance_transform_edt(side, sampling=pitch) for side in (stands_up, ~stands_up)]
    distance = np.maximum(*inside) - pitch / 2  # a pixel next to a wall is half a pixel away
    return np.asarray(distance[choices.rows[:, 0], choices.rows[:, 1]])
