"""D2 multi_fid: where is the response strongest, when a better look costs more time?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spm_auto.instrument import AcquireSpectrum, BiasWaveform, FloatArray, Scan, ScanFrame
from spm_auto.tasks import Choices, Measured, Task

from ..settings import SimulatorSettings
from ..techniques.pfm import PfmNoise, PfmSettings
from ..truth import FilmTruth
from .search import SearchEpisode
from .stage import Stage, grid_over, mount, site_labels, sites

SITES = 36  # along each side of the film
PATCH = 50e-9  # that an image of a site shows [m]
CALIBRATED = 0.1  # spread of the amplification of spectra, of the logarithm
BIAS = 10.0  # of the pulses that pole a site up and down [V]
POLING = BiasWaveform((BIAS, -BIAS), dwell=50e-3, cycles=80)
TRUE_POLING = BiasWaveform((BIAS, -BIAS), dwell=16e-3)


@dataclass(frozen=True, slots=True)
class Look:
    """A way to look at a site.

    Attributes:
        name: For people.
        seconds: About how long it takes [s].
        error: About how far off it is, as a share of what it shows.
        rate: Lines per second of an image [Hz]; NaN for a spectrum.
        pixels: Of an image, along each side.
    """

    name: str
    seconds: float
    error: float
    rate: float = math.nan
    pixels: int = 0


LOOKS = (
    Look("glance", 1.2, 0.5, rate=40.0, pixels=6),
    Look("slow image", 4.3, 0.35, rate=4.0, pixels=12),
    Look("poling", POLING.duration + 0.2, 0.1),
)


class MultiFidelity(Task):
    """Find the site of the film that responds most strongly, by looks of three prices.

    A glance is a small image at 40 lines per second: noisy, and it lags behind the tip. A slow
    image is neither, but like a glance it shows little at a wall, however strong the response is
    there. Poling a site up and down again and again shows what it can give, for seven times the
    price of a glance, and leaves it poled. There is no overview.

    The player is told that a glance is off by half, a slow image by a third, poling by a tenth.
    """

    id = "D2"
    name = "multi_fid"
    question = "Where is the response strongest, when a better look costs more time?"
    unit = "m"
    budget = 150.0
    acts = 150

    def __init__(self) -> None:
        self._values: dict[int, FloatArray] = {}

    def _begin(self, seed: int, level: int) -> "MultiFidelityEpisode":
        noise = PfmNoise.model_validate({"contact_gain": CALIBRATED})
        stage = mount(SimulatorSettings(technique=PfmSettings(noise=noise), level=level), seed)
        place = sites(grid_over(stage, SITES))
        if seed not in self._values:
            self._values[seed] = true_responses(stage.truth.film, place)
        look = np.tile(np.arange(len(LOOKS)), len(place))
        points = np.repeat(place, len(LOOKS), axis=0)
        seconds = np.array([each.seconds for each in LOOKS])[look]
        choices = Choices.of(
            points,
            labels=[
                f"{LOOKS[i].name} at {where}"
                for i, where in zip(look.tolist(), site_labels(points), strict=True)
            ],
            seconds=seconds,
            features=np.column_stack([np.log(seconds), look == len(LOOKS) - 1]),
        )
        values = np.repeat(self._values[seed], len(LOOKS))
        return MultiFidelityEpisode(self, choices, stage, values, look)


class MultiFidelityEpisode(SearchEpisode):
    """One film.

    Args:
        task: Which game.
        choices: Sites times looks.
        stage: What is played on.
        values: What each site truly gives [m], shape (n,).
        look: Which look each choice is, shape (n,).
    """

    def __init__(
        self,
        task: Task,
        choices: Choices,
        stage: Stage,
        values: FloatArray,
        look: NDArray[np.int64],
    ) -> None:
        super().__init__(task, choices, stage.clock, values)
        self._stage = stage
        self._look = look

    def _act(self, index: int) -> Measured:
        x, y, _ = self.choices.points[index].tolist()
        look = LOOKS[self._look[index]]
        if look.pixels:
            frame = ScanFrame((x, y), (PATCH, PATCH), (look.pixels, look.pixels))
            image = self._stage.image(Scan(frame, ("amplitude",), look.rate))
            response = float(np.mean(image.channel("amplitude")))
        else:
            spectrum = self._stage.microscope.acquire_spectrum(AcquireSpectrum(x, y, POLING))
            response = _opening(spectrum.channel())
        return response, look.error * response

    def oracle(self) -> int | None:
        """Pole the best site, and the next best for as long as no measurement succeeds."""
        if self.answer is not None:
            return None
        polings = self._free & (self._look == len(LOOKS) - 1)
        return int(np.argmax(np.where(polings, self._values, -np.inf)))

    def metrics(self) -> Mapping[str, float]:
        """Return how often each look was taken."""
        taken = self._look[self.chosen]
        return {f"{look.name}s": float(np.sum(taken == i)) for i, look in enumerate(LOOKS)}


def true_responses(film: FilmTruth, points: FloatArray) -> FloatArray:
    """Return what poling each site shows on the untouched film, at 1 V of drive [m].

    Args:
        film: As it is at first.
        points: Sites [m], shape (n, 2).
    """
    return np.array([_opening(film.loop(x, y, TRUE_POLING)[-1]) for x, y in points.tolist()])


def _opening(response: FloatArray) -> float:
    """Return half the difference of what is read after the pulses up and down."""
    return abs(float(response[0]) - float(response[1])) / 2
