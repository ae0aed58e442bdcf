"""Onlookers: simulated humans who look on; they know what an operator sees, and no more."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spm_auto.tasks import Avoid, Choices, Human, Shown, Wish


class Releaser(Human):
    """Sees that an agent stays where it is and finds nothing better, and sends it away.

    When the last acts all lie together, and the best of them is no better than what was found
    before them, their region is closed; then so many acts must pass before he looks again.

    Args:
        patience: Acts that must lie together.
        near: How near to their middle [m].
        radius: Of what is closed around it [m].
    """

    def __init__(self, patience: int, near: float, radius: float) -> None:
        self._patience = patience
        self._near = near
        self._radius = radius
        self._since = 0

    def look(self, shown: Shown) -> Sequence[Wish]:
        """Return the region that is to be left, if there is one."""
        begin = len(shown.chosen) - self._patience
        if begin < max(self._since, 1):
            return ()
        places = shown.choices.points[list(shown.chosen[begin:]), :2]
        x, y = np.median(places, axis=0).tolist()
        if np.hypot(*(places - (x, y)).T).max() > self._near:
            return ()
        late, early = shown.rewards[begin:], shown.rewards[:begin]
        if _best(late) > _best(early):
            return ()
        self._since = len(shown.chosen)
        why = f"{self._patience} acts here found nothing better"
        return (Avoid((x, y), radius=self._radius, why=why),)


class Expert(Human):
    """Knows where it is not worth while, from the image alone, and says so before the first act.

    Args:
        choices: A square grid of places, line by line.
        useless: Which of them are not worth an act, shape (n,).
        why: In words.
    """

    def __init__(self, choices: Choices, useless: NDArray[np.bool_], why: str) -> None:
        self._regions = stripes(choices, useless, why)

    def look(self, shown: Shown) -> Sequence[Wish]:
        """Return what is to be left out, before anything was done."""
        return () if shown.chosen else self._regions


def stripes(choices: Choices, which: NDArray[np.bool_], why: str) -> tuple[Avoid, ...]:
    """Cover some places of a square grid by as few stripes along its lines as it takes.

    Args:
        choices: The places, line by line.
        which: Those to be covered, shape (n,).
        why: To be said of each.
    """
    along = math.isqrt(len(choices))
    if along**2 != len(choices):
        raise ValueError(f"{len(choices)} places are no square grid")
    x, y = choices.points[:along, 0], choices.points[::along, 1]
    pitch = float(x[1] - x[0])
    found = []
    for line, row in enumerate(which.reshape(along, along)):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], row, [False]]).astype(int)))
        for first, end in edges.reshape(-1, 2).tolist():
            middle = float(x[first] + x[end - 1]) / 2, float(y[line])
            found.append(Avoid(middle, size=((end - first - 0.5) * pitch, pitch / 2), why=why))
    return tuple(found)


def _best(rewards: Sequence[float]) -> float:
    good = [reward for reward in rewards if math.isfinite(reward)]
    return max(good, default=-math.inf)
