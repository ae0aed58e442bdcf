"""scalarizers: the same loops are worth different things, and the best place is another one."""

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

import numpy as np

from spm_auto import plugins
from spm_auto.instrument import BiasWaveform, Channel, FloatArray, ScanFrame, Spectrum
from spm_auto.lessons import Answer, Lesson, Mark, Question, Tolerance, mark

from ..tasks.loop_area import loop
from ..tasks.stage import sites
from ..truth import FilmTruth
from .behind import behind, chance
from .marking import Place, pair, ranked, shared, step

SITES = 12  # along each side of the film, where the grader looks
FULL, HALF = 0.9, 0.75  # shares of them that a place has to beat
LOPSIDED = 0.3  # imprint up to which a loop counts as balanced [V]
SPARED = 0.2  # by which an answer may miss that [V]: a loop says no more
_CHANNELS = (Channel("piezoresponse", "m"),)
TRUE_LOOP: BiasWaveform = loop(points=32, cycles=1)
PAIRS = (
    "remanence and coercive bias",
    "remanence and work of switching",
    "coercive bias and imprint",
)

_LAB = """\
schema_version = 1
laboratory = "scalarizers"

[instrument]
kind = "simulator"
level = 1
technique = {{ kind = "pfm", noise = {{ contact_gain = 0.0, response_wander = 0.03 }} }}

[instrument.sample]
kind = "ferroelectric_film"
built_in_field = {built_in:.4f}
response_unevenness = {unevenness:.3f}

[limits]
bias = ["-12 V", "12 V"]
scan_speed = "50 um/s"

[clock]
kind = "instant"
"""


class Worth(NamedTuple):
    """What a loop is worth, NaN where there is none.

    Attributes:
        remanence: Half the distance of the branches at 0 V [m].
        coercive: Half the distance of the switching biases [V].
        imprint: Their middle [V].
        work: Area that the loop encloses [m V].
    """

    remanence: float
    coercive: float
    imprint: float
    work: float

    @classmethod
    def of(cls, film: FilmTruth, place: Place) -> "Worth":
        """Return what a perfect instrument would find at a place [m] of the untouched film.

        Outside of it, as where somebody has mistaken the unit, there is nothing.
        """
        x, y = place
        if not is_on(film, place):
            return cls(math.nan, math.nan, math.nan, math.nan)
        response = film.loop(x, y, TRUE_LOOP)
        found = Spectrum(x, y, TRUE_LOOP.bias, _CHANNELS, response, 0.0, 0.0)
        names = ("remanence", "coercive_bias", "imprint", "work_of_switching")
        return cls(*(plugins.load("scalarizers", name)(found).value for name in names))


class Scalarizers(Lesson):
    """What is looked for decides where it is found."""

    number = 5
    name = "scalarizers"
    title = "What is a spectrum worth?"
    questions: ClassVar[Mapping[str, Question]] = {
        "strongest": Question("Where is the remanence large (x, y)?", unit="m", size=2),
        "hardest": Question("Where is the coercive bias large (x, y)?", unit="m", size=2),
        "compromise": Question(
            "Where is the remanence large and the loop balanced, its imprint within 0.3 V of 0 V "
            "(x, y)?",
            unit="m",
            size=2,
        ),
        "twins": Question(
            "Which two of these put the sites in much the same order?", options=PAIRS, points=0.5
        ),  # the same on every film, as is the next one within its tolerance
        "agreement": Question(
            "What is the rank correlation of remanence and coercive bias over the film?",
            unit="1",
            points=0.5,
        ),
    }
    tolerances: ClassVar[Mapping[str, Tolerance]] = {"agreement": Tolerance(0.15)}

    def lab(self, seed: int) -> str:
        """Return the lab file: built-in field and unevenness of the response are drawn."""
        rng = chance(self, seed)
        return _LAB.format(
            built_in=float(rng.uniform(-0.04, 0.04)), unevenness=float(rng.uniform(0.25, 0.45))
        )

    def truth(self, seed: int) -> Mapping[str, Answer]:
        """Return the best of the sites that the grader looks at, for each reward."""
        film = behind(self, seed).truth.film
        points, worth = self.survey(film)
        balanced = np.abs(worth[:, 2]) <= LOPSIDED
        best = {
            "strongest": worth[:, 0],
            "hardest": worth[:, 1],
            "compromise": np.where(balanced, worth[:, 0], np.nan),
        }
        where: dict[str, Answer] = {
            name: pair(tuple(points[int(np.nanargmax(values))].tolist()))
            for name, values in best.items()
        }
        return {**where, "twins": twins(worth), "agreement": agreement(worth[:, 0], worth[:, 1])}

    def survey(self, film: FilmTruth) -> tuple[FloatArray, FloatArray]:
        """Return sites all over a film [m], shape (n, 2), and their `Worth`, shape (n, 4)."""
        x, _ = film.coordinates
        side = float(np.ptp(x))
        points = sites(ScanFrame((0.0, 0.0), (side, side), (SITES, SITES)))
        return points, np.array([Worth.of(film, (u, v)) for u, v in points.tolist()])

    def grade(self, seed: int, answers: Mapping[str, Answer]) -> Sequence[Mark]:
        """Mark answers: a place by how many others it beats."""
        film = behind(self, seed).truth.film
        _, worth = self.survey(film)
        questions = self.questions
        strongest = Worth.of(film, pair(answers["strongest"]))
        hardest = Worth.of(film, pair(answers["hardest"]))
        compromise = Worth.of(film, pair(answers["compromise"]))
        off = agreement(worth[:, 0], worth[:, 1])
        return [
            _best("strongest", strongest.remanence, worth[:, 0]),
            _best("hardest", hardest.coercive, worth[:, 1]),
            self._compromise(compromise, worth),
            mark("twins", questions["twins"], answers["twins"], twins(worth)),
            mark("agreement", questions["agreement"], answers["agreement"], off,
                 self.tolerances["agreement"]),
        ]  # fmt: skip

    def _compromise(self, found: Worth, worth: FloatArray) -> Mark:
        question = self.questions["compromise"]
        too_far = step(abs(found.imprint), LOPSIDED + SPARED, LOPSIDED + 1.5 * SPARED)
        if too_far == 0:
            return shared("compromise", question, 0.0, "not balanced")
        among = worth[np.abs(worth[:, 2]) <= LOPSIDED, 0]
        return ranked("compromise", question, found.remanence, among, 0.8, 0.6)


def is_on(film: FilmTruth, place: Place) -> bool:
    """Say whether a place [m] is on the film; the simulated one would go on periodically."""
    x, y = place
    along, _ = film.coordinates
    cell = float(along[0, 1] - along[0, 0])
    return max(abs(x), abs(y)) <= float(np.abs(along).max()) + cell


def _best(name: str, value: float, usual: FloatArray) -> Mark:
    return ranked(name, Scalarizers.questions[name], value, usual, FULL, HALF)


def agreement(one: FloatArray, other: FloatArray) -> float:
    """Return the rank correlation of two rewards where both are known (Spearman, 1904)."""
    known = np.isfinite(one) & np.isfinite(other)
    first, second = (np.argsort(np.argsort(values[known])) for values in (one, other))
    return float(np.corrcoef(first, second)[0, 1])


def twins(worth: FloatArray) -> str:
    """Return which of `PAIRS` agrees best."""
    remanence, coercive, imprint, work = worth.T
    values = [
        agreement(remanence, coercive),
        agreement(remanence, work),
        agreement(coercive, imprint),
    ]
    return PAIRS[int(np.argmax(np.abs(values)))]
