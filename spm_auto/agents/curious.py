"""Curious: the agent that measures what is unlike anything measured so far."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import AgentError
from ..instrument import FloatArray
from .acquisition import combined_novelty, log_per_second, spectral_novelty
from .candidates import Candidates
from .learner import LearningAgent
from .protocol import Observation, Proposal
from .rules import Outlook, Rule
from .settings import CuriousSettings, LearnerSettings
from .state import numbers
from .surrogate import GaussianProcess, Inputs

_LEAST_NOVELTY = 1e-12  # in deviations; its logarithm is finite


class CuriousAgent(LearningAgent):
    """Looks for novelty in the structure that the overview shows, in the spectra, or in both.

    Of the scalarizer only the flag counts. What is learned of a spectrum is how unlike its nearest
    others it is; that changes as more are told, so it is found anew before each fit. The proposals
    carry no prediction: what the model predicts is no value of the scalarizer.

    Args:
        candidates: What can be chosen.
        settings: How to choose.
        rng: Its randomness; used once, here.

    Raises:
        AgentError: Pulses of several durations can be chosen: their spectra cannot be compared.

    Source:
        J. Lehman, K. O. Stanley, Evol. Comput. 19, 189 (2011); here a Gaussian process predicts
        the novelty of spectra that were not taken.
    """

    def __init__(
        self, candidates: Candidates, settings: CuriousSettings, rng: np.random.Generator
    ) -> None:
        durations = len(np.unique(candidates.levels.duration))
        if durations > 1:
            raise AgentError(
                "the agent (curious) compares spectra point by point, and pulses of "
                f"{durations} durations have not as many points: let it choose no duration"
            )
        model = GaussianProcess(Inputs.of(candidates), settings.prior_mean == "ranking")
        learner = LearnerSettings.of(settings, "novelty", settings.exploration)
        super().__init__(candidates, learner, [model], rng)
        self._in = settings.novelty
        self._points = 0  # of a spectrum, known from the first one on

    def _standardise(self) -> None:
        self._observations[:] = [
            replace(observation, value=float(novelty))
            for observation, novelty in zip(self._observations, self._novelties(), strict=True)
        ]
        super()._standardise()

    def _condition(self) -> None:
        super()._condition()
        assert self._fit is not None  # it was made just now
        self._fit = replace(self._fit, quantity="novelty")

    def _learned(self) -> dict[str, Any]:
        # how new a spectrum was when it was told depends on when there was a fit
        return super()._learned() | {"found": self._bandit.found}

    def _relearn(self, state: Mapping[str, Any]) -> None:
        shape = self._bandit.found.shape
        self._bandit.found = numbers(state, "found", shape, is_complete=False)
        super()._relearn(state)

    def _check_observation(self, observation: Observation) -> None:
        super()._check_observation(observation)
        if not math.isfinite(observation.value):
            return
        if observation.spectrum is None:
            raise AgentError(f"the spectrum of candidate {observation.candidate} was not told")
        points = len(observation.spectrum)
        if self._points and points != self._points:
            raise AgentError(f"spectra of {points} and of {self._points} points cannot be compared")
        self._points = points

    def _learn(self, observation: Observation) -> None:
        novelty = 0.0  # until the first fit, which finds it anew
        if self._is_fitted:
            self._observations.append(observation)
            novelty = float(self._novelties()[-1])
            self._observations.pop()
        super()._learn(replace(observation, value=novelty, noise=math.nan))

    def _novelties(self) -> FloatArray:
        """Return the novelty of each spectrum told, shape (n,).

        One that cannot be compared, as it is the only one or most of its points are missing, is
        taken for as new as the others are in the middle.
        """
        rows = [observation.spectrum for observation in self._observations]
        spectra = np.array([row for row in rows if row is not None], dtype=float)
        spectra[np.isinf(spectra)] = np.nan
        novelties = spectral_novelty(spectra)
        known = np.isfinite(novelties)
        middle = float(np.median(novelties[known])) if known.any() else 0.0
        return np.where(known, novelties, middle)

    def _score(
        self,
        rule: Rule,  # noqa: ARG002  there is one
        outlook: Outlook,
        costs: dict[int, FloatArray] | None,
    ) -> tuple[FloatArray, NDArray[np.int64]]:
        gain = np.log(np.maximum(self._gain(outlook), _LEAST_NOVELTY)) + np.log(outlook.good)
        if costs is not None and self._settings.cost_aware:
            gain = log_per_second(gain, costs[1])
        return gain, np.ones(len(gain), dtype=np.int64)

    def _gain(self, outlook: Outlook) -> FloatArray:
        if self._in == "structure":
            return outlook.unlike()
        bound = outlook.mean + outlook.exploration * outlook.deviation
        spectral = np.asarray(self._center + self._scale * bound)
        if self._in == "spectrum":
            return spectral
        found = np.array([observation.value for observation in self._observations])
        return combined_novelty(outlook.unlike(), spectral, found)

    def _best(self, free: NDArray[np.bool_], pending: Sequence[int]) -> Proposal:
        proposal = super()._best(free, pending)
        return replace(proposal, mean=math.nan, deviation=math.nan, noise=math.nan)
