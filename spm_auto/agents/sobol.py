"""Sobol: an agent that learns nothing and spreads its points evenly, however many there will be."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..instrument import FloatArray
from .candidates import Candidates
from .chooser import Chooser
from .protocol import Agent, AgentSettings, Proposal

_BLOCK = 256  # points drawn at once; a power of two, as the sequence is balanced over these


class SobolAgent(Chooser):
    """Visits the free candidate nearest to each point of a Sobol sequence over the frame.

    Unlike a grid it need not know the budget: the points so far are always spread evenly. Where
    several biases may be chosen they are the third axis. The whole sequence is shifted at random.

    Args:
        candidates: What can be chosen.
        rng: Its randomness; used once, here.

    Source:
        I. M. Sobol', USSR Comput. Math. Math. Phys. 7, 86 (1967); the shift: R. Cranley and
        T. N. L. Patterson, SIAM J. Numer. Anal. 13, 904 (1976).
    """

    def __init__(self, candidates: Candidates, rng: np.random.Generator) -> None:
        from scipy.stats import qmc  # here, so that naming an agent stays quick

        super().__init__(candidates)
        self._places = _in_unit_cube(candidates)
        axes = self._places.shape[1]
        self._shift = rng.random(axes)
        self._sequence = qmc.Sobol(axes, scramble=False)
        self._drawn: list[FloatArray] = []

    def _choose(self, free: NDArray[np.bool_], pending: Sequence[int]) -> Proposal:  # noqa: ARG002
        if not self._drawn:
            self._drawn = list((self._sequence.random(_BLOCK) + self._shift) % 1.0)[::-1]
        left = np.flatnonzero(free)
        apart = np.sum((self._places[left] - self._drawn.pop()) ** 2, axis=1)
        return self._propose(int(left[np.argmin(apart)]), "next of a Sobol sequence")


class SobolSettings(AgentSettings):
    """Spreads its points evenly at every budget, without learning anything."""

    kind: Literal["sobol"] = "sobol"

    def build(self, candidates: Candidates, rng: np.random.Generator) -> Agent:
        """Make the agent."""
        return SobolAgent(candidates, rng)


def _in_unit_cube(candidates: Candidates) -> FloatArray:
    """Return the candidates' places as shares of the frame and of the span of the biases.

    Returns:
        Shape (n, 2), or (n, 3) where there is more than one bias.
    """
    x, y, bias = candidates.points.T
    line, pixel = candidates.frame.to_pixel(x, y)
    lines, pixels = candidates.frame.shape
    places = [(pixel + 0.5) / pixels, (line + 0.5) / lines]
    levels = np.unique(bias[np.isfinite(bias)])
    if len(levels) > 1:
        # evenly by rank, so that each bias has its share whatever their distances
        places.append((np.searchsorted(levels, bias) + 0.5) / len(levels))
    return np.column_stack(places)
