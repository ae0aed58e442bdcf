"""Preference: the agent that learns from a human's answers to "A or B?"."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import AgentError
from ..instrument import FloatArray
from .acquisition import (
    Answer,
    Preferences,
    bound_per_second,
    learn_preferences,
    most_informative_pair,
)
from .candidates import Candidates
from .chooser import two_best
from .covariance import Covariance, SumOfMaterns
from .learner import LearningAgent
from .posterior import Posterior
from .protocol import Fit, Observation, Proposal
from .settings import LearnerSettings, PreferenceSettings
from .state import check, numbers
from .surrogate import GaussianProcess, Inputs

LENGTHS = (1.0, 0.5, 2.0)  # factors of the length scales that are tried, the expected one first
LOOKS = (0.5, 0.1, 0.9)  # shares of the usefulness that the look of a place has
_BLOCK = 8192  # positions worked on at once


@dataclass(frozen=True, slots=True, eq=False)
class Taste:
    """What the answers say, and with which kernel they are most probable.

    Attributes:
        covariance: Prior covariance of the usefulness of all candidates; its variance is 1.
        items: The candidates that were asked about, shape (n,).
        preferences: What the answers say about them.
        length: Factor of the length scales.
        look: Share of the usefulness that the look of a place has.
    """

    covariance: Covariance
    items: NDArray[np.int64]
    preferences: Preferences
    length: float
    look: float


class PreferenceAgent(LearningAgent):
    """Measures where a human is likely to prefer what is found.

    Of the scalarizer only the flag counts. The usefulness of a place is a Gaussian process with
    the kernel of the other agents, seen through answers only. Its length scales, and how much the
    look of a place counts beside where it is, are those of a few that make the answers most
    probable. Before the first answer it goes on as it began, with ranked and random places.

    A spectrum that was taken will be judged: so it counts as judged when the next place is chosen,
    or the agent would stay where it is until it has heard of it. The proposals carry no
    prediction: usefulness is no value of the scalarizer.

    Args:
        candidates: What can be chosen.
        settings: How to choose.
        rng: Its randomness; used once, here.

    Source:
        W. Chu, Z. Ghahramani, ICML 2005; E. Brochu, V. M. Cora, N. de Freitas, arXiv:1012.2599
        (2010), with the upper confidence bound in place of the expected improvement.
    """

    def __init__(
        self, candidates: Candidates, settings: PreferenceSettings, rng: np.random.Generator
    ) -> None:
        model = GaussianProcess(Inputs.of(candidates))
        learner = LearnerSettings.of(settings, "upper_confidence_bound", settings.exploration)
        super().__init__(candidates, learner, [model], rng)
        self._doubt = settings.doubt
        self._plain = model.covariance()
        self._answers: list[tuple[int, int]] = []
        self._heard = 0  # answers that the last fit knew
        self._taste: Taste | None = None
        self._usefulness: FloatArray | None = None

    def prefer(self, better: int, worse: int) -> None:
        """Learn that one measured candidate is better than another.

        Contradictions and repetitions are welcome.

        Raises:
            AgentError: One is no candidate, was not measured, or both are the same.
        """
        measured = {*(o.candidate for o in self._observations), *self._failed}
        for candidate in (better, worse):
            self._check(candidate)
            if candidate not in measured:
                raise AgentError(f"candidate {candidate} was not measured yet")
        if better == worse:
            raise AgentError(f"candidate {better} is not better than itself")
        self._answers.append((better, worse))

    def question(self) -> tuple[int, int] | None:
        """Return the two measured candidates that a human should compare next.

        Those whose answer tells most. (To ask for the one thought best and its most hopeful
        challenger found less in trials.)

        Returns:
            Two candidates, the one that is thought better first; None before two good spectra were
            told.
        """
        self.refit()
        items = np.unique([observation.candidate for observation in self._observations])
        if len(items) < 2:
            return None
        everything = np.union1d(items, np.array(self._answers, dtype=np.int64))
        taste = self._taste
        covariance = taste.covariance if taste else self._covariance(LENGTHS[0], LOOKS[0])
        preferences = self._judged(covariance, everything)
        good = np.isin(everything, items)
        ours = replace(
            preferences,
            mean=preferences.mean[good],
            covariance=preferences.covariance[np.ix_(good, good)],
        )
        better, worse = most_informative_pair(ours, self._doubt)
        return int(items[better]), int(items[worse])

    def predict(self, noise: bool = False) -> tuple[FloatArray, FloatArray]:
        """Return mean and deviation of every candidate's usefulness now, each of shape (N,).

        Args:
            noise: Whether the deviation is that of a human's judgement.
        """
        more = self._doubt if noise else 0.0
        taste = self._taste
        if taste is None:
            n = len(self.candidates)
            return np.zeros(n), np.full(n, math.hypot(1.0, more))
        covariance = taste.covariance
        sites, levels = covariance.split(torch.from_numpy(taste.items))
        variances = covariance.variance.numpy()
        p, m = len(covariance.places), covariance.levels
        mean, deviation = np.empty((p, m)), np.empty((p, m))
        for start in range(0, p, _BLOCK):
            block = slice(start, min(start + _BLOCK, p))
            alike = covariance.places.between(block, sites)
            for level in range(m):
                cross = alike * covariance.shared[level, levels] + covariance.own[level, levels]
                found = taste.preferences.predict(cross.numpy(), variances[level : level + 1])
                mean[block, level], deviation[block, level] = found
        return mean.ravel(), np.hypot(deviation.ravel(), more)

    def refit(self) -> None:
        """Learn from all answers, when there are some that it did not learn from."""
        if not self._answers or (self._taste is not None and self._heard == len(self._answers)):
            return
        self._taste = self._most_probable()
        self._condition()

    def _condition(self) -> None:
        taste = self._taste
        assert taste is not None  # there is one before anything is predicted from it
        self._heard = len(self._answers)
        told = [observation.candidate for observation in self._observations]
        nothing = np.zeros(len(told))
        with torch.no_grad():
            self._voices[0].posterior = Posterior(
                taste.covariance, told, nothing, nothing, self._failed
            )
        self._unlearned, self._known = 0, len(told) + len(self._failed)
        self._usefulness, deviation = self.predict()
        levels = len(self.candidates.levels)
        usefulness, deviation = (v.reshape(-1, levels) for v in (self._usefulness, deviation))
        best = np.argmax(usefulness, axis=1)[:, None]
        self._fit = Fit(
            n_observations=len(told),
            frame=self.candidates.frame,
            mean=np.take_along_axis(usefulness, best, 1)[:, 0],
            deviation=np.take_along_axis(deviation, best, 1)[:, 0],
            rows=self.candidates.rows,
            parameters={
                "answers": float(self._heard),
                "log_evidence": taste.preferences.log_evidence,
                "length_factor": taste.length,
                "look_share": taste.look,
            },
            quantity="usefulness",
            bias=self.candidates.levels.bias[best[:, 0]],
        )

    def _learned(self) -> dict[str, Any]:
        assert self._taste is not None  # it is saved after a fit
        kernel = np.array([self._taste.length, self._taste.look])
        return {"answers": self._heard, "kernel": kernel}

    def _relearn(self, state: Mapping[str, Any]) -> None:
        check(state, "answers", len(self._answers))
        self._taste = self._taste_with(*numbers(state, "kernel", (2,)).tolist())

    def _learn(self, observation: Observation) -> None:
        # that it was measured matters, and not what its value is
        super()._learn(replace(observation, value=0.0, noise=math.nan))

    def _forget(self) -> None:
        super()._forget()  # what a human said stays said
        self._taste = None

    def _choose(self, free: NDArray[np.bool_], pending: Sequence[int]) -> Proposal:
        known = len(self._observations) + len(self._failed) + len(pending)
        if not self._answers or known < self._settings.initial:
            return self._begin(free, known)
        self.refit()
        return self._best(free, pending)

    def _best(self, free: NDArray[np.bool_], pending: Sequence[int]) -> Proposal:
        posterior = self._voices[0].posterior
        assert posterior is not None  # refit has seen to that
        assert self._usefulness is not None
        bound = self._usefulness + self._exploration * posterior.deviation_with(pending)
        good = np.repeat(self._reliability.probability, len(self.candidates.levels))
        lowest = float(bound.min())
        score = lowest + good * (bound - lowest)
        costs = self._costs(pending)
        if costs is not None and self._settings.cost_aware:
            score = bound_per_second(score, costs[1], float(self._usefulness.max()))
        candidate, runner_up = two_best(score, free)
        return self._propose(
            candidate,
            "highest upper confidence bound of what a human prefers",
            score=float(score[candidate]),
            runner_up=runner_up,
            cost=float(costs[1][candidate]) if costs is not None else math.nan,
            rule="upper_confidence_bound",
        )

    def _most_probable(self) -> Taste:
        """Find the kernel that makes the answers most probable; of equals the first."""
        looks = LOOKS if len(self._plain.places.inputs) > 1 else (0.0,)
        tastes = (self._taste_with(length, look) for length in LENGTHS for look in looks)
        return max(tastes, key=lambda taste: taste.preferences.log_evidence)

    def _taste_with(self, length: float, look: float) -> Taste:
        """Return what the answers say with one of the kernels."""
        items = np.unique(np.array(self._answers, dtype=np.int64))
        covariance = self._covariance(length, look)
        return Taste(covariance, items, self._judged(covariance, items), length, look)

    def _covariance(self, length: float, look: float) -> Covariance:
        """Return a covariance of variance 1, with the noise of a human's judgement."""
        plain = self._plain
        own = float(plain.own[0, 0])
        shares = (1.0 - look, look) if len(plain.places.inputs) > 1 else (1.0,)
        scales = tuple(share / (1.0 + own) for share in shares)
        inputs = tuple(each / length for each in plain.places.inputs)
        return Covariance(
            places=SumOfMaterns(inputs, scales),
            shared=plain.shared,
            own=plain.own / (1.0 + own),
            noise=torch.full_like(plain.noise, self._doubt**2),
            prior=torch.zeros_like(plain.prior),
        )

    def _judged(self, covariance: Covariance, items: NDArray[np.int64]) -> Preferences:
        """Return what the answers say about some candidates, numbers in ascending order."""
        rows = torch.from_numpy(items)
        with torch.no_grad():
            prior = covariance.between(rows, rows).numpy()
        answers = [
            Answer(int(better), int(worse))
            for better, worse in np.searchsorted(items, np.array(self._answers).reshape(-1, 2))
        ]
        return learn_preferences(prior, answers, self._doubt)
