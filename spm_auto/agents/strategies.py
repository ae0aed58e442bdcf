"""Strategies: an optimizer from outside, which asks and is told, becomes an agent.

Most of them look for the best point of a box. `Space` shows them the candidates as points of the
unit cube, and takes the free one that is nearest to what they ask for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import AgentError
from ..instrument import FloatArray
from .candidates import Candidates
from .chooser import Chooser
from .protocol import Observation, Proposal

Seen = Literal["place", "structure", "both"]
Asked = int | Sequence[float] | FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """The candidates as points of the unit cube.

    Attributes:
        names: Of the axes.
        points: Where each candidate lies, from 0 to 1 along each axis, shape (N, d).
    """

    names: tuple[str, ...]
    points: FloatArray

    @classmethod
    def of(cls, candidates: Candidates, seen: Seen = "place", components: int = 3) -> Self:
        """Make the space of what can be chosen.

        Args:
            candidates: What can be chosen.
            seen: Whether the axes are those of the frame, what the overview shows at a place, or
                both; what can be chosen besides the place is an axis always.
            components: How many principal components of the descriptors stand for the structure.

        Raises:
            AgentError: All candidates are the same in what is seen of them.
        """
        n, m = len(candidates.positions), len(candidates.levels)
        columns: dict[str, FloatArray] = {}
        if seen != "structure":
            line, pixel = candidates.frame.to_pixel(*candidates.positions.T)  # it may be turned
            columns |= {"x": np.repeat(pixel, m), "y": np.repeat(line, m)}
        if seen != "place":
            for number, column in enumerate(_components(candidates.descriptors, components)):
                columns[f"structure {number}"] = np.repeat(column, m)
        for number, column in enumerate(candidates.levels.inputs.T):
            columns[f"level {number}"] = np.tile(column, n)
        varied = {name: column for name, column in columns.items() if np.ptp(column) > 0}
        if not varied:
            said = f"all {n * m} candidates are the same" if columns else "there is no descriptor"
            raise AgentError(f"a strategy that sees the {seen} has nothing to choose by: {said}")
        scaled = [(column - column.min()) / np.ptp(column) for column in varied.values()]
        return cls(tuple(varied), np.column_stack(scaled))

    def nearest(self, asked: Asked, free: NDArray[np.bool_]) -> int:
        """Return the free candidate that is nearest to a point, or to a candidate.

        Args:
            asked: Number of a candidate, or a point of the unit cube, shape (d,).
            free: Which candidates may be chosen, shape (N,), of which there is at least one.

        Raises:
            AgentError: There is no such candidate, or it is no such point.
        """
        n, d = self.points.shape
        if isinstance(asked, int | np.integer):
            if not 0 <= asked < n:
                raise AgentError(f"a strategy asked for candidate {asked} of 0 to {n - 1}")
            point = self.points[asked]
        else:
            point = np.asarray(asked, dtype=float)
            if point.shape != (d,) or not np.isfinite(point).all():
                raise AgentError(
                    f"a strategy asked for {asked!r:.80}; a point has {d} finite numbers "
                    f"({', '.join(self.names)})"
                )
        left = np.flatnonzero(free)
        apart = np.sum((self.points[left] - point) ** 2, axis=1)
        return int(left[np.argmin(apart)])


class Strategy(Protocol):
    """An optimizer, wrapped so that it looks for the highest value; deterministic by its seed."""

    def ask(self, pending: Sequence[int]) -> Asked:
        """Say what to measure next: the number of a candidate, or a point of the unit cube.

        Args:
            pending: Candidates that are being measured, and were not told yet.
        """

    def tell(self, observation: Observation) -> None:
        """Learn what was found: NaN where a measurement was no good.

        It is told what was measured, which need not be what it asked for.
        """


class StrategyAgent(Chooser):
    """An agent that measures what a strategy asks for, where that is still free.

    A run that goes on asks it again, and holds the answers against the record.

    Args:
        candidates: What can be chosen.
        begin: Makes the strategy; once more when all is judged anew.
        space: The candidates as the strategy sees them.
        name: Of the strategy, for the record.
    """

    def __init__(
        self,
        candidates: Candidates,
        begin: Callable[[], Strategy],
        space: Space,
        name: str = "a strategy",
    ) -> None:
        super().__init__(candidates)
        self._begin, self._space, self._name = begin, space, name
        self._strategy = begin()

    def _learn(self, observation: Observation) -> None:
        self._strategy.tell(observation)

    def _give_up(self, candidate: int) -> None:
        self._strategy.tell(Observation(candidate, np.nan))

    def _forget(self) -> None:
        self._strategy = self._begin()

    def _choose(self, free: NDArray[np.bool_], pending: Sequence[int]) -> Proposal:
        asked = self._strategy.ask(pending)
        candidate = self._space.nearest(asked, free)
        return self._propose(candidate, f"{self._name} asked for it, or for what is beside it")


class RecallingAgent(StrategyAgent):
    """The same for a strategy whose answers follow from its seed and from what it was told alone.

    A run that goes on then does not think again: there is nothing to catch up on.
    """

    def recall(self, proposal: Proposal, pending: Sequence[int] = ()) -> None:
        """Take a proposal for what `ask` returned, without thinking.

        Args:
            proposal: What it returned.
            pending: Candidates that were pending then.

        Raises:
            AgentError: One is no candidate.
        """
        self._check(proposal.candidate)
        self._await(pending)
        self._note_choice(proposal)

    def save(self) -> Mapping[str, Any]:
        """Return what being told the same does not bring back: nothing."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what was saved, which is nothing.

        Raises:
            AgentError: It is the state of another agent.
        """
        if state:
            raise AgentError(f"the agent's state has {', '.join(state)}, this agent saves nothing")


def _components(descriptors: FloatArray, number: int) -> FloatArray:
    """Return the strongest principal components of the descriptors, shape (k, P).

    Each points so that its largest part is positive: an axis has no direction of its own.
    """
    centred = descriptors - descriptors.mean(axis=0)
    left, strength, _ = np.linalg.svd(centred, full_matrices=False)
    found = (left * strength).T[:number]
    largest = np.argmax(np.abs(found), axis=1)
    signs = np.sign(found[np.arange(len(found)), largest])
    return np.asarray(found * np.where(signs == 0, 1.0, signs)[:, None])
