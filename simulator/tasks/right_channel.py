"""M6 right_channel: which channel of the overview says most about which number of a loop?"""

from collections.abc import Mapping

import numpy as np

from spm_auto import plugins
from spm_auto.instrument import (
    AcquireSpectrum,
    Channel,
    FloatArray,
    Scan,
    ScanImage,
    Spectrum,
)
from spm_auto.tasks import Choices, Episode, Measured, Task

from ..settings import SimulatorSettings
from ..techniques.pfm import PfmNoise, PfmSettings
from .loop_area import TRUE_LOOP, loop
from .stage import CALM, FILM_PIXELS, FILM_RATE, Stage, grid_over, mount, site_labels, sites

SITES = 24  # along each side of the film
CALIBRATED = 0.1  # spread of the amplification of spectra, of the logarithm
LOOP = loop(points=32, cycles=1)
NUMBERS = ("loop_area", "loop_opening")  # of a loop, by scalarizer
CHANNELS = ("amplitude", "phase", "height")
SMOOTH = 1.0  # of a channel before it is read at a site [pixel]
TERMS = 3  # of the polynomial by which a channel predicts a number, the constant included
FEWEST = 8  # loops from which on a channel's power can be estimated


class RightChannel(Task):
    """Find out by 40 loops which image channel predicts which number of a loop, and how well.

    The numbers are the width of a loop and the logarithm of its opening; the channels amplitude,
    phase and height, and how steep each of them is. How well a channel predicts a number is the
    share of its variance that a parabola of the channel's ranks explains. The judge estimates that
    from the player's loops, the same for every player, and names the best channel of each number.

    The regret is how far off the estimated shares are, root mean square, in units of the spread of
    the true ones. What the named channels lack stands among the figures. The reward is the width.

    Args:
        sites: Along each side of the film.
    """

    id = "M6"
    name = "right_channel"
    question = "Which channel of the overview says most about which number of a loop?"
    unit = "V"
    budget = 40.0
    acts = 40
    unreleased = (
        "knowing the truth pays by 2.6 times the scatter from seed to seed only: which sites are "
        "measured matters little for which channel is named"
    )

    def __init__(self, sites: int = SITES) -> None:
        self._sites = sites
        self._values: dict[int, FloatArray] = {}

    def _begin(self, seed: int, level: int) -> "RightChannelEpisode":
        noise = PfmNoise.model_validate({**CALM, "contact_gain": CALIBRATED})
        stage = mount(SimulatorSettings(technique=PfmSettings(noise=noise), level=level), seed)
        points = sites(grid_over(stage, self._sites))
        if seed not in self._values:
            self._values[seed] = true_numbers(stage, points)
        overview = stage.image(Scan(grid_over(stage, FILM_PIXELS), CHANNELS, FILM_RATE))
        choices = Choices.of(
            points,
            labels=site_labels(points),
            seconds=LOOP.duration + stage.microscope.timing.spectrum_overhead,
            overview=overview,
        )
        return RightChannelEpisode(self, choices, stage, self._values[seed])


class RightChannelEpisode(Episode):
    """One film.

    Args:
        task: Which game.
        choices: Sites, on an overview.
        stage: What is played on.
        values: The true numbers of each site, shape (k, n).
    """

    def __init__(self, task: Task, choices: Choices, stage: Stage, values: FloatArray) -> None:
        super().__init__(task, choices, stage.clock)
        if choices.overview is None:
            raise ValueError("without an overview there is no channel to name")
        self._stage = stage
        self._values = values
        self._columns = columns(choices.overview)[:, choices.rows[:, 0], choices.rows[:, 1]]
        self._powers = powers(self._columns, values)
        self._found: list[FloatArray] = []
        self._estimate = np.zeros_like(self._powers)

    def _act(self, index: int) -> Measured:
        x, y, _ = self.choices.points[index].tolist()
        spectrum = self._stage.microscope.acquire_spectrum(AcquireSpectrum(x, y, LOOP))
        self._found.append(numbers(spectrum))
        self._estimate = self._estimated([*self.chosen, index], np.array(self._found).T)
        return float(self._found[-1][0]), np.nan

    def regret(self) -> float:
        """Return how far off the estimated shares are; 1 for who says the same of all."""
        return self._off(self._estimate)

    def metrics(self) -> Mapping[str, float]:
        """Return what the named channels lack of the best ones, and how many are the best."""
        named = np.argmax(self._estimate, axis=1)
        best = self._powers.max(axis=1)
        lack = (best - self._powers[np.arange(len(named)), named]) / best
        right = float(np.mean(named == np.argmax(self._powers, axis=1)))
        known = len(self._found) >= FEWEST
        return {"lacking": float(np.mean(lack)) if known else 1.0, "right": right if known else 0.0}

    def oracle(self) -> int | None:
        """Measure the site that would bring the estimate nearest to the truth, of some."""
        free = np.flatnonzero(self._free)
        if len(free) == 0:
            return None
        some = free[:: max(1, len(free) // 48)]
        if len(self.chosen) < FEWEST:
            return int(some[(7 * len(self.chosen)) % len(some)])
        found = np.array(self._found).T

        def off(site: int) -> float:
            told = np.column_stack([found, self._values[:, site]])
            return self._off(self._estimated([*self.chosen, site], told))

        return int(min(some.tolist(), key=off))

    def _estimated(self, chosen: list[int], found: FloatArray) -> FloatArray:
        if len(chosen) < FEWEST:
            return np.zeros_like(self._powers)
        return powers(self._columns[:, chosen], found)

    def _off(self, estimate: FloatArray) -> float:
        """Return the error of estimated shares in units of the spread of the true ones."""
        spread = float(np.sqrt(np.mean((self._powers - self._powers.mean()) ** 2)))
        if not estimate.any():
            return 1.0
        return float(np.sqrt(np.mean((estimate - self._powers) ** 2))) / spread


def columns(overview: ScanImage) -> FloatArray:
    """Return each channel of an overview and how steep it is, shape (2 k, line, pixel).

    A phase is taken as its cosine; a height is levelled line by line.
    """
    from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude

    found = []
    for name in CHANNELS:
        image = overview.channel(name)
        if name == "phase":
            image = np.cos(image)
        if name == "height":
            image = image - np.median(image, axis=1, keepdims=True)
        found += [gaussian_filter(image, SMOOTH), gaussian_gradient_magnitude(image, SMOOTH)]
    return np.stack(found)


def powers(channels: FloatArray, values: FloatArray) -> FloatArray:
    """Return how well channels predict numbers, as adjusted shares of explained variance.

    Args:
        channels: At some sites, shape (c, n).
        values: Numbers there, NaN where one failed, shape (k, n).

    Returns:
        Shape (k, c), none below 0.

    Source:
        M. Ezekiel, Methods of Correlation Analysis, Wiley (1930), for the adjustment.
    """
    found = np.zeros((len(values), len(channels)))
    for k, value in enumerate(values):
        good = np.isfinite(value)
        n = int(good.sum())
        if n <= TERMS or np.ptp(value[good]) == 0:
            continue
        for c, channel in enumerate(channels):
            ranks = np.argsort(np.argsort(channel[good])) / (n - 1) - 0.5
            basis = np.vander(ranks, TERMS)
            fit, *_ = np.linalg.lstsq(basis, value[good], rcond=None)
            share = 1 - np.var(value[good] - basis @ fit) / np.var(value[good])
            found[k, c] = max(1 - (1 - share) * (n - 1) / (n - TERMS), 0.0)
    return found


def numbers(spectrum: Spectrum) -> FloatArray:
    """Return the numbers of a loop, NaN where one failed."""
    scalars = [plugins.load("scalarizers", name)(spectrum) for name in NUMBERS]
    return np.array([scalar.value if scalar.is_good else np.nan for scalar in scalars])


def true_numbers(stage: Stage, points: FloatArray) -> FloatArray:
    """Return the numbers that a perfect instrument finds on the untouched film, shape (k, n)."""
    film, channel = stage.truth.film, (Channel("piezoresponse", "m"),)

    def at(x: float, y: float) -> FloatArray:
        response = film.loop(x, y, TRUE_LOOP)
        return numbers(Spectrum(x, y, TRUE_LOOP.bias, channel, response, 0.0, 0.0))

    return np.array([at(x, y) for x, y in points.tolist()]).T
