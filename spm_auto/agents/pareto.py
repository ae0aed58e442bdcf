"""Pareto: the agent that looks for the best compromises between two or three scalarizers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import AgentError
from ..instrument import FloatArray
from .acquisition import (
    hypervolume,
    log_expected_hypervolume_improvement,
    log_per_second,
    non_dominated,
)
from .acquisition.hypervolume import boxes
from .candidates import Candidates
from .chooser import Chooser, two_best
from .learner import LearningAgent
from .posterior import Posterior
from .protocol import Observation, Proposal
from .settings import LearnerSettings, ParetoSettings
from .state import entries
from .surrogate import GaussianProcess, Inputs

ALL = 65_536  # candidates up to which the improvement is worked out for each
SHORTLIST = 16_384  # candidates that it is worked out for when there are more
HOPE = 1.0  # deviations above its mean at which a candidate is taken for the shortlist
MARGIN = 1.0  # deviations of what was found, that the reference point lies below the front
_BLOCK = 16_384  # candidates worked on at once


class ParetoAgent(LearningAgent):
    """Measures where the dominated volume is expected to grow most.

    Each objective has a Gaussian process of its own: this agent's is that of the first, and of the
    further ones each has a learner that is told what they are. A spectrum is good when all
    scalarizers say so. The front is that of the predicted values of what was measured, so that
    noise does not make it; and volumes are of standardised values, as the choice does not depend on
    units. They are measured from a point a standard deviation below the front: while the front is
    short, a point nearer to it would make the agent refine its middle and leave out its ends.

    With more than `ALL` candidates the expected improvement is worked out for a shortlist only:
    those to which a measurement of `HOPE` deviation above the mean would add most.

    Args:
        candidates: What can be chosen.
        settings: How to choose.
        rng: Its randomness; used once, here.

    Source:
        M. Emmerich, K. Giannakoglou, B. Naujoks, IEEE Trans. Evol. Comput. 10, 421 (2006).
    """

    def __init__(
        self, candidates: Candidates, settings: ParetoSettings, rng: np.random.Generator
    ) -> None:
        self._trusts_ranking = settings.prior_mean == "ranking"
        learner = LearnerSettings.of(settings, "expected_improvement")
        super().__init__(candidates, learner, [self._model(candidates)], rng)
        self._further: list[LearningAgent] = []

    def set_exploration(self, weight: float) -> None:
        """Refuse: an expected improvement has no such weight."""
        Chooser.set_exploration(self, weight)

    def _learned(self) -> dict[str, Any]:
        return super()._learned() | {"further": [learner.save() for learner in self._further]}

    def _relearn(self, state: Mapping[str, Any]) -> None:
        further = entries(state, "further", len(self._further))
        super()._relearn(state)
        for learner, saved in zip(self._further, further, strict=True):
            learner.restore(saved)

    def _train(self) -> None:
        super()._train()
        for learner in self._further:
            learner.refit()

    def _condition(self) -> None:
        super()._condition()
        assert self._fit is not None  # it was made just now
        front, reference = self._front(self._means())
        about = {"front_size": float(len(front)), "hypervolume": hypervolume(front, reference)}
        self._fit = replace(self._fit, parameters={**self._fit.parameters, **about})

    def _check_observation(self, observation: Observation) -> None:
        super()._check_observation(observation)
        if not math.isfinite(observation.value):
            return
        fewest, most = ParetoSettings.scalarizers
        told = 1 + len(observation.others)
        if not fewest <= told <= most:
            raise AgentError(f"the agent (pareto) needs {fewest} to {most} values, got {told}")
        if self._further and told != 1 + len(self._further):
            raise AgentError(f"{1 + len(self._further)} values were told before, now {told}")

    def _learn(self, observation: Observation) -> None:
        values = [value for value, _ in observation.others]
        if not np.isfinite(values).all():
            self._give_up(observation.candidate)
            return
        self._begin_further(len(values))
        super()._learn(observation)
        for learner, (value, noise) in zip(self._further, observation.others, strict=True):
            learner.tell([Observation(observation.candidate, value, noise)])
        if not all(learner._is_fitted for learner in self._further):
            self._voices[0].posterior = None  # one of them begins anew, and all are fitted together

    def _begin_further(self, number: int) -> None:
        if self._further:
            return
        settings, candidates = self._settings, self.candidates
        for _ in range(number):
            # these are told and never asked, so that what is drawn for them does not matter
            rng, model = np.random.default_rng(0), self._model(candidates)
            learner = LearningAgent(candidates, settings, [model], rng)
            learner.tell([Observation(candidate, math.nan) for candidate in self._failed])
            self._further.append(learner)

    def _model(self, candidates: Candidates) -> GaussianProcess:
        return GaussianProcess(Inputs.of(candidates), self._trusts_ranking)

    def _give_up(self, candidate: int) -> None:
        super()._give_up(candidate)
        for learner in self._further:
            learner.tell([Observation(candidate, math.nan)])

    def _forget(self) -> None:
        super()._forget()
        self._further.clear()

    def _best(self, free: NDArray[np.bool_], pending: Sequence[int]) -> Proposal:
        means = self._means()
        deviations = np.column_stack(
            [_posterior(learner).deviation_with(pending) for learner in self._learners]
        )
        gain = self._gain(means, deviations, free)
        gain += np.log(np.repeat(self._reliability.probability, len(self.candidates.levels)))
        costs = self._costs(pending)
        if costs is not None and self._settings.cost_aware:
            gain = log_per_second(gain, costs[1])
        candidate, runner_up = two_best(gain, free)
        return self._propose(
            candidate,
            "largest expected growth of what is dominated",
            mean=self._center + self._scale * float(means[candidate, 0]),
            deviation=self._scale * float(deviations[candidate, 0]),
            score=float(gain[candidate]),
            runner_up=runner_up,
            noise=self._scale * float(self._noise()[candidate // len(self.candidates.levels)]),
            cost=float(costs[1][candidate]) if costs is not None else math.nan,
            rule="hypervolume_improvement",
        )

    @property
    def _learners(self) -> list[LearningAgent]:
        return [self, *self._further]

    def _means(self) -> FloatArray:
        """Return what is predicted of each candidate by each objective, shape (N, d)."""
        return np.column_stack([_posterior(learner).mean for learner in self._learners])

    def _front(self, means: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the front of what was measured, and the reference point."""
        measured = means[[observation.candidate for observation in self._observations]]
        front = measured[non_dominated(measured)]
        return front, front.min(axis=0) - MARGIN

    def _gain(
        self, means: FloatArray, deviations: FloatArray, free: NDArray[np.bool_]
    ) -> FloatArray:
        front, reference = self._front(means)
        if len(means) <= ALL:
            return log_expected_hypervolume_improvement(means, deviations, front, reference)
        hope = np.where(free, _growth(means + HOPE * deviations, front, reference), -1.0)
        some = np.argpartition(-hope, SHORTLIST)[:SHORTLIST]
        gain = np.full(len(means), -np.inf)
        gain[some] = log_expected_hypervolume_improvement(
            means[some], deviations[some], front, reference
        )
        return gain


def _posterior(learner: LearningAgent) -> Posterior:
    posterior = learner._voices[0].posterior
    assert posterior is not None  # all are fitted together, before the first choice
    return posterior


def _growth(values: FloatArray, front: FloatArray, reference: FloatArray) -> FloatArray:
    """Return by how much each vector would raise the hypervolume were it found, shape (n,)."""
    lower, upper = boxes(front, reference)
    growth = np.zeros(len(values))
    for start in range(0, len(values), _BLOCK):
        block = slice(start, start + _BLOCK)
        for low, high in zip(lower, upper, strict=True):
            growth[block] += np.prod(np.clip(values[block], low, high) - low, axis=1)
    return growth
