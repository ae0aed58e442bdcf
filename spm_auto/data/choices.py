"""Events of an agent: where it wants to measure and why, what it found worth, what it believes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..instrument import FloatArray, ScanFrame


@dataclass(frozen=True, slots=True)
class PointChosen:
    """An agent chose where to measure next; see `spm_auto.agents.Proposal` for the fields."""

    candidate: int
    x: float
    y: float
    bias: float
    reason: str
    mean: float
    deviation: float
    score: float
    runner_up: int
    duration: float = math.nan
    averages: int = 1
    cost: float = math.nan
    noise: float = math.nan
    rule: str = ""


@dataclass(frozen=True, slots=True)
class SpectrumScored:
    """The spectrum of a chosen point was turned into a number and told to the agent.

    Attributes:
        candidate: Candidate that was measured.
        scalarizer: Name of the scalarizer.
        value: The number; NaN when the spectrum is no good.
        noise: Its standard deviation, NaN where not known.
        flag: Why the spectrum is no good; empty when it is good.
        x: Where the probe stood, as read back [m].
        y: Where the probe stood, as read back [m].
        bias: Amplitude of the bias window chosen, NaN where it was not the agent's to choose [V].
        start_time: Instrument time of the spectrum's start, which names the spectrum [s].
        unit: Unit of the value, "1" for a pure number.
        others: Value, noise, flag and unit by each further scalarizer of an agent with several.
    """

    candidate: int
    scalarizer: str
    value: float
    noise: float
    flag: str
    x: float
    y: float
    bias: float
    start_time: float
    unit: str = "1"
    others: Mapping[str, tuple[float, float, str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelFitted:
    """The agent's model was fitted anew; see `spm_auto.agents.Fit` for the fields."""

    n_observations: int
    frame: ScanFrame
    mean: FloatArray
    deviation: FloatArray
    rows: NDArray[np.int32]
    parameters: Mapping[str, float]
    speaker: str
    bias: FloatArray | None = None
    noise: FloatArray | None = None
    quantity: str = ""


@dataclass(frozen=True, slots=True)
class CostsEstimated:
    """How long a measurement is expected to take, as the agent weighs it.

    Attributes:
        sweep: Time of one spectrum at each level that can be chosen [s].
        overhead: What each measurement takes besides [s].
        per_metre: Time to travel [s/m].
    """

    sweep: tuple[float, ...]
    overhead: float
    per_metre: float


@dataclass(frozen=True, slots=True)
class AgentPrepared:
    """The agent was made from the overview; the instrument waited for it so long [s]."""

    seconds: float


@dataclass(frozen=True, slots=True)
class AgentAnswered:
    """The agent was consulted: its whole answer, so that it need not be asked again.

    Attributes:
        seconds: Time that the agent worked [s].
        waited: Time that the instrument would stand still for it at real speed [s].
        choice: Where to measure next; None when nothing was asked or nothing is left.
        state: What the agent is besides what it was told, when its model was fitted anew; see
            `spm_auto.agents.Resumable`.
        agent: Which of the run's agents it was, counted from 0 as they were first consulted.
        late: How many of the interventions before this record came when the agent had answered
            already, and made it think again.
        reconsidered: What it had chosen before those; None when none came or nothing was chosen.
        is_refitted: Whether the state is that after thinking again.
    """

    seconds: float
    waited: float
    choice: PointChosen | None = None
    state: Mapping[str, Any] | None = None
    agent: int = 0
    late: int = 0
    reconsidered: PointChosen | None = None
    is_refitted: bool = False
