"""Chooser: what all agents share, the book of what was proposed and what was found."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import AgentError
from ..instrument import FloatArray
from .candidates import Candidates
from .protocol import Observation, Proposal


class Chooser(ABC):
    """Keeps the book, so that an agent need only say which free candidate comes next.

    A candidate that is pending is not proposed again, nor is one that was proposed or measured
    unless repetition is asked for, nor one that is forbidden or nearer to a measured position than
    the candidates' spacing allows.

    Args:
        candidates: What can be chosen.
        repeats: Whether what was measured may be measured again.
    """

    def __init__(self, candidates: Candidates, repeats: bool = False) -> None:
        self._candidates = candidates
        self._repeats = repeats
        self._taken = np.zeros(len(candidates), dtype=bool)
        self._forbidden = np.zeros(len(candidates), dtype=bool)

    @property
    def candidates(self) -> Candidates:
        """What can be chosen."""
        return self._candidates

    def tell(self, observations: Sequence[Observation]) -> None:
        """Learn what was found; a value that is not finite only counts as measured.

        Raises:
            AgentError: An observation is of no candidate, or lacks what the agent learns from; none
                of them was taken in.
        """
        for observation in observations:
            self._check_observation(observation)
        for observation in observations:
            self._take(observation.candidate)
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
        self._await(pending)
        waiting = list(dict.fromkeys(pending))
        proposals: list[Proposal] = []
        for _ in range(n):
            free = ~(self._taken | self._forbidden)
            free[waiting] = False
            if not free.any():
                break
            proposal = self._choose(free, waiting)
            self._note_choice(proposal)
            waiting.append(proposal.candidate)
            proposals.append(proposal)
        return proposals

    def forbid(self, where: NDArray[np.bool_]) -> None:
        """Never propose some candidates again; what was found there is kept.

        Args:
            where: Which ones, shape (N,).

        Raises:
            AgentError: There are not as many candidates.
        """
        self._forbidden |= self._mask(where)

    def allow(self, where: NDArray[np.bool_]) -> None:
        """Take back what was forbidden; raises as `forbid` does."""
        self._forbidden &= ~self._mask(where)

    def set_exploration(self, weight: float) -> None:
        """Change the weight of what is not known.

        Raises:
            AgentError: The agent has no such weight.
        """
        raise AgentError(
            f"the agent ({type(self).__name__}) has no weight of exploration, {weight:g} was given"
        )

    def retell(self, observations: Sequence[Observation]) -> None:
        """Learn anew from these in place of all that was told; raises as `tell` does."""
        for observation in observations:
            self._check_observation(observation)
        self._forget()
        self.tell(observations)

    def _take(self, candidate: int) -> None:
        """Note that a candidate will not be proposed again, nor what is too near to it."""
        m = len(self._candidates.levels)
        if not self._repeats:
            self._taken[candidate] = True
        if self._candidates.spacing > 0:
            away = self._candidates.positions - self._candidates.position(candidate)
            near = np.hypot(*away.T) < self._candidates.spacing
            self._taken |= np.repeat(near, m)

    def _await(self, pending: Sequence[int]) -> None:
        """Note that candidates are being measured."""
        for candidate in pending:
            self._check(candidate)
            self._take(candidate)

    def _note_choice(self, proposal: Proposal) -> None:
        """Note what was chosen, a moment ago or by an agent that is being resumed."""
        self._take(proposal.candidate)

    def _forget(self) -> None:  # noqa: B027  an agent without a model has nothing to forget
        """Forget all observations; what was measured stays measured."""

    def _mask(self, where: NDArray[np.bool_]) -> NDArray[np.bool_]:
        if where.shape != self._taken.shape:
            raise AgentError(
                f"a mask of shape {where.shape} does not fit {len(self._taken)} candidates"
            )
        return where

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
        averages: int = 1,
        cost: float = np.nan,
        noise: float = np.nan,
        rule: str = "",
    ) -> Proposal:
        """Make a proposal of a candidate."""
        x, y = self._candidates.position(candidate)
        levels = self._candidates.levels
        level = candidate % len(levels)
        return Proposal(
            candidate=int(candidate),
            x=x,
            y=y,
            bias=float(levels.bias[level]),
            duration=float(levels.duration[level]),
            reason=reason,
            mean=mean,
            deviation=deviation,
            score=score,
            runner_up=runner_up,
            averages=averages,
            cost=cost,
            noise=noise,
            rule=rule,
        )

    def _check_observation(self, observation: Observation) -> None:
        """Refuse an observation that cannot be learned from."""
        self._check(observation.candidate)

    def _check(self, candidate: int) -> None:
        if not 0 <= candidate < len(self._candidates):
            raise AgentError(
                f"there is no candidate {candidate}; the last of the {len(self._candidates)} is "
                f"{len(self._candidates) - 1}"
            )


def two_best(score: FloatArray, free: NDArray[np.bool_]) -> tuple[int, int]:
    """Return the free candidate with the highest score, and the one that comes second.

    Args:
        score: Of each candidate, shape (N,); minus infinity is allowed.
        free: Which ones may be chosen, shape (N,), of which there is at least one.

    Returns:
        The best one, the first free one where all scores are minus infinity; and the second, -1
        when there is none.
    """
    score = np.where(free, score, -np.inf)
    best = int(np.argmax(score))
    if not free[best]:
        best = int(np.argmax(free))
    score[best] = -np.inf
    second = int(np.argmax(score))
    return best, second if free[second] and second != best else -1


class Queue:
    """Candidates in an order that was settled beforehand.

    Args:
        order: The candidates, shape (n,).
    """

    def __init__(self, order: NDArray[np.int64]) -> None:
        self._order = order

    def first(self, free: NDArray[np.bool_]) -> int | None:
        """Return the first one that is free, None when none is."""
        is_free = free[self._order]
        place = int(np.argmax(is_free))
        return int(self._order[place]) if is_free[place] else None

    def second(self, free: NDArray[np.bool_]) -> int:
        """Return the next free one after the first, -1 when there is none."""
        places = np.flatnonzero(free[self._order])
        return int(self._order[places[1]]) if len(places) > 1 else -1
