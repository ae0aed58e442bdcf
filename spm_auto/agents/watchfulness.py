"""Watchfulness: is the agent stuck, are its predictions still true, did the tip change?

Functions of a run's history, and `Lookout`, which keeps that history and speaks up once per cause.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, pstdev

import numpy as np

from ..instrument import FloatArray, ScanFrame
from .protocol import Fit, Proposal

Z_90 = 1.6448536269514722  # a normal variable lies within +- this with a probability of 0.9
WINDOW = 20  # predictions whose intervals are counted
RARE = 0.001  # a count that is less likely than this is taken for no chance
BROKEN = 3.0  # deviation of z once predictions do not hold, against 1 when they do
MOST = 4.0  # what one spectrum may count for at most: a single outlier is no tip change
SURE = 8.0  # evidence from which on a change is believed; false once in exp(8) = 3,000 spectra
BEFORE = 10  # predictions that must have gone before a change can be told from the usual
LONG = 200  # predictions that are looked back at
SAME = 15  # choices in a row that must lie together
NEAR = 0.05  # how near together, in diagonals of the frame
FLAT = 0.1  # how little the acquisition function may vary, as a part of its variation in the run


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that a human should know of.

    Attributes:
        cause: "stuck", "calibration" or "tip".
        message: What, since when, with figures.
    """

    cause: str
    message: str


@dataclass(frozen=True, slots=True)
class Sight:
    """A spectrum as the lookout sees it.

    Attributes:
        number: Counts the agent's spectra from 1.
        x: Where [m].
        y: Where [m].
        score: Value of the acquisition function there, NaN when it was not asked.
        value: What was found, NaN when the spectrum is no good.
        z: How far that is from the prediction, in standard deviations; NaN without a prediction.
        usual: How far others before it were, as `usual_size` says.
    """

    number: int
    x: float
    y: float
    score: float
    value: float
    z: float
    usual: float = 1.0


def z_score(value: float, mean: float, deviation: float, noise: float = 0.0) -> float:
    """Return how far a value lies from its prediction, in standard deviations, noise included.

    Args:
        value: What was found.
        mean: What was predicted.
        deviation: Standard deviation of the prediction, noise excluded.
        noise: Standard deviation of the noise.
    """
    spread = math.hypot(deviation, noise)
    known = math.isfinite(value) and math.isfinite(mean) and 0 < spread < math.inf
    return (value - mean) / spread if known else math.nan


def noise_of(fit: Fit | None, values: Sequence[float]) -> float:
    """Return the noise that a model found, in units of the values; 0 where it did not say.

    Models name the variance of their noise in units of the variance of all values.

    Args:
        fit: The last fit.
        values: All good values so far.
    """
    if fit is None:
        return 0.0
    return noise_deviation(fit.parameters, values[: fit.n_observations])


def noise_deviation(parameters: Mapping[str, float], values: Sequence[float]) -> float:
    """Return the noise of a model with these parameters, fitted to these values; see `noise_of`."""
    variance = parameters.get("noise_variance", 0.0)
    if len(values) < 2 or not 0 <= variance < math.inf:
        return 0.0
    return math.sqrt(variance) * pstdev(values)


def chance_of_so_few(inside: int, n: int, share: float = 0.9) -> float:
    """Return the probability that at most so many of n predictions lie within their intervals.

    The cumulative binomial distribution.

    Args:
        inside: How many do.
        n: Out of how many.
        share: Probability that one does, were the model right.
    """
    return sum(math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(inside + 1))


def evidence_of_change(z: FloatArray) -> FloatArray:
    """Return how much speaks for a change that came suddenly, after each prediction, shape (n,).

    The sum of the logarithms of the ratio of the likelihoods that z has a deviation of `BROKEN`
    rather than 1, begun anew whenever it falls below zero; one prediction counts for `MOST` at the
    most, and the sum stays below twice `SURE` so that it can come down again.

    Args:
        z: Errors of the predictions in units of their usual size, shape (n,).

    Source:
        E. S. Page, Biometrika 41, 100 (1954); its rate of false alarms: G. Lorden, Ann. Math.
        Stat. 42, 1897 (1971).
    """
    ratio = 0.5 * z**2 * (1 - BROKEN**-2) - math.log(BROKEN)
    total, sums = 0.0, np.empty(len(z))
    for index, step in enumerate(np.minimum(ratio, MOST)):
        total = min(max(0.0, total + step), 2 * SURE)
        sums[index] = total
    return sums


def is_stuck(sights: Sequence[Sight], extent: float) -> bool:
    """Say whether the last choices lie together, found nothing better, and promise the same.

    Args:
        sights: All spectra that were chosen by an acquisition function, in order.
        extent: Diagonal of the frame [m].
    """
    if len(sights) < 2 * SAME:
        return False
    last, earlier = sights[-SAME:], sights[:-SAME]
    x, y = median(s.x for s in last), median(s.y for s in last)
    together = all(math.hypot(s.x - x, s.y - y) <= NEAR * extent for s in last)
    found = [s.value for s in last if math.isfinite(s.value)]
    before = [s.value for s in earlier if math.isfinite(s.value)]
    better = bool(found) and (not before or max(found) > max(before))
    scores = [s.score for s in last]
    everything = [s.score for s in sights]
    flat = max(scores) - min(scores) <= FLAT * (max(everything) - min(everything))
    return together and flat and not better


class Lookout:
    """Keeps a run's history, and says once what a human should know of, until it is over.

    Args:
        frame: Frame of the overview.
    """

    def __init__(self, frame: ScanFrame) -> None:
        self._extent = math.hypot(*frame.size)
        self._sights: list[Sight] = []
        self._since = 0  # what was before it was judged by another scalarizer
        self._predicted: deque[Sight] = deque(maxlen=LONG)
        self._raised: set[str] = set()

    @property
    def sights(self) -> tuple[Sight, ...]:
        """All spectra so far."""
        return tuple(self._sights)

    def forget(self) -> None:
        """Begin anew: values and predictions are of something else from now on."""
        self._since = len(self._sights)
        self._predicted.clear()
        self._raised.clear()

    def see(self, proposal: Proposal, value: float, noise: float = 0.0) -> list[Concern]:
        """Take in a spectrum; returns what has newly become a concern.

        Args:
            proposal: Where it was taken, and what was expected.
            value: What was found, NaN when it is no good.
            noise: Standard deviation of the noise that the prediction leaves out.
        """
        z = z_score(value, proposal.mean, proposal.deviation, noise)
        number, where = len(self._sights) + 1, (proposal.x, proposal.y)
        usual = usual_size([s.z for s in self._predicted])
        sight = Sight(number, *where, proposal.score, value, z, usual)
        self._sights.append(sight)
        found: list[Concern] = []
        if math.isfinite(proposal.score):
            seen = self._sights[self._since :]
            found += self._note("stuck", self._stuck([s for s in seen if math.isfinite(s.score)]))
        if not math.isnan(z):
            self._predicted.append(sight)
            predicted = list(self._predicted)
            found += self._note("calibration", self._calibration(predicted))
            found += self._note("tip", self._tip(predicted))
        return found

    def _note(self, cause: str, message: str) -> list[Concern]:
        """Speak up when a cause is new; take it for over when there is no message any more."""
        if not message:
            self._raised.discard(cause)
            return []
        if cause in self._raised:
            return []
        self._raised.add(cause)
        return [Concern(cause, message)]

    def _stuck(self, sights: list[Sight]) -> str:
        if not is_stuck(sights, self._extent):
            return ""
        first = sights[-SAME].number
        return (
            f"the agent is stuck: since spectrum {first} it chose {SAME} points within "
            f"{100 * NEAR:.0f} % of the frame's diagonal, found nothing better there, and expects "
            "as much of the next one as of the first"
        )

    def _calibration(self, sights: list[Sight]) -> str:
        last = sights[-WINDOW:]
        inside = sum(abs(s.z) <= Z_90 for s in last)
        chance = chance_of_so_few(inside, len(last))
        # once raised it stays until the count is nothing out of the ordinary
        if len(last) < WINDOW or chance > (0.1 if "calibration" in self._raised else RARE):
            return ""
        return (
            f"predictions are too sure of themselves: since spectrum {last[0].number} only "
            f"{inside} of {WINDOW} spectra lie within their 90 % interval where "
            f"{round(0.9 * WINDOW)} should (a chance of {chance:.1g})"
        )

    def _tip(self, sights: list[Sight]) -> str:
        if len(sights) <= BEFORE:
            return ""
        z = np.array([s.z for s in sights])
        usual = np.array([s.usual for s in sights])
        sums = evidence_of_change(z / usual)
        if sums[-1] < (1e-9 if "tip" in self._raised else SURE):
            return ""
        quiet = np.flatnonzero(sums == 0)
        first = int(quiet[-1]) + 1 if quiet.size else 0
        size = float(np.sqrt(np.mean(z[first:] ** 2)))
        return (
            f"the tip may have changed: since spectrum {sights[first].number} spectra differ from "
            f"their prediction by {size:.1f} standard deviations, {usual[first]:.1f} were usual "
            "before"
        )


def usual_size(earlier: Sequence[float]) -> float:
    """Return how large errors of predictions usually were, at least 1.

    The larger of 1.48 times the median of the magnitudes and 0.61 times their ninth decile, which
    are both 1 for a normal variable: the second knows of heavy tails. The last five are left out,
    that a change does not become the usual; 1 until there are `BEFORE` besides.

    Args:
        earlier: Errors so far in units of the predicted deviation.
    """
    known = np.abs(earlier[:-5])
    if len(known) < BEFORE:
        return 1.0
    middle, tail = np.percentile(known, (50, 90))
    return max(1.0, 1.4826 * float(middle), float(tail) / Z_90)
