"""Learner: the agent that measures where its model says that it is worth most."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import AgentError
from ..instrument import FloatArray
from .acquisition import StructuralNovelty, choose_averages
from .bandit import Bandit
from .baselines import by_rank
from .candidates import Candidates
from .chooser import Chooser, Queue, two_best
from .deep_kernel import DeepKernel
from .gate import Gate
from .posterior import Posterior
from .protocol import Agent, Fit, Observation, Proposal
from .reliability import Reliability
from .rules import INITIAL_RANKING, REASONS, Outlook, Rule
from .settings import DeepKernelSettings, GaussianProcessSettings, LearnerSettings
from .standard import center_and_scale, mean_and_scatter
from .state import check, entries, numbers
from .surrogate import GaussianProcess, Inputs

MOST_FITTED = 1000  # observations that the hyper-parameters are fitted to; all are predicted from
MAXIMA = 10  # draws of the highest value
_FAR = 1e6  # standardised; a value beyond has changed what the standard is


@dataclass(slots=True)
class Voice:
    """A model that may speak for the agent.

    Attributes:
        model: The model.
        posterior: What it predicts now; None before the first fit.
    """

    model: GaussianProcess
    posterior: Posterior | None = None


class LearningAgent(Chooser):
    """Fits one or two models, weighs what they predict, and follows rules of acquisition.

    With two models the prediction is their mixture, weighed by a `Gate`. With several rules a
    bandit says whose turn it is; the ranking, which learns nothing, may be one of them.

    Args:
        candidates: What can be chosen.
        settings: How to choose.
        models: The models, the plainest first.
        rng: Its randomness; used once, here.
    """

    def __init__(
        self,
        candidates: Candidates,
        settings: LearnerSettings,
        models: Sequence[GaussianProcess],
        rng: np.random.Generator,
    ) -> None:
        super().__init__(candidates, settings.repeats)
        self._settings = settings
        self._exploration = settings.exploration
        self._voices = [Voice(model) for model in models]
        self._gate = Gate(len(models))
        self._inputs = Inputs.of(candidates)
        self._observations: list[Observation] = []
        self._failed: list[int] = []
        self._reliability = Reliability(self._inputs)
        self._unlearned, self._known = 0, 0  # since the last fit, and at it
        self._fit: Fit | None = None
        self._center, self._scale = 0.0, 1.0
        m = len(candidates.levels)
        levels = rng.integers(m, size=len(candidates.positions))
        # at the highest-ranked places one level each, as any of them says more than a second one
        ranked = by_rank(candidates)[::m] // m
        self._ranked = Queue(ranked * m + levels[ranked])
        self._random = Queue(rng.permutation(len(candidates)))
        self._order = _order(candidates.ranking)
        self._visited = np.zeros(len(candidates.positions), dtype=bool)
        rules = [
            r for r in settings.acquisition if r != "ranking" or np.ptp(candidates.ranking) > 0
        ]
        self._bandit = Bandit(rules or ["upper_confidence_bound"], int(rng.integers(2**63)))
        self._rule_of: dict[int, str] = {}
        self._seed, self._choices = int(rng.integers(2**63)), 0  # by rules; each has own draws
        self._here: tuple[float, float] | None = None
        self._novelty: StructuralNovelty | None = None

    @property
    def fit(self) -> Fit | None:
        """The last fit; None before the first one."""
        return self._fit

    def set_exploration(self, weight: float) -> None:
        """Change the weight of the deviation in the upper confidence bound.

        Raises:
            ValueError: It is negative or not finite.
        """
        if not 0 <= weight < math.inf:
            raise ValueError(f"the weight of exploration must not be negative, got {weight}")
        self._exploration = weight

    def predict(self, noise: bool = False) -> tuple[FloatArray, FloatArray]:
        """Return mean and deviation of every candidate now, each of shape (N,).

        Before the first fit nothing is known: the mean of what was found, and its scatter.

        Args:
            noise: Whether the deviation is that of a measurement rather than of the truth.
        """
        if not self._is_fitted:
            values = [observation.value for observation in self._observations] or [math.nan]
            n, (center, scatter) = len(self.candidates), mean_and_scatter(np.array(values))
            return np.full(n, center), np.full(n, scatter)
        mean, deviation = self._mixture()
        if noise:
            deviation = np.hypot(deviation, np.repeat(self._noise(), len(self.candidates.levels)))
        return self._center + self._scale * mean, self._scale * deviation

    def save(self) -> dict[str, Any]:
        """Return what being told and recalling the same again does not bring back.

        Raises:
            AgentError: There is no fit, or more was told since.
        """
        if not self._is_fitted or self._known != len(self._observations) + len(self._failed):
            raise AgentError("an agent can be saved right after a fit, before it is told more")
        return {
            "agent": self._settings.kind,
            "candidates": len(self.candidates),
            "observations": len(self._observations),
            "failed": len(self._failed),
            **self._learned(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what was saved when the same was told.

        Raises:
            AgentError: It is the state of an agent of another kind, of other candidates or of other
                observations.
        """
        check(state, "agent", self._settings.kind)
        check(state, "candidates", len(self.candidates))
        check(state, "observations", len(self._observations))
        check(state, "failed", len(self._failed))
        self._relearn(state)
        self._condition()

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

    def _learned(self) -> dict[str, Any]:
        """Return the part of the state that fits have learned."""
        models = [voice.model.save() for voice in self._voices]
        return {"models": models, "log_densities": self._gate.log_densities}

    def _relearn(self, state: Mapping[str, Any]) -> None:
        """Take over what fits had learned."""
        n = len(self._voices)
        models = entries(state, "models", n)
        densities = numbers(state, "log_densities", (-1, n))
        for voice, saved in zip(self._voices, models, strict=True):
            voice.model.restore(saved)
        self._gate.log_densities = densities
        self._standardise()

    def _note_choice(self, proposal: Proposal) -> None:
        super()._note_choice(proposal)
        if proposal.rule == INITIAL_RANKING:
            self._rule_of[proposal.candidate] = "ranking"
        elif proposal.rule:
            self._rule_of[proposal.candidate] = proposal.rule
            self._choices += 1

    def _learn(self, observation: Observation) -> None:
        self._observations.append(observation)
        self._unlearned += 1
        self._note(observation.candidate, observation.value)
        if self._is_fitted:
            target, extra_noise = self._standardised([observation])
            told = (observation.candidate, float(target[0]), float(extra_noise[0]))
            if abs(target[0]) > _FAR:  # all is fitted anew before the next choice
                for voice in self._voices:
                    voice.posterior = None
                return
            self._gate.note([posterior.log_density(*told) for posterior in self._posteriors])
            for posterior in self._posteriors:
                posterior.observe(*told)

    def _give_up(self, candidate: int) -> None:
        # were it still as uncertain as before, a region of failures would be asked for for ever
        self._failed.append(candidate)
        self._note(candidate, math.nan)
        for posterior in self._posteriors:
            posterior.believe(candidate)

    def _note(self, candidate: int, value: float) -> None:
        self._here = self.candidates.position(candidate)
        site = candidate // len(self.candidates.levels)
        self._visited[site] = True
        self._reliability.tell(site, is_good=math.isfinite(value))
        self._bandit.note(self._rule_of.get(candidate, ""), value)
        if self._novelty is not None:
            self._novelty.add(site)

    def _forget(self) -> None:
        self._observations.clear()
        self._failed.clear()
        self._bandit.forget()
        self._fit, self._unlearned = None, 0
        self._reliability = Reliability(self._inputs)
        self._novelty = None
        self._gate.forget()
        for voice in self._voices:
            voice.posterior = None

    def _choose(self, free: NDArray[np.bool_], pending: Sequence[int]) -> Proposal:
        known = len(self._observations) + len(self._failed) + len(pending)
        if known < self._settings.initial:
            return self._begin(free, known)
        if len(self._observations) < 2:
            candidate = self._random.first(free)
            assert candidate is not None
            return self._propose(candidate, "at random: too few good spectra to learn from")
        due = self._settings.fit_interval(len(self._observations))
        if self._unlearned >= due or not self._is_fitted:
            self.refit()
        return self._best(free, pending)

    def _begin(self, free: NDArray[np.bool_], known: int) -> Proposal:
        """Choose one of the first points: ranked and random ones in turn, ranked ones first."""
        ranked = [math.ceil(self._settings.ranked_share * n - 1e-9) for n in (known, known + 1)]
        is_ranked = ranked[1] > ranked[0]
        candidate = (self._ranked if is_ranked else self._random).first(free)
        if candidate is None:  # the ranked queue holds one level of each place only
            candidate = self._random.first(free)
        assert candidate is not None  # that queue holds all candidates, and one is free
        if is_ranked:
            return self._propose(candidate, "to begin with: highest ranking", rule=INITIAL_RANKING)
        return self._propose(candidate, "to begin with: random")

    def refit(self) -> None:
        """Fit all models to everything that was told, when that is enough to learn from."""
        if len(self._observations) < 2 or (self._unlearned == 0 and self._is_fitted):
            return
        self._standardise()
        self._train()
        self._condition()

    def _standardise(self) -> None:
        """Find the unit of the values that are learned."""
        values = np.array([observation.value for observation in self._observations])
        self._center, self._scale = center_and_scale(values)

    def _train(self) -> None:
        """Find the most probable hyper-parameters of all models."""
        targets, extra_noise = self._standardised(self._observations)
        rows = [observation.candidate for observation in self._observations]
        some = np.unique(np.linspace(0, len(rows) - 1, MOST_FITTED).round().astype(int))
        for voice in self._voices:
            voice.model.fit([rows[i] for i in some], targets[some], extra_noise[some])

    def _condition(self) -> None:
        """Predict all candidates from everything that was told, with the models as they are."""
        targets, extra_noise = self._standardised(self._observations)
        rows = [observation.candidate for observation in self._observations]
        for voice in self._voices:
            voice.posterior = voice.model.posterior(rows, targets, extra_noise, self._failed)
        self._unlearned, self._known = 0, len(rows) + len(self._failed)
        speaker = self._speaker
        heard: dict[str, float] = {}
        if len(self._voices) > 1:
            names = [voice.model.name.replace(" ", "_") for voice in self._voices]
            heard |= dict(zip((f"{n}_evidence" for n in names), self._gate.evidence, strict=True))
            heard |= dict(zip((f"{n}_weight" for n in names), self._gate.weights, strict=True))
        standing = {f"{rule}_reward": mean for rule, mean in self._bandit.standing.items()}
        mean, deviation = (each.reshape(-1, len(self.candidates.levels)) for each in self.predict())
        best = np.argmax(mean, axis=1)[:, None]
        self._fit = Fit(
            n_observations=len(self._observations),
            frame=self.candidates.frame,
            mean=np.take_along_axis(mean, best, 1)[:, 0],
            deviation=np.take_along_axis(deviation, best, 1)[:, 0],
            rows=self.candidates.rows,
            parameters=speaker.parameters | heard | standing,
            speaker=speaker.name,
            noise=self._scale * self._noise(),
            bias=self.candidates.levels.bias[best[:, 0]],
        )

    def _best(self, free: NDArray[np.bool_], pending: Sequence[int]) -> Proposal:
        mean, deviation = self._mixture(pending)
        rule = self._rule()
        outlook = self._outlook(mean, deviation, pending)
        costs = self._costs(pending)
        score, averages = self._score(rule, outlook, costs)
        candidate, runner_up = two_best(score, free)
        number = int(averages[candidate])
        return self._propose(
            candidate,
            REASONS[rule],
            mean=self._center + self._scale * float(mean[candidate]),
            deviation=self._scale * float(deviation[candidate]),
            score=float(score[candidate]),
            runner_up=runner_up,
            noise=self._scale * float(self._noise()[candidate // len(self.candidates.levels)]),
            averages=number,
            cost=float(costs[number][candidate]) if costs is not None else math.nan,
            rule=rule,
        )

    def _rule(self) -> Rule:
        chosen = self._bandit.choose(self._choices)
        rules: tuple[Rule, ...] = get_args(Rule)
        return next(rule for rule in rules if rule == chosen)

    @property
    def _posteriors(self) -> list[Posterior]:
        return [voice.posterior for voice in self._voices if voice.posterior is not None]

    @property
    def _is_fitted(self) -> bool:
        return bool(self._posteriors)

    @property
    def _speaker(self) -> GaussianProcess:
        """The model that has most to say; of equals the plainest."""
        return self._voices[int(np.argmax(self._gate.weights))].model

    def _mixture(self, pending: Sequence[int] = ()) -> tuple[FloatArray, FloatArray]:
        """Return mean and deviation of the weighed models, some candidates being pending."""
        weights = self._gate.weights
        heard = [(w, p) for w, p in zip(weights, self._posteriors, strict=True) if w > 0]
        if len(heard) == 1:
            return heard[0][1].mean, heard[0][1].deviation_with(pending)
        means = [w * p.mean for w, p in heard]
        mean = np.sum(means, axis=0)
        square = np.zeros(len(mean))
        for weight, posterior in heard:
            square += weight * (
                posterior.deviation_with(pending) ** 2 + (posterior.mean - mean) ** 2
            )
        return mean, np.sqrt(square)

    def _noise(self) -> FloatArray:
        """Return the learned noise at each position, standardised, shape (P,)."""
        pairs = zip(self._gate.weights, self._posteriors, strict=True)
        return np.asarray(np.sqrt(np.sum([w * p.noise**2 for w, p in pairs], axis=0)))

    def _outlook(self, mean: FloatArray, deviation: FloatArray, pending: Sequence[int]) -> Outlook:
        targets, _ = self._standardised(self._observations)
        m = len(self.candidates.levels)
        visited = self._visited.copy()
        visited[[candidate // m for candidate in pending]] = True
        seed = np.random.SeedSequence(self._seed, spawn_key=(self._choices,))
        rng = np.random.default_rng(seed)
        return Outlook(
            mean=mean,
            deviation=deviation,
            good=np.repeat(self._reliability.probability, m),
            best=float(targets.max()),
            worst=float(targets.min()),
            exploration=self._exploration,
            # the overview says which place to visit next, nothing of a second level or time there
            ranking=np.repeat(self._order - visited, m),
            draw=lambda: self._drawn(rng).draw(rng),
            maxima=lambda: self._drawn(rng).maxima(MAXIMA, rng),
            unlike=lambda: np.repeat(self._unlike(), m),
        )

    def _drawn(self, rng: np.random.Generator) -> Posterior:
        """Draw what one of the models believes, by its weight."""
        posteriors = self._posteriors
        return posteriors[int(rng.choice(len(posteriors), p=self._gate.weights))]

    def _costs(self, pending: Sequence[int]) -> dict[int, FloatArray] | None:
        """Return the expected time of each candidate by number of averages; None if not known."""
        costs = self.candidates.costs
        if costs is None:
            return None
        here = self.candidates.position(pending[-1]) if pending else self._here
        places = self.candidates.positions
        return {k: costs.seconds(places, here, k).ravel() for k in self._settings.averages}

    def _score(
        self, rule: Rule, outlook: Outlook, costs: dict[int, FloatArray] | None
    ) -> tuple[FloatArray, NDArray[np.int64]]:
        """Return the score of each candidate and how many spectra to average there."""
        numbers, candidates = self._settings.averages, self.candidates
        differ = candidates.costs is not None and (candidates.costs.differ or len(numbers) > 1)
        counts = costs if self._settings.cost_aware and differ else None
        if len(numbers) == 1:
            score = outlook.score(rule, None if counts is None else counts[numbers[0]])
            return np.array(score), np.full(len(candidates), numbers[0])
        single = self._noise_of_one()
        return choose_averages(
            lambda k: outlook.score(
                rule, None if counts is None else counts[k], single / math.sqrt(k)
            ),
            numbers,
        )

    def _noise_of_one(self) -> float:
        """Return the noise of a single spectrum, as told or else as learned, standardised."""
        _, variances = self._standardised(self._observations)
        told = variances[variances > 0]
        if len(told):
            return math.sqrt(float(np.median(told)))
        return math.sqrt(self._speaker.parameters["noise_variance"])

    def _unlike(self) -> FloatArray:
        if self._novelty is None:
            m = len(self.candidates.levels)
            self._novelty = StructuralNovelty(self._inputs.descriptors.numpy())
            for candidate in [*(o.candidate for o in self._observations), *self._failed]:
                self._novelty.add(candidate // m)
        return self._novelty.values

    def _standardised(self, observations: Sequence[Observation]) -> tuple[FloatArray, FloatArray]:
        """Return targets and known noise variances in the units of the last fit."""
        values = np.array([observation.value for observation in observations])
        noise = np.array([observation.noise for observation in observations])
        noise[~np.isfinite(noise)] = 0.0
        with np.errstate(over="ignore"):  # what is infinite here is far in `_learn`
            targets = values / self._scale - self._center / self._scale
            # as uncertain as that, a value says nothing, however much more uncertain it is
            relative = np.minimum(noise / self._scale, _FAR)
        return targets, relative**2


def gaussian_process_agent(
    settings: GaussianProcessSettings, candidates: Candidates, rng: np.random.Generator
) -> Agent:
    """Make an agent that learns with a plain Gaussian process."""
    model = GaussianProcess(Inputs.of(candidates), settings.prior_mean == "ranking")
    return LearningAgent(candidates, settings, [model], rng)


def deep_kernel_agent(
    settings: DeepKernelSettings, candidates: Candidates, rng: np.random.Generator
) -> Agent:
    """Make an agent that learns with a deep kernel, gated unless the settings say otherwise.

    Where no descriptor differs between candidates there is nothing to bend, and the plain Gaussian
    process is left.
    """
    inputs = Inputs.of(candidates)
    trusts_ranking = settings.prior_mean == "ranking"
    generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
    models: list[GaussianProcess] = []
    if inputs.descriptors.shape[1]:
        models.append(DeepKernel(inputs, generator, trusts_ranking))
    if settings.gate or not models:
        models.insert(0, GaussianProcess(inputs, trusts_ranking))
    return LearningAgent(candidates, settings, models, rng)


def _order(ranking: FloatArray) -> FloatArray:
    """Return the rank of each place between 0 and 1, the highest last."""
    order = np.empty(len(ranking))
    order[np.argsort(ranking, kind="stable")[::-1]] = np.arange(len(ranking))[::-1]
    return order / max(len(ranking) - 1, 1)
