"""P7 library: at which composition of a combinatorial library is the response largest?"""

import math
from collections.abc import Mapping

import numpy as np

from spm_auto.instrument import AcquireSpectrum, FloatArray, MoveStage
from spm_auto.tasks import Choices, Measured, Task

from ..randomness import RandomStreams
from ..samples import CombinatorialLibrarySettings
from ..samples.ferroelectric.library import LibraryFilmSettings
from ..samples.ferroelectric.spread import SpreadSettings
from ..settings import SimulatorSettings
from ..techniques.pfm import PfmNoise, PfmSettings
from .loop_area import LOOP
from .search import SearchEpisode
from .stage import CALM, Stage, mount

PLACES = 101  # of the stage along the library
SPOTS = tuple((x, y) for x in (-4e-7, 0.0, 4e-7) for y in (-4e-7, 0.0, 4e-7))  # of a film [m]
CALIBRATED = 0.05  # spread of the amplification of spectra, of the logarithm
EVEN = 0.05  # spread of the response within and between films, of the logarithm
BOUNDARY = (0.06, 0.17)  # lowest and highest composition of the phase boundary
WIDTH = (0.003, 0.007)  # over which the response grows towards it
TOP = 0.7  # share of the loop's amplitude from which on it is taken for saturated


class Library(Task):
    """Find the composition that responds most, and the landscape, with 8 stops on a library.

    At each stop the tip is withdrawn, the stage moves, the tip comes down again, and nine loops
    are taken: some 80 s. The reward is the median of what they switch, as the logarithm to base 10
    of picometres per volt: films differ from place to place. The response grows towards a phase
    boundary and dies away quickly beyond it; where that is differs from seed to seed.

    Half of the regret is that of the answer, half the error of the landscape: the response between
    the stops is taken for straight lines, for all players, and the error is in units of the
    deviation of the true landscape, at most 1.
    """

    id = "P7"
    name = "library"
    question = "How does the response follow the composition, and where is it largest?"
    unit = "1"
    budget = 660.0
    acts = 8
    unreleased = "who hits the peak by chance knows nearly all: a gap of 2.8 on training seeds"

    def _begin(self, seed: int, level: int) -> "LibraryEpisode":
        rng = RandomStreams(seed).stream("phase boundary")
        boundary, width = float(rng.uniform(*BOUNDARY)), float(rng.uniform(*WIDTH))
        sample = CombinatorialLibrarySettings(
            spread=SpreadSettings(boundary=boundary, width=width, death=width / 4),
            film=LibraryFilmSettings(response_spread=EVEN, response_unevenness=EVEN),
        )
        technique = PfmSettings(noise=PfmNoise.model_validate(CALM | {"contact_gain": CALIBRATED}))
        stage = mount(SimulatorSettings(sample=sample, technique=technique, level=level), seed)
        (low, high), _ = sample.reach
        x = np.linspace(low, high, PLACES)
        timing = stage.microscope.timing
        at_a_stop = len(SPOTS) * (LOOP.duration + timing.spectrum_overhead)
        choices = Choices.of(
            np.column_stack([x, np.zeros(PLACES)]),
            labels=[f"{100 * c:.2f} %" for c in sample.composition(x).tolist()],
            seconds=timing.withdrawal + timing.approach + at_a_stop,
        )
        return LibraryEpisode(self, choices, stage)


class LibraryEpisode(SearchEpisode):
    """One library."""

    def __init__(self, task: Task, choices: Choices, stage: Stage) -> None:
        landscape = stage.truth.library.response(choices.points[:, 0])
        super().__init__(task, choices, stage.clock, landscape)
        self._stage = stage

    def _act(self, index: int) -> Measured:
        x, y, _ = self.choices.points[index].tolist()
        self._stage.microscope.move_stage(MoveStage(x, y))
        heights = [self._height(*spot) for spot in SPOTS]
        middle = float(np.median(heights))
        if not middle > 0:
            return math.nan, math.nan
        return math.log10(middle / 1e-12), math.nan

    def regret(self) -> float:
        """Return half the regret of the answer and half the error of the landscape."""
        error = self._error(self._measured())
        return (super().regret() + (1.0 if math.isnan(error) else min(error, 1.0))) / 2

    def oracle(self) -> int | None:
        """Measure the best composition, then always what lets the landscape be known best."""
        if self.answer is None:
            return super().oracle()
        known = [(i, float(self._values[i])) for i in self.chosen]
        free = np.flatnonzero(self._free).tolist()
        errors = [self._error([*known, (i, float(self._values[i]))]) for i in free]
        return int(free[int(np.argmin(errors))])

    def metrics(self) -> Mapping[str, float]:
        """Return how far the answer is from the best composition, as a share of all, and the error.

        The error is that of the landscape, in units of its deviation.
        """
        off = math.nan
        if self.answer is not None:
            off = abs(self.answer - int(np.argmax(self._values))) / (PLACES - 1)
        error = self._error(self._measured())
        return {"distance from the optimum": off, "error of the landscape": error}

    def _measured(self) -> list[tuple[int, float]]:
        """Return each stop that succeeded, and the response there [pm/V]."""
        pairs = zip(self.chosen, self.rewards, strict=True)
        return [(i, 10**reward) for i, reward in pairs if math.isfinite(reward)]

    def _height(self, x: float, y: float) -> float:
        """Return the distance of the two saturations of a loop [m]."""
        response = self._stage.microscope.acquire_spectrum(AcquireSpectrum(x, y, LOOP)).channel()
        most = float(LOOP.bias.max())
        low, high = (response[sign * LOOP.bias > TOP * most] for sign in (-1.0, 1.0))
        return abs(float(np.median(high) - np.median(low)))

    def _error(self, known: list[tuple[int, float]]) -> float:
        """Return the error of the landscape from some stops; NaN with less than two."""
        if len(known) < 2:
            return math.nan
        at, found = np.array(sorted(known)).T
        guess: FloatArray = np.interp(np.arange(PLACES), at, found)
        # the unit of the response is not known: that which fits best
        unit = float(guess @ self._values) / float(guess @ guess)
        off = float(np.sqrt(np.mean((unit * guess - self._values) ** 2)))
        return off / float(np.std(self._values))
