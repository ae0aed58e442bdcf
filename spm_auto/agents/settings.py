"""Settings of the agents that come with spm_auto, as a recipe writes them."""

import contextlib
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self, TypeVar

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field

from ..errors import AgentError
from ..units import Length
from .baselines import GridAgent, RandomAgent, RankingAgent
from .candidates import Candidates
from .protocol import Agent, AgentSettings

RuleName = Literal[
    "ranking",
    "upper_confidence_bound",
    "expected_improvement",
    "variance",
    "thompson",
    "max_value_entropy",
    "novelty",
]
Averages = Annotated[int, Field(ge=1, le=1_000)]
Value = TypeVar("Value")


def _several(value: object) -> object:
    """Take one for a list of one, and TOML's list for the tuple that it becomes."""
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _each_once(values: tuple[Value, ...]) -> tuple[Value, ...]:
    if not values or len(set(values)) < len(values):
        raise ValueError("name at least one, and none twice")
    return values


class BaselineSettings(AgentSettings):
    """What all agents without a model have in common."""

    def most_fits(self, n_spectra: int) -> int:  # noqa: ARG002
        """Return 0: there is nothing to fit."""
        return 0


class RandomSettings(BaselineSettings):
    """Chooses at random: what every agent must beat."""

    kind: Literal["random"] = "random"

    def build(self, candidates: Candidates, rng: np.random.Generator) -> Agent:
        """Make the agent."""
        return RandomAgent(candidates, rng)


class GridSettings(BaselineSettings):
    """Visits an even grid over the frame, then the places between.

    Attributes:
        points: About how many positions the grid has; give the budget.
        pitch: Distance of the grid's positions [m]; it takes the place of ``points``.
    """

    kind: Literal["grid"] = "grid"
    points: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    pitch: Annotated[Length, Field(gt=0)] | None = None

    def build(self, candidates: Candidates, rng: np.random.Generator) -> Agent:  # noqa: ARG002
        """Make the agent; it has no use for randomness."""
        return GridAgent(candidates, self.points, self.pitch)


class RankingSettings(BaselineSettings):
    """Visits first where the overview differs most from its median, without learning anything."""

    kind: Literal["ranking"] = "ranking"

    def build(self, candidates: Candidates, rng: np.random.Generator) -> Agent:  # noqa: ARG002
        """Make the agent; it has no use for randomness."""
        return RankingAgent(candidates)


class ModelSettings(AgentSettings):
    """What all agents with a model have in common.

    Attributes:
        initial: Points measured before the model is asked.
        ranked_share: Share of these that are the highest-ranked; the others are random.
        refit_every: Good spectra between two fits of the hyper-parameters; with more than twenty
            times as many, a twentieth of all.
        prior_mean: What is expected before anything is measured: the same everywhere, or what the
            ranking says as far as the spectra confirm it.
        cost_aware: Whether what a measurement is worth is divided by the time that it takes.
        repeats: Whether a point may be measured again.
    """

    initial: Annotated[int, Field(ge=2, le=10_000)] = 10
    ranked_share: Annotated[float, Field(ge=0, le=1)] = 0.8
    refit_every: Annotated[int, Field(ge=1, le=1_000)] = 5
    prior_mean: Literal["constant", "ranking"] = "constant"
    cost_aware: bool = True
    repeats: bool = False

    def fit_interval(self, n_good: int) -> int:
        """Return how many good spectra make a new fit worth while, of so many in all."""
        return max(self.refit_every, n_good // 20)

    def most_fits(self, n_spectra: int) -> int:
        """Return how often the model is fitted while so many spectra are taken, at most."""
        fits, n_good = 2, 2  # the first fit, as early as it may be, and that at the end
        while (n_good := n_good + self.fit_interval(n_good)) <= n_spectra:
            fits += 1
        return fits

    def warm_up(self) -> None:
        """Import torch and gpytorch.

        Raises:
            AgentError: They are not installed.
        """
        with said_when_missing(self.kind):
            from . import learner  # noqa: F401


class LearnerSettings(ModelSettings):
    """What all agents have in common that learn one number.

    Attributes:
        acquisition: The rule that says what makes a measurement worth taking; of several, each has
            its turn as often as what it found says.
        exploration: Weight of the deviation in the upper confidence bound.
        averages: How many spectra may be averaged at a point; of several numbers the agent chooses.
    """

    acquisition: Annotated[
        tuple[RuleName, ...],
        BeforeValidator(_several, json_schema_input_type=RuleName | list[RuleName]),
        AfterValidator(_each_once),
    ] = ("ranking", "upper_confidence_bound", "expected_improvement")
    exploration: Annotated[float, Field(ge=0, le=100)] = 2.0
    averages: Annotated[
        tuple[Averages, ...],
        BeforeValidator(_several, json_schema_input_type=Averages | list[Averages]),
        AfterValidator(_each_once),
    ] = (1,)

    @property
    def most_averages(self) -> int:
        """How many spectra the agent may have averaged at a point, at most."""
        return max(self.averages)

    @classmethod
    def of(cls, settings: ModelSettings, rule: RuleName, exploration: float = 2.0) -> Self:
        """Make the settings of the learner inside an agent that has its own rule."""
        shared = {name: getattr(settings, name) for name in ModelSettings.model_fields}
        return cls(acquisition=(rule,), exploration=exploration, **shared)


class GaussianProcessSettings(LearnerSettings):
    """Learns with an exact Gaussian process on descriptors and positions."""

    kind: Literal["gp"] = "gp"

    def build(self, candidates: Candidates, rng: np.random.Generator) -> Agent:
        """Make the agent.

        Raises:
            AgentError: torch or gpytorch are not installed.
        """
        with said_when_missing(self.kind):
            from .learner import gaussian_process_agent
        return gaussian_process_agent(self, candidates, rng)


class DeepKernelSettings(LearnerSettings):
    """Learns with a deep kernel, which must earn its place beside the plain Gaussian process.

    Attributes:
        gate: Whether the plain Gaussian process runs beside it, and each has as much to say as it
            has earned by predicting the spectra as they came in.
    """

    kind: Literal["deep_kernel"] = "deep_kernel"
    gate: bool = True

    def build(self, candidates: Candidates, rng: np.random.Generator) -> Agent:
        """Make the agent.

        Raises:
            AgentError: torch or gpytorch are not installed.
        """
        with said_when_missing(self.kind):
            from .learner import deep_kernel_agent
        return deep_kernel_agent(self, candidates, rng)


class ParetoSettings(ModelSettings):
    """Looks for the best compromises between two or three scalarizers."""

    scalarizers: ClassVar[tuple[int, int]] = (2, 3)
    kind: Literal["pareto"] = "pareto"

    def build(self, candidates: Candidates, rng: np.random.Generator) -> Agent:
        """Make the agent.

        Raises:
            AgentError: torch or gpytorch are not installed.
        """
        with said_when_missing(self.kind):
            from .pareto import ParetoAgent
        return ParetoAgent(candidates, self, rng)


class PreferenceSettings(ModelSettings):
    """Learns what a human prefers, from answers to "A or B?".

    Attributes:
        exploration: Weight of the deviation in the upper confidence bound.
        doubt: Deviation of a human's judgement of one spectrum, where the usefulness of different
            places has a deviation of 1.
    """

    kind: Literal["preference"] = "preference"
    exploration: Annotated[float, Field(ge=0, le=100)] = 2.0
    doubt: Annotated[float, Field(gt=0, le=10)] = 0.3

    def most_fits(self, n_spectra: int) -> int:
        """Return one for each spectrum: a human may answer as often, and each answer is learned."""
        return n_spectra + 1

    def build(self, candidates: Candidates, rng: np.random.Generator) -> Agent:
        """Make the agent.

        Raises:
            AgentError: torch or gpytorch are not installed.
        """
        with said_when_missing(self.kind):
            from .preference import PreferenceAgent
        return PreferenceAgent(candidates, self, rng)


class CuriousSettings(ModelSettings):
    """Looks for what is unlike anything measured so far.

    Attributes:
        novelty: In what: in the structure that the overview shows, in the spectra, or in both.
        exploration: Weight of the deviation of the novelty predicted of a spectrum.
    """

    kind: Literal["curious"] = "curious"
    novelty: Literal["structure", "spectrum", "both"] = "both"
    exploration: Annotated[float, Field(ge=0, le=100)] = 1.0

    def build(self, candidates: Candidates, rng: np.random.Generator) -> Agent:
        """Make the agent.

        Raises:
            AgentError: torch or gpytorch are not installed.
        """
        with said_when_missing(self.kind):
            from .curious import CuriousAgent
        return CuriousAgent(candidates, self, rng)


@contextlib.contextmanager
def said_when_missing(kind: str, extra: str = "dkl") -> Iterator[None]:
    """Say what an agent needs and how to install it, where an import fails.

    Args:
        kind: Of the agent.
        extra: What of spm_auto brings what it needs.

    Raises:
        AgentError: It is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise AgentError(
            f"agent {kind!r} needs {error.name}, which is not installed: "
            f"pip install 'spm_auto[{extra}]'"
        ) from error
