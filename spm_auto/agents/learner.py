"""Learner: the agent that measures where its model says that it is worth most."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ..instrument import FloatArray
from .acquisition import (
    log_expected_improvement,
    predictive_variance,
    upper_confidence_bound,
)
from .baselines import by_rank
from .candidates import Candidates
from .chooser import Chooser, Queue
from .deep_kernel import DeepKernel
from .posterior import Posterior
from .protocol import Agent, Fit, Observation, Proposal
from .reliability import Reliability
from .settings import DeepKernelSettings, GaussianProcessSettings, LearnerSettings
from .surrogate import GaussianProcess, Inputs

_REASONS = {
    "expected_improvement": "largest expected improvement",
    "upper_confidence_bound": "highest upper confidence bound",
    "variance": "least known",
}


@dataclass(slots=True)
class Voice:
    """A model that may speak for the agent.

    Attributes:
        model: The model.
        posterior: What it predicts now; None before the first fit.
        evidence: Sum of the logarithms of the probability densities that it gave to the
            observations before it was told them.
    """

    model: GaussianProcess
    posterior: Posterior | None = None
    evidence: float = 0.0


class LearningAgent(Chooser):
    """Fits one or several models, lets the best predictor speak, and maximises its acquisition.

    With several models the one speaks that has given the larger probability to the spectra that
    came in after the first fit, each predicted before it was told. Equal evidence leaves the word
    to the first.

    Args:
        candidates: What can be chosen.
        settings: How to choose.
        models: The models, the plainest first.
        rng: Its randomness; used once, here.

    Source:
        A. P. Dawid, J. R. Stat. Soc. A 147, 278 (1984), the prequential principle.
    """

    def __init__(
        self,
        candidates: Candidates,
        settings: LearnerSettings,
        models: Sequence[GaussianProcess],
        rng: np.random.Generator,
    ) -> None:
        super().__init__(candidates)
        self._settings = settings
        self._voices = [Voice(model) for model in models]
        self._observations: list[Observation] = []
        self._failed: list[int] = []
        self._reliability = Reliability(Inputs.of(candidates))
        self._unlearned = 0
        self._fit: Fit | None = None
        self._center, self._scale = 0.0, 1.0
        self._ranked = Queue(by_rank(candidates))
        self._random = Queue(rng.permutation(len(candidates)))

    @property
    def fit(self) -> Fit | None:
        """The last fit; None before the first one."""
        return self._fit

    def _learn(self, observation: Observation) -> None:
        self._observations.append(observation)
        self._unlearned += 1
        self._reliability.tell(observation.candidate, is_good=True)
        target, extra_noise = self._standardised([observation])
        for voice in self._voices:
            if voice.posterior is not None:
                told = (observation.candidate, float(target[0]), float(extra_noise[0]))
                voice.evidence += voice.posterior.log_density(*told)
                voice.posterior.observe(*told)

    def _give_up(self, candidate: int) -> None:
        # were it still as uncertain as before, a region of failures would be asked for for ever
        self._failed.append(candidate)
        self._reliability.tell(candidate, is_good=False)
        for voice in self._voices:
            if voice.posterior is not None:
                voice.posterior.believe(candidate)

    def _choose(self, free: NDArray[np.bool_], pending: Sequence[int]) -> Proposal:
        known = int(np.count_nonzero(~free))
        if known < self._settings.initial:
            return self._begin(free, known)
        if len(self._observations) < 2:
            candidate = self._random.first(free)
            assert candidate is not None
            return self._propose(candidate, "at random: too few good spectra to learn from")
        if self._fit is None or self._unlearned >= self._settings.refit_every:
            self.refit()
        return self._best(free, pending)

    def _begin(self, free: NDArray[np.bool_], known: int) -> Proposal:
        """Choose one of the first points: ranked and random ones in turn, ranked ones first."""
        ranked = [math.ceil(self._settings.ranked_share * n - 1e-9) for n in (known, known + 1)]
        is_ranked = ranked[1] > ranked[0]
        candidate = (self._ranked if is_ranked else self._random).first(free)
        assert candidate is not None  # either queue holds all candidates, and one is free
        which = "highest ranking" if is_ranked else "random"
        return self._propose(candidate, f"to begin with: {which}")

    def refit(self) -> None:
        """Fit all models to everything that was told, when that is enough to learn from."""
        if len(self._observations) < 2 or (self._fit is not None and self._unlearned == 0):
            return
        values = np.array([observation.value for observation in self._observations])
        self._center, self._scale = _center_and_scale(values)
        targets, extra_noise = self._standardised(self._observations)
        rows = [observation.candidate for observation in self._observations]
        for voice in self._voices:
            voice.model.fit(rows, targets, extra_noise)
            voice.posterior = voice.model.posterior(rows, targets, extra_noise, self._failed)
        self._unlearned = 0
        speaker = self._speaker()
        assert speaker.posterior is not None
        evidences = {
            f"{voice.model.name.replace(' ', '_')}_evidence": voice.evidence
            for voice in self._voices
            if len(self._voices) > 1
        }
        self._fit = Fit(
            n_observations=len(self._observations),
            frame=self.candidates.frame,
            mean=self._center + self._scale * speaker.posterior.mean,
            deviation=self._scale * speaker.posterior.deviation,
            rows=self.candidates.rows,
            parameters=speaker.model.parameters | evidences,
            speaker=speaker.model.name,
        )

    def _best(self, free: NDArray[np.bool_], pending: Sequence[int]) -> Proposal:
        posterior = self._speaker().posterior
        assert posterior is not None
        mean, deviation = posterior.mean, posterior.deviation_with(pending)
        score = self._score(mean, deviation)
        score[~free] = -np.inf
        candidate = int(np.argmax(score))
        if not free[candidate]:  # all scores are minus infinity
            candidate = int(np.argmax(free))
        own = float(score[candidate])
        others = score.copy()
        others[candidate] = -np.inf
        second = int(np.argmax(others))
        return self._propose(
            candidate,
            _REASONS[self._settings.acquisition],
            mean=self._center + self._scale * float(mean[candidate]),
            deviation=self._scale * float(deviation[candidate]),
            score=own,
            runner_up=second if free[second] and second != candidate else -1,
        )

    def _score(self, mean: FloatArray, deviation: FloatArray) -> FloatArray:
        """Return the acquisition function of all candidates, of standardised values.

        It is what a candidate is worth if its spectrum is good, times the probability that it is; a
        failed one is worth nothing, and as much as the worst so far on the scale of the bound.
        """
        targets, _ = self._standardised(self._observations)
        good = self._reliability.probability
        match self._settings.acquisition:
            case "expected_improvement":
                best = float(targets.max())
                return log_expected_improvement(mean, deviation, best) + np.log(good)
            case "upper_confidence_bound":
                worst = float(targets.min())
                bound = upper_confidence_bound(mean, deviation, self._settings.exploration)
                return worst + good * (bound - worst)
            case "variance":
                return good * predictive_variance(deviation)

    def _speaker(self) -> Voice:
        return max(self._voices, key=lambda voice: voice.evidence)

    def _standardised(self, observations: Sequence[Observation]) -> tuple[FloatArray, FloatArray]:
        """Return targets and known noise variances in the units of the last fit."""
        values = np.array([observation.value for observation in observations])
        noise = np.array([observation.noise for observation in observations])
        noise[~np.isfinite(noise)] = 0.0
        return (
            values / self._scale - self._center / self._scale,
            (noise / self._scale) ** 2,
        )


def gaussian_process_agent(
    settings: GaussianProcessSettings, candidates: Candidates, rng: np.random.Generator
) -> Agent:
    """Make an agent that learns with a plain Gaussian process."""
    return LearningAgent(candidates, settings, [GaussianProcess(Inputs.of(candidates))], rng)


def deep_kernel_agent(
    settings: DeepKernelSettings, candidates: Candidates, rng: np.random.Generator
) -> Agent:
    """Make an agent that learns with a deep kernel, gated unless the settings say otherwise.

    Where no descriptor differs between candidates there is nothing to bend, and the plain Gaussian
    process is left.
    """
    inputs = Inputs.of(candidates)
    generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
    models: list[GaussianProcess] = []
    if inputs.descriptors.shape[1]:
        models.append(DeepKernel(inputs, generator))
    if settings.gate or not models:
        models.insert(0, GaussianProcess(inputs))
    return LearningAgent(candidates, settings, models, rng)


def _center_and_scale(values: FloatArray) -> tuple[float, float]:
    """Return mean and deviation; huge values do not overflow, equal ones do not give zero."""
    largest = float(np.max(np.abs(values)))
    if largest == 0:
        return 0.0, 1.0
    relative = values / largest
    spread = float(np.std(relative))
    # equal values differ by rounding at most; their own size is then the only scale there is
    return largest * float(np.mean(relative)), largest * (spread if spread > 1e-12 else 1.0)
