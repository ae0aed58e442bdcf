"""Rivals: what other rules would have chosen from what the agent's model believed at each fit."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..data import ModelFitted
from ..instrument import FloatArray
from .history import History
from .sight import Sight

RULES: Mapping[str, str] = {
    "upper bound": "mean + 2 deviations",
    "expected improvement": "how much better than the best it will be on average",
    "variance": "where least is known",
    "greedy": "the highest mean",
    "ranking": "farthest from the median of the overview, learns nothing",
    "random": "any place",
}
_NEAR = 3.0  # [pixel] two choices closer than that are as good as the same


@dataclass(frozen=True, slots=True)
class Cells:
    """What a fit believes of each pixel; where several biases share one, of the most promising.

    Attributes:
        rows: Line and pixel, shape (m, 2).
        mean: Predicted value, shape (m,).
        deviation: Standard deviation of the prediction, shape (m,).
    """

    rows: NDArray[np.int64]
    mean: FloatArray
    deviation: FloatArray


@dataclass(frozen=True, slots=True)
class Fork:
    """A moment at which the model had just been fitted, and what each rule would have done then.

    Attributes:
        number: Spectrum that was chosen then, counted from 1.
        fit: Which fit it was, from 0.
        agent: Line and pixel of what the agent chose.
        others: Line and pixel of what each rule would have chosen.
    """

    number: int
    fit: int
    agent: tuple[int, int]
    others: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a rule compares with the agent over all forks.

    Attributes:
        rule: Its name.
        meaning: What it does.
        same: Share of the forks at which it would have chosen the same place, within 3 pixels.
        promise: Mean of what the last fit expects at its places.
    """

    rule: str
    meaning: str
    same: float
    promise: float


def cells_of(fit: ModelFitted) -> Cells:
    """Return what a fit believes of each pixel."""
    rows = np.asarray(fit.rows, dtype=np.int64)
    mean = np.asarray(fit.mean, dtype=float)
    deviation = np.asarray(fit.deviation, dtype=float)
    order = np.lexsort((-(mean + 2 * deviation), rows[:, 1], rows[:, 0]))
    rows = rows[order]
    first = np.ones(len(rows), dtype=bool)
    first[1:] = (np.diff(rows, axis=0) != 0).any(axis=1)
    return Cells(rows[first], mean[order][first], deviation[order][first])


def forks_of(history: History, sight: Sight | None) -> list[Fork]:
    """Return what each rule would have chosen right after each fit.

    Args:
        history: What the agent did.
        sight: What it saw, for the ranking; None leaves that out.
    """
    forks: list[Fork] = []
    pixels = history.pixels
    for index, fit in enumerate(history.fits):
        after = [n for n, choice in enumerate(history.choices) if choice.fits == index + 1]
        if not after or fit.quantity:  # the last fit, made for the record; or not of the value
            continue
        n = after[0]
        cells = cells_of(fit)
        is_now = history.judges[index] == history.scalarizer
        told = history.of("value" if is_now else "first_value")[:n]
        best = float(np.nanmax(told)) if np.isfinite(told).any() else math.nan
        free = _free(cells.rows, pixels[:n])
        if free.any():
            picks = _picks(cells, free, best, np.random.default_rng(index))
            if sight is not None:
                picks["ranking"] = sight.rank(cells.rows)
            others = {
                rule: _pixel(cells.rows[int(np.argmax(np.where(free, picks[rule], -np.inf)))])
                for rule in RULES
                if rule in picks
            }
            forks.append(Fork(history.choices[n].number, index, _pixel(pixels[n]), others))
    return forks


def promises(forks: list[Fork], last: ModelFitted) -> dict[str, FloatArray]:
    """Return what the last fit expects where each rule would have gone, the agent included.

    Args:
        forks: What was chosen.
        last: The last fit: the best judgement that there is in hindsight.

    Returns:
        By rule, "agent" first, shape (n,); NaN where the fit says nothing.
    """
    cells = cells_of(last)
    known = {_pixel(row): value for row, value in zip(cells.rows, cells.mean, strict=True)}
    names = ["agent", *(forks[0].others if forks else ())]
    return {
        name: np.array(
            [known.get(f.agent if name == "agent" else f.others[name], math.nan) for f in forks]
        )
        for name in names
    }


def verdicts(forks: list[Fork], last: ModelFitted) -> list[Verdict]:
    """Compare each rule with the agent, the agent itself first."""
    if not forks:
        return []
    expected = promises(forks, last)
    found = []
    for rule, values in expected.items():
        places = [f.agent if rule == "agent" else f.others[rule] for f in forks]
        near = [
            math.dist(place, fork.agent) <= _NEAR for place, fork in zip(places, forks, strict=True)
        ]
        promise = float(np.nanmean(values)) if np.isfinite(values).any() else math.nan
        meaning = RULES.get(rule, "what was done")
        found.append(Verdict(rule, meaning, sum(near) / len(near), promise))
    return found


def _picks(
    cells: Cells, free: NDArray[np.bool_], best: float, rng: np.random.Generator
) -> dict[str, FloatArray]:
    return {
        "upper bound": cells.mean + 2 * cells.deviation,
        "expected improvement": _log_improvement(cells.mean, cells.deviation, best),
        "variance": cells.deviation,
        "greedy": cells.mean,
        "random": rng.random(len(free)),
    }


def _log_improvement(mean: FloatArray, deviation: FloatArray, best: float) -> FloatArray:
    """Return the logarithm of the expected improvement; where it underflows, what ranks alike."""
    from scipy import special

    s = np.maximum(deviation, 1e-300)
    u = (mean - best) / s
    density = np.exp(-0.5 * u**2) / math.sqrt(2 * math.pi)
    gain = density + u * special.ndtr(u)
    tail = -0.5 * u**2 - 2 * np.log(np.maximum(-u, 1.0)) - 0.5 * math.log(2 * math.pi)
    near = u > -20
    return np.log(s) + np.where(near, np.log(np.where(near & (gain > 0), gain, 1.0)), tail)


def _free(rows: NDArray[np.int64], taken: NDArray[np.int64]) -> NDArray[np.bool_]:
    seen = {_pixel(row) for row in taken}
    return np.array([_pixel(row) not in seen for row in rows], dtype=bool)


def _pixel(row: NDArray[np.int64]) -> tuple[int, int]:
    return int(row[0]), int(row[1])
