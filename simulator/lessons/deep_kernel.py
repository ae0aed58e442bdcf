"""deep_kernel: forty spectra and a model that has seen the image, against a film of 4096 places."""

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from spm_auto.instrument import FloatArray, ScanFrame
from spm_auto.lessons import Answer, Lesson, Mark, Question, Tolerance, mark

from ..tasks.stage import sites
from ..truth import FilmTruth
from .behind import behind, chance
from .marking import Place, numbers, pair, shared, step
from .scalarizers import Worth

SITES = 12  # along each side of the film, where the grader looks
FULL, HALF = 0.75, 0.6  # of the largest remanence of these
UNSEEN: tuple[Place, ...] = (
    (-0.5e-6, -0.5e-6),
    (-0.5e-6, 0.5e-6),
    (0.5e-6, -0.5e-6),
    (0.5e-6, 0.5e-6),
)
SURE = 2.0  # standard deviations that a prediction may be off
TIMID = 2.0  # times the spread of the whole film: who doubts more says nothing
CHANNELS = ("amplitude high", "amplitude low", "phase", "none of these")

_LAB = """\
schema_version = 1
laboratory = "deep kernel"

[instrument]
kind = "simulator"
level = 1
technique = {{ kind = "pfm", noise = {{ contact_gain = 0.0, response_wander = 0.03 }} }}

[instrument.sample]
kind = "ferroelectric_film"
response = "{response:.2f} pm/V"
response_unevenness = {unevenness:.3f}

[limits]
bias = ["-12 V", "12 V"]
scan_speed = "50 um/s"

[clock]
kind = "instant"
"""


class DeepKernel(Lesson):
    """A myopic agent: after each spectrum it asks for the next one that promises most."""

    number = 6
    name = "deep_kernel"
    title = "A model that has seen the image"
    questions: ClassVar[Mapping[str, Question]] = {
        "best": Question(
            "Where did you find the largest remanence (x, y)?", unit="m", size=2, points=2.0
        ),
        "remanence": Question("How large is it there?", unit="m"),
        "predicted": Question(
            "What remanence does the model expect at (-500, -500), (-500, 500), (500, -500) and "
            "(500, 500) nm?",
            unit="m",
            size=4,
        ),
        "doubt": Question(
            "And with which standard deviation, model and scatter together?", unit="m", size=4
        ),
        "seen": Question("Which of this in the overview goes with a large remanence?",
                         options=CHANNELS),
    }  # fmt: skip
    tolerances: ClassVar[Mapping[str, Tolerance]] = {"remanence": Tolerance(0.15, is_share=True)}

    def lab(self, seed: int) -> str:
        """Return the lab file: size and unevenness of the response are drawn."""
        rng = chance(self, seed)
        return _LAB.format(
            response=float(rng.uniform(30, 90)), unevenness=float(rng.uniform(0.3, 0.5))
        )

    def truth(self, seed: int) -> Mapping[str, Answer]:
        """Return the best site that the grader looks at, and the four that nobody measured."""
        film = behind(self, seed).truth.film
        points, values = survey(film)
        best = int(np.nanargmax(values))
        unseen = tuple(Worth.of(film, place).remanence for place in UNSEEN)
        spread = float(np.nanstd(values))
        return {
            "best": pair(tuple(points[best].tolist())),
            "remanence": float(values[best]),
            "predicted": unseen,
            "doubt": (spread,) * len(UNSEEN),  # what one who knows but the film as a whole says
            "seen": seen(film, points, values),
        }

    def grade(self, seed: int, answers: Mapping[str, Answer]) -> Sequence[Mark]:
        """Mark answers: what was found against the best there is, doubt against error."""
        film = behind(self, seed).truth.film
        points, values = survey(film)
        best = pair(answers["best"])
        found = Worth.of(film, best).remanence
        reached = found / float(np.nanmax(values)) if math.isfinite(found) else 0.0
        share = step(-reached, -FULL, -HALF)
        words = {1.0: "near the largest", 0.5: "large, but there is more", 0.0: "not large"}
        questions = self.questions
        return [
            shared("best", questions["best"], share, f"what is there is {words[share]}"),
            self._value(answers["remanence"], found),
            *self._predictions(answers, film, float(np.nanstd(values))),
            mark("seen", questions["seen"], answers["seen"], seen(film, points, values)),
        ]

    def _value(self, answer: Answer, found: float) -> Mark:
        question = self.questions["remanence"]
        if not math.isfinite(found):
            return shared("remanence", question, 0.0, "there is no loop at that place")
        return mark("remanence", question, answer, found, self.tolerances["remanence"])

    def _predictions(
        self, answers: Mapping[str, Answer], film: FilmTruth, spread: float
    ) -> list[Mark]:
        """Mark what was expected by its error, and the doubt by whether it covers that."""
        true = np.array([Worth.of(film, place).remanence for place in UNSEEN])
        known = np.isfinite(true)
        off = np.abs(np.array(numbers(answers["predicted"])) - true)[known]
        doubt = np.array(numbers(answers["doubt"]))[known]
        share = step(float(np.sqrt(np.mean(off**2))), spread, 1.5 * spread)
        words = {1.0: "better than", 0.5: "about as good as", 0.0: "worse than"}
        predicted = shared(
            "predicted",
            self.questions["predicted"],
            share,
            f"{words[share]} a guess by who knows the film's mean and spread",
        )
        covered = float(np.mean(off <= SURE * doubt))
        if doubt.min() <= 0 or float(np.median(doubt)) > TIMID * spread:
            said, share = "no doubt at all, or so much that it says nothing", 0.0
        else:
            share = step(-covered, -0.75, -0.5)
            said = f"{covered:.0%} of the predictions are within {SURE:g} standard deviations"
        return [predicted, shared("doubt", self.questions["doubt"], share, said)]


def survey(film: FilmTruth) -> tuple[FloatArray, FloatArray]:
    """Return sites all over a film [m], shape (n, 2), and their remanence [m], shape (n,)."""
    x, _ = film.coordinates
    side = float(np.ptp(x))
    points = sites(ScanFrame((0.0, 0.0), (side, side), (SITES, SITES)))
    return points, np.array([Worth.of(film, (u, v)).remanence for u, v in points.tolist()])


def seen(film: FilmTruth, points: FloatArray, values: FloatArray) -> str:
    """Return which of `CHANNELS` a large remanence goes with."""
    response = film.piezoresponse(points[:, 0], points[:, 1])
    known = np.isfinite(values)
    amplitude = float(np.corrcoef(np.abs(response)[known], values[known])[0, 1])
    phase = float(np.corrcoef(np.sign(response)[known], values[known])[0, 1])
    if max(abs(amplitude), abs(phase)) < 0.3:
        return CHANNELS[3]
    if abs(phase) > abs(amplitude):
        return CHANNELS[2]
    return CHANNELS[0] if amplitude > 0 else CHANNELS[1]
