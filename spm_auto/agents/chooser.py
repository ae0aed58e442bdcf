"""Chooser: what all agents share, the book of what was proposed and what was found."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import AgentError
from .candidates import Candidates
from .protocol import Observation, Proposal


class Chooser(ABC):
    """Keeps the book, so that an agent need only say which free candidate comes next.

    A candidate that was proposed, is pending or was measured is never proposed again.

    Args:
        candidates: What can be chosen.
    """

    def __init__(self, candidates: Candidates) -> None:
        self._candidates = candidates
        self._free = np.ones(len(candidates), dtype=bool)

    @property
    def candidates(self) -> Candidates:
        """What can be chosen."""
        return self._candidates

    def tell(self, observations: Sequence[Observation]) -> None:
        """Learn what was found; a value that is not finite only counts as measured.

        Raises:
            AgentError: An observation is of no candidate; none of them was taken in.
        """
        for observation in observations:
            self._check(observation.candidate)
        for observation in observations:
            self._free[observation.candidate] = False
            if np.isfinite(observation.value):
                self._learn(observation)
            else:
                self._give_up(observation.candidate)

    def ask(self, n: int = 1, pending: Sequence[int] = ()) -> list[Proposal]:
        """Choose the next points, fewer than asked for when the candidates run out.

        Args:
            n: How many.
            pending: Candidates that are being measured but were not told yet.

        Raises:
            AgentError: A pending one is no candidate.
            ValueError: ``n`` is negative.
        """
        if n < 0:
            raise ValueError(f"an agent can be asked for 0 or more points, got {n}")
        for candidate in pending:
            self._check(candidate)
            self._free[candidate] = False
        waiting = list(dict.fromkeys(pending))
        proposals: list[Proposal] = []
        for _ in range(min(n, int(np.count_nonzero(self._free)))):
            proposal = self._choose(self._free, waiting)
            self._free[proposal.candidate] = False
            waiting.append(proposal.candidate)
            proposals.append(proposal)
        return proposals

    def _learn(self, observation: Observation) -> None:  # noqa: B027  learning is optional
        """Take in a good observation; an agent without a model has no use for it."""

    def _give_up(self, candidate: int) -> None:  # noqa: B027  so is this
        """Take in that a measurement was no good."""

    @abstractmethod
    def _choose(self, free: NDArray[np.bool_], pending: Sequence[int]) -> Proposal:
        """Choose one of the free candidates, of which there is at least one.

        Args:
            free: Which candidates may be chosen, shape (N,); not to be changed.
            pending: Candidates that are on their way, this batch's included.
        """

    def _propose(
        self,
        candidate: int,
        reason: str,
        mean: float = np.nan,
        deviation: float = np.nan,
        score: float = np.nan,
        runner_up: int = -1,
    ) -> Proposal:
        """Make a proposal of a candidate."""
        x, y, bias = self._candidates.points[candidate].tolist()
        return Proposal(int(candidate), x, y, bias, reason, mean, deviation, score, runner_up)

    def _check(self, candidate: int) -> None:
        if not 0 <= candidate < len(self._candidates):
            raise AgentError(
                f"there is no candidate {candidate}; the last of the {len(self._candidates)} is "
                f"{len(self._candidates) - 1}"
            )


class Queue:
    """Candidates in an order that was settled beforehand.

    Args:
        order: The candidates, shape (n,).
    """

    def __init__(self, order: NDArray[np.int64]) -> None:
        self._order = order
        self._next = 0

    def first(self, free: NDArray[np.bool_]) -> int | None:
        """Return the first one that is free, None when none is."""
        while self._next < len(self._order) and not free[self._order[self._next]]:
            self._next += 1  # what is not free never becomes so again
        return int(self._order[self._next]) if self._next < len(self._order) else None

    def second(self, free: NDArray[np.bool_]) -> int:
        """Return the next free one after the first, -1 when there is none."""
        for candidate in self._order[self._next + 1 :]:
            if free[candidate]:
                return int(candidate)
        return -1
