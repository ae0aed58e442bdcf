"""bandits: which pulse writes a domain at what price, near a wall and far from one; and a tour."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from spm_auto.instrument import BiasWaveform, FloatArray
from spm_auto.lessons import Answer, Lesson, Mark, Question, Tolerance, mark

from ..truth import FilmTruth
from .behind import behind, chance
from .marking import Place, each, numbers, places, shared, shortest, step

ARMS = (3.0, 4.5, 6.0, 8.0)  # [V]
WORDS = tuple(f"{arm:g} V" for arm in ARMS)
PRICE = 0.008  # of a pulse, times the square of its bias [1/V^2]
NEAR = (8e-9, 22e-9)  # distances from the nearest wall [m]
DEEP = 75e-9  # and from here on [m]
TRIALS = 60  # sites of each kind, where the grader tries
FORGIVEN, POOR = 0.05, 0.12  # by which an arm may be worth less than the best
HILLS = 8
HIGH = 0.9  # share of the film that a hill stands above
AROUND = 30e-9  # from its top [m]
APART = 200e-9  # of two hills, at least [m]
BEFORE, AFTER = 6, 9  # points of a pulse's spectrum that are read before it, and from where on

_LAB = """\
schema_version = 1
laboratory = "bandits"

[instrument]
kind = "simulator"
level = 1
technique = {{ kind = "pfm", noise = {{ contact_gain = 0.0, response_wander = 0.03 }} }}

[instrument.sample]
kind = "ferroelectric_film"
thickness = "300 nm"
pinning = {pinning:.4f}
built_in_field = {built_in:.4f}
response_spread = 0.2
roughness_length = "120 nm"

[limits]
bias = ["-10 V", "10 V"]
scan_speed = "50 um/s"

[clock]
kind = "instant"
"""


def pulse(bias: float) -> BiasWaveform:
    """Return a pulse of 16 ms [V], read at 0 V before and after it."""
    return BiasWaveform((0.0,) * BEFORE + (bias,) * 2 + (0.0,) * 7)


class Bandits(Lesson):
    """Arms are pulses, the context is the distance from a domain wall."""

    number = 7
    name = "bandits"
    title = "Bandits, and the shortest way"
    questions: ClassVar[Mapping[str, Question]] = {
        "near": Question("Which pulse is worth most near a wall?", options=WORDS),
        "deep": Question("Which pulse is worth most deep in a domain?", options=WORDS),
        "expected": Question(
            "What is the best pulse worth on average, near a wall and deep in a domain?",
            unit="1",
            size=2,
        ),
        "context": Question(
            "By how much is a pulse worth more on average if it is chosen by context, than the "
            "best one used everywhere (both kinds of place equally often)?",
            unit="1",
            points=0.5,  # it is small on every film, so that it is guessed easily
        ),
        "tour": Question(
            "In which order does the tip visit eight hills on the shortest way (x, y of each)?",
            unit="m",
            size=2 * HILLS,
            points=3.0,
        ),
    }
    tolerances: ClassVar[Mapping[str, Tolerance]] = {"context": Tolerance(0.08)}

    def lab(self, seed: int) -> str:
        """Return the lab file: how strongly walls are pinned and the built-in field are drawn."""
        rng = chance(self, seed)
        return _LAB.format(
            pinning=float(np.exp(rng.uniform(np.log(0.06), np.log(0.5)))),
            built_in=float(rng.uniform(-0.03, 0.0)),
        )

    def truth(self, seed: int) -> Mapping[str, Answer]:
        """Return what each pulse is worth, and the highest hills on the shortest way."""
        stage = behind(self, seed)
        worth = rewards(stage.truth.film)
        best = worth.argmax(axis=1)
        return {
            "near": WORDS[int(best[0])],
            "deep": WORDS[int(best[1])],
            "expected": tuple(worth.max(axis=1).tolist()),
            "context": gain(worth),
            "tour": tuple(x for place in way(hills(stage.truth.film)) for x in place),
        }

    def grade(self, seed: int, answers: Mapping[str, Answer]) -> Sequence[Mark]:
        """Mark answers: a pulse by what it is worth, a tour by its hills and its length."""
        film = behind(self, seed).truth.film
        worth, questions = rewards(film), self.questions
        off = np.abs(np.subtract(numbers(answers["expected"]), worth.max(axis=1)))
        return [
            self._arm("near", answers["near"], worth[0]),
            self._arm("deep", answers["deep"], worth[1]),
            each("expected", questions["expected"], off.tolist(), 0.12, 0.2),
            mark("context", questions["context"], answers["context"], gain(worth),
                 self.tolerances["context"]),
            self._tour(places(answers["tour"]), film),
        ]  # fmt: skip

    def _arm(self, name: str, answer: Answer, worth: FloatArray) -> Mark:
        lost = float(worth.max() - worth[WORDS.index(str(answer))])
        share = step(lost, FORGIVEN, POOR)
        words = {1.0: "worth as much as any", 0.5: "worth a little less", 0.0: "worth less"}
        return shared(name, self.questions[name], share, words[share])

    def _tour(self, tour: list[Place], film: FilmTruth) -> Mark:
        question = self.questions["tour"]
        apart = np.hypot(*(np.subtract.outer(np.array(tour)[:, k], np.array(tour)[:, k])
                           for k in (0, 1)))  # fmt: skip
        if not np.all(apart[np.triu_indices(len(tour), 1)] >= APART):
            return shared(question=question, name="tour", share=0.0, said="not eight hills")
        high = sum(is_hill(film, place) for place in tour)
        length = sum(float(apart[i, i + 1]) for i in range(len(tour) - 1))
        longer = length / shortest(tour) - 1
        share = step(longer, 0.01, 0.1)
        ways = {1.0: "the shortest way", 0.5: "not quite the shortest way", 0.0: "a long way"}
        said = f"{high} of {len(tour)} are hills; {ways[share]}"
        better = max(0.0, 2 * high / len(tour) - 1)  # half of them may be hills by chance
        return shared("tour", question, better * (1 + share) / 2, said)


def contexts(film: FilmTruth) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which cells of a film lie near a wall, and which deep in a domain."""
    away = film.distance_to_wall
    return (away >= NEAR[0]) & (away <= NEAR[1]), away >= DEEP


def rewards(film: FilmTruth) -> FloatArray:
    """Return what each pulse is worth on average on the untouched film.

    It is worth 1 where it turns the polarisation over, less its price.

    Returns:
        Shape (2, arms): near a wall, and deep in a domain.
    """
    x, y = film.coordinates
    up = film.polarization
    worth = np.zeros((2, len(ARMS)))
    for row, cells in enumerate(contexts(film)):
        at = np.flatnonzero(cells.ravel())
        at = at[np.linspace(0, len(at) - 1, min(TRIALS, len(at))).astype(int)]
        for column, arm in enumerate(ARMS):
            turned = [
                turns(film.loop(x.flat[i], y.flat[i], pulse(-float(np.sign(up.flat[i])) * arm))[0])
                for i in at
            ]
            worth[row, column] = np.mean(turned) - PRICE * arm**2
    return worth


def turns(response: FloatArray) -> bool:
    """Return whether a response has another sign after a pulse than before it."""
    return bool(np.mean(response[:BEFORE]) * np.mean(response[AFTER:]) < 0)


def gain(worth: FloatArray) -> float:
    """Return what knowing the context is worth, for a pulse."""
    return float(worth.max(axis=1).mean() - worth.mean(axis=0).max())


def is_hill(film: FilmTruth, place: Place) -> bool:
    """Return whether the film stands high within reach of a place."""
    height = film.properties.height
    x, y = film.coordinates
    around = np.hypot(x - place[0], y - place[1]) <= AROUND
    if not around.any():
        return False
    return bool(height[around].max() >= np.quantile(height, HIGH))


def hills(film: FilmTruth) -> list[Place]:
    """Return the highest places of a film that are far enough apart [m]."""
    height = film.properties.height
    x, y = film.coordinates
    found: list[Place] = []
    for i in np.argsort(-height, axis=None):
        place = (float(x.flat[i]), float(y.flat[i]))
        if all(np.hypot(place[0] - u, place[1] - v) > 1.05 * APART for u, v in found):
            found.append(place)
        if len(found) == HILLS:
            break
    return found


def way(points: Sequence[Place]) -> list[Place]:
    """Return points in the order of the shortest open path through them."""
    rest, total = list(points), shortest(points)
    for first in points:
        path = _continued([first], [p for p in rest if p != first], total)
        if path:
            return path
    raise ValueError(f"no path through {len(points)} points is {total} m long")


def _continued(path: list[Place], rest: list[Place], budget: float) -> list[Place]:
    """Return a path through all of the rest within the budget [m]; empty where there is none."""
    if not rest:
        return path
    x, y = path[-1]
    for new in sorted(rest, key=lambda p: float(np.hypot(p[0] - x, p[1] - y))):
        left = budget - float(np.hypot(new[0] - x, new[1] - y))
        if left >= -1e-12 * budget:
            found = _continued([*path, new], [p for p in rest if p != new], left)
            if found:
                return found
    return []
