"""Optuna's samplers as an agent: the tree-structured Parzen estimator, or a Gaussian process."""

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from .candidates import Candidates
from .protocol import Agent, AgentSettings, Observation
from .settings import said_when_missing
from .strategies import RecallingAgent, Seen, Space

SamplerName = Literal["tpe", "gp"]


class OptunaStrategy:
    """Asks a sampler of Optuna; its answer follows from the seed and what it was told alone.

    A study is made anew for each question, of the places that were measured and not of those that
    were asked for. Failed measurements are left out, pending ones are running trials.

    Args:
        space: What can be chosen.
        sampler: Which sampler.
        initial: How many points are random.
        seed: Root of its randomness.

    Source:
        J. Bergstra et al., NeurIPS 24 (2011), for the estimator; T. Akiba et al., KDD 2019.
    """

    def __init__(self, space: Space, sampler: SamplerName, initial: int, seed: int) -> None:
        self._space, self._sampler = space, sampler
        self._initial, self._seed = initial, seed
        self._told: list[tuple[int, float]] = []

    def ask(self, pending: Sequence[int]) -> Sequence[float]:
        """Return the point of the unit cube that the sampler suggests."""
        import optuna
        from optuna.trial import TrialState, create_trial

        axes: dict[str, optuna.distributions.BaseDistribution]
        axes = {n: optuna.distributions.FloatDistribution(0.0, 1.0) for n in self._space.names}

        def params(candidate: int) -> dict[str, float]:
            return dict(zip(axes, self._space.points[candidate].tolist(), strict=True))

        with _quiet(optuna):
            study = optuna.create_study(
                sampler=self._made(optuna, len(pending)), direction="maximize"
            )
            for candidate, value in self._told:
                study.add_trial(
                    create_trial(params=params(candidate), distributions=axes, value=value)
                )
            for candidate in pending:
                study.add_trial(
                    create_trial(
                        params=params(candidate), distributions=axes, state=TrialState.RUNNING
                    )
                )
            trial = study.ask(axes)
        return [trial.params[name] for name in axes]

    def tell(self, observation: Observation) -> None:
        """Learn what was found."""
        if math.isfinite(observation.value):
            self._told.append((observation.candidate, observation.value))

    def _made(self, optuna: Any, n_pending: int) -> Any:
        """Make the sampler, with randomness for this question."""
        drawn = np.random.SeedSequence(self._seed, spawn_key=(len(self._told), n_pending))
        seed = int(drawn.generate_state(1)[0])
        if self._sampler == "gp":
            return optuna.samplers.GPSampler(seed=seed, n_startup_trials=self._initial)
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=self._initial)


class OptunaSettings(AgentSettings):
    """Asks a sampler of Optuna, and measures the nearest free candidate.

    Attributes:
        sampler: ``tpe``, the tree-structured Parzen estimator, or ``gp``, a Gaussian process.
        initial: Points measured at random before the sampler is asked.
        seen: What the sampler sees of the candidates: the place, what the overview shows around it
            (structure), or both.
        components: How many principal components of the descriptors stand for the structure.
    """

    kind: Literal["optuna"] = "optuna"
    sampler: SamplerName = "tpe"
    initial: Annotated[int, Field(ge=1, le=10_000)] = 10
    seen: Seen = "place"
    components: Annotated[int, Field(ge=1, le=20)] = 3

    def warm_up(self) -> None:
        """Import Optuna.

        Raises:
            AgentError: It is not installed.
        """
        with said_when_missing(self.kind, "strategies"):
            import optuna  # noqa: F401

    def build(self, candidates: Candidates, rng: np.random.Generator) -> Agent:
        """Make the agent.

        Raises:
            AgentError: Optuna is not installed, or the candidates are all the same.
        """
        self.warm_up()
        seed = int(rng.integers(2**63))
        space = Space.of(candidates, self.seen, self.components)

        def begin() -> OptunaStrategy:
            return OptunaStrategy(space, self.sampler, self.initial, seed)

        return RecallingAgent(candidates, begin, space, f"Optuna ({self.sampler})")


@contextlib.contextmanager
def _quiet(optuna: Any) -> Iterator[None]:
    """Keep Optuna from writing on the terminal what it has made and what it would like to have."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
