"""Settings of the agents that come with spm_auto, as a recipe writes them."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from ..errors import AgentError
from ..units import Length
from .baselines import GridAgent, RandomAgent, RankingAgent
from .candidates import Candidates
from .protocol import Agent, AgentSettings

AcquisitionFunction = Literal["expected_improvement", "upper_confidence_bound", "variance"]


class RandomSettings(AgentSettings):
    """Chooses at random: what every agent must beat."""

    kind: Literal["random"] = "random"

    def build(self, candidates: Candidates, rng: np.random.Generator) -> Agent:
        """Make the agent."""
        return RandomAgent(candidates, rng)


class GridSettings(AgentSettings):
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


class RankingSettings(AgentSettings):
    """Visits first where the overview differs most from its median, without learning anything."""

    kind: Literal["ranking"] = "ranking"

    def build(self, candidates: Candidates, rng: np.random.Generator) -> Agent:  # noqa: ARG002
        """Make the agent; it has no use for randomness."""
        return RankingAgent(candidates)


class LearnerSettings(AgentSettings):
    """What all agents with a model have in common.

    Attributes:
        acquisition: What makes a measurement worth taking.
        exploration: Weight of the deviation in the upper confidence bound.
        initial: Points measured before the model is asked.
        ranked_share: Share of these that are the highest-ranked; the others are random.
        refit_every: Good spectra between two fits of the hyper-parameters.
    """

    acquisition: AcquisitionFunction = "upper_confidence_bound"
    exploration: Annotated[float, Field(ge=0, le=100)] = 2.0
    initial: Annotated[int, Field(ge=2, le=10_000)] = 10
    ranked_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    refit_every: Annotated[int, Field(ge=1, le=1_000)] = 5


class GaussianProcessSettings(LearnerSettings):
    """Learns with an exact Gaussian process on descriptors and positions."""

    kind: Literal["gp"] = "gp"

    def build(self, candidates: Candidates, rng: np.random.Generator) -> Agent:
        """Make the agent.

        Raises:
            AgentError: torch or gpytorch are not installed.
        """
        try:
            from .learner import gaussian_process_agent
        except ModuleNotFoundError as error:
            raise _missing(self.kind, error) from error
        return gaussian_process_agent(self, candidates, rng)


class DeepKernelSettings(LearnerSettings):
    """Learns with a deep kernel, which must earn its place beside the plain Gaussian process.

    Attributes:
        gate: Whether the plain Gaussian process runs beside it, and the one speaks that has
            predicted the spectra better as they came in.
    """

    kind: Literal["deep_kernel"] = "deep_kernel"
    gate: bool = True

    def build(self, candidates: Candidates, rng: np.random.Generator) -> Agent:
        """Make the agent.

        Raises:
            AgentError: torch or gpytorch are not installed.
        """
        try:
            from .learner import deep_kernel_agent
        except ModuleNotFoundError as error:
            raise _missing(self.kind, error) from error
        return deep_kernel_agent(self, candidates, rng)


def _missing(kind: str, error: ModuleNotFoundError) -> AgentError:
    return AgentError(
        f"agent {kind!r} needs {error.name}, which is not installed: pip install 'spm_auto[dkl]'"
    )
