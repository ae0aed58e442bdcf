"""What an agent is: told observations, asked for proposals; arrays in, proposals out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from ..instrument import FloatArray, Measured, ScanFrame
from .candidates import Candidates

ASKED_FOR = "asked for by "  # how the reason of a point begins that a human wants measured


@dataclass(frozen=True, slots=True)
class Scalar:
    """A spectrum turned into one number.

    Attributes:
        value: The number that the agent maximises; NaN when the spectrum is no good.
        noise: Standard deviation of the value, NaN where it is not known.
        flag: Why the spectrum is no good; empty when it is good.
        unit: Unit of the value, "1" for a pure number.
        others: What further scalarizers say of the same spectrum, by name.
    """

    value: float
    noise: float = math.nan
    flag: str = ""
    unit: str = "1"
    others: Mapping[str, "Scalar"] = field(default_factory=dict, hash=False)

    @property
    def is_good(self) -> bool:
        """Whether the value may be learned from."""
        return not self.flag and math.isfinite(self.value)


@dataclass(frozen=True, slots=True)
class Observation:
    """What was found at a candidate.

    Attributes:
        candidate: Row of the candidate.
        value: Its scalar; NaN for a measurement that is no good: nothing is learned from it, but
            the candidate counts as measured.
        noise: Standard deviation of the value, NaN where it is not known.
        others: Value and noise by each further scalarizer, for agents with several objectives.
        spectrum: The spectrum as one row of numbers, for agents that look for novelty, shape (k,).
    """

    candidate: int
    value: float
    noise: float = math.nan
    others: tuple[tuple[float, float], ...] = ()
    spectrum: FloatArray | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Proposal:
    """Where to measure next, and why.

    Attributes:
        candidate: Row of the candidate.
        x: Where [m].
        y: Where [m].
        bias: Amplitude of the bias window, NaN where it is not the agent's to choose [V].
        reason: Why, in a few words for people.
        mean: Predicted value, NaN for agents that predict nothing.
        deviation: Standard deviation of the prediction.
        score: Value of the acquisition function.
        runner_up: Candidate that came second, -1 when there was none.
        duration: Length of the pulse, NaN where it is not the agent's to choose [s].
        averages: How many spectra to average there.
        cost: Instrument time that it is expected to take, NaN where it is not known [s].
        noise: Standard deviation of what will be found there around the truth, NaN where that is
            not predicted.
        rule: Which rule chose it, for programs and for the agent itself when it is recalled; empty
            where it was chosen at random, or by an agent that has one way to choose.
    """

    candidate: int
    x: float
    y: float
    bias: float
    reason: str
    mean: float = math.nan
    deviation: float = math.nan
    score: float = math.nan
    runner_up: int = -1
    duration: float = math.nan
    averages: int = 1
    cost: float = math.nan
    noise: float = math.nan
    rule: str = ""

    @property
    def is_forced(self) -> bool:
        """Whether a human asked for it."""
        return self.reason.startswith(ASKED_FOR)


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """What a model believes after a fit: recorded, drawn and reported.

    Attributes:
        n_observations: How many good observations it was fitted to.
        frame: Frame of the overview that the maps belong to.
        mean: Predicted value of each position, at its best level, shape (n,).
        deviation: Standard deviation of each prediction, noise excluded, shape (n,).
        rows: Line and pixel of each position on the overview, shape (n, 2).
        parameters: Hyper-parameters by name.
        speaker: Which model spoke, for agents that hold several.
        bias: The bias that is best at each position, NaN where it is not the agent's to choose
            [V], shape (n,); None for agents that know nothing of biases.
        noise: Standard deviation of what is found at each position around the truth, shape (n,);
            None for agents that do not predict it.
        quantity: What is predicted, when it is not the scalarizer's value: a pure number such as
            the novelty of a spectrum.
    """

    n_observations: int
    frame: ScanFrame
    mean: FloatArray
    deviation: FloatArray
    rows: NDArray[np.int64]
    parameters: Mapping[str, float] = field(default_factory=dict)
    speaker: str = ""
    bias: FloatArray | None = None
    noise: FloatArray | None = None
    quantity: str = ""


@runtime_checkable
class Agent(Protocol):
    """Chooses among finitely many candidates; deterministic given its seed and what it was told."""

    @property
    def candidates(self) -> Candidates:
        """What can be chosen."""

    def tell(self, observations: Sequence[Observation]) -> None:
        """Learn what was found."""

    def ask(self, n: int = 1, pending: Sequence[int] = ()) -> list[Proposal]:
        """Choose the next points.

        Args:
            n: How many.
            pending: Candidates that are being measured but were not told yet; they are not
                proposed again.

        Returns:
            As many proposals as asked for, fewer when the candidates run out.
        """


@runtime_checkable
class Model(Protocol):
    """What an agent has besides `Agent` when it predicts: what it believes can be recorded."""

    @property
    def fit(self) -> Fit | None:
        """The last fit; None before the first one."""

    def refit(self) -> None:
        """Learn from everything that was told, when that is enough to learn from."""

    def predict(self, noise: bool = False) -> tuple[FloatArray, FloatArray]:
        """Return mean and deviation of every candidate now, each of shape (N,).

        Args:
            noise: Whether the deviation is that of a measurement rather than of the truth.
        """


@runtime_checkable
class Steerable(Protocol):
    """What an agent has besides `Agent` when a human may step in while it works."""

    def forbid(self, where: NDArray[np.bool_]) -> None:
        """Never propose some candidates again, shape (N,); what was found there is kept."""

    def allow(self, where: NDArray[np.bool_]) -> None:
        """Take back what was forbidden, shape (N,); what was measured is not proposed again."""

    def set_exploration(self, weight: float) -> None:
        """Change the weight of what is not known."""

    def retell(self, observations: Sequence[Observation]) -> None:
        """Learn anew from these in place of all that was told: they are scored differently now."""


@runtime_checkable
class Preferring(Protocol):
    """What an agent has besides `Agent` when it learns from answers to "A or B?"."""

    def prefer(self, better: int, worse: int) -> None:
        """Learn that one measured candidate is better than another."""


@runtime_checkable
class Resumable(Protocol):
    """What an agent has besides `Agent` when it can go on where another one was cut off.

    A new agent with the same candidates, settings and randomness is told and steered again as the
    first one was, in the same order, and `recall` takes the place of `ask`. The last state that the
    first one saved is restored where it was saved; all earlier ones may be left out. From there on
    it believes and chooses what the first one would have, to the last bit on the same machine. An
    agent without a model need not be resumable: it is asked again.
    """

    def save(self) -> Mapping[str, Any]:
        """Return what being told and recalling the same again does not bring back.

        To be called when `ask` or `refit` has made a new fit, before the next `tell`.

        Returns:
            Plain values only: numbers, text, booleans, None, arrays of numbers, and lists and
            dictionaries of such by name; some kilobytes.

        Raises:
            AgentError: There is no fit, or more was told since.
        """

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what was saved.

        To be called when the same was told as when it was saved: right after the choice that
        belongs to the fit was recalled (or before it), or in place of the `refit`.

        Args:
            state: What `save` returned; its arrays are copied.

        Raises:
            AgentError: It is the state of an agent of another kind, of other candidates or of other
                observations; this agent must not be used any more.
        """

    def recall(self, proposal: Proposal, pending: Sequence[int] = ()) -> None:
        """Take a proposal for what `ask` returned, without thinking.

        Args:
            proposal: What it returned.
            pending: Candidates that were pending then.

        Raises:
            AgentError: One is no candidate.
        """


class AgentSettings(BaseModel):
    """Settings of an agent in a recipe; each kind derives its own and names it a plugin.

    Attributes:
        scalarizers: The fewest and the most scalarizers that the agent can learn from.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    scalarizers: ClassVar[tuple[int, int]] = (1, 1)
    kind: str

    @property
    def most_averages(self) -> int:
        """How many spectra the agent may have averaged at a point, at most."""
        return 1

    def most_fits(self, n_spectra: int) -> int:
        """Return how often a model is fitted while so many spectra are taken, at most.

        Here once after each spectrum; an agent that does it less often, or never, says so.
        """
        return n_spectra + 1

    def warm_up(self) -> None:
        """Import what takes long, before the agent is needed."""

    def build(self, candidates: Candidates, rng: np.random.Generator) -> Agent:  # noqa: ARG002
        """Make the agent.

        Args:
            candidates: What it can choose.
            rng: Its randomness, derived from the run's seed.
        """
        raise TypeError(f"the settings of agent {self.kind!r} do not say how to build it")

    def check_scalarizers(self, names: Sequence[str]) -> None:
        """Refuse scalarizers that are more or fewer than the agent can learn from.

        Raises:
            ValueError: They are, or one is named twice.
        """
        fewest, most = self.scalarizers
        if not fewest <= len(names) <= most:
            number = f"{fewest}" if fewest == most else f"{fewest} to {most}"
            plural = "s" if most > 1 else ""
            raise ValueError(
                f"agent {self.kind!r} learns from {number} scalarizer{plural}, "
                f"got {len(names)} ({', '.join(names)})"
            )
        if len(set(names)) < len(names):
            raise ValueError(f"a scalarizer is named twice: {', '.join(names)}")


class Scalarizer(Protocol):
    """Turns a spectrum into one number: a function, by name in a recipe or from a script.

    Some take a `ForceCurve` in place of a `Spectrum`, and say so to whoever has the other.
    """

    def __call__(self, spectrum: Any, /) -> Scalar | float:
        """Return the number, with its noise and a flag where the function knows them."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What an agent answered, for the record.

    Attributes:
        proposal: What it chose; None when it only learned.
        seconds: Time that it took [s].
        state: What it is besides what it was told, when its model was fitted anew; None for an
            agent that is not `Resumable`.
        agent: Which of the run's agents it is.
    """

    proposal: Proposal | None
    seconds: float
    state: Mapping[str, Any] | None = None
    agent: int = 0


class Watch(Protocol):
    """Who wants to know what an agent does: a run that records it."""

    def answered(self, answer: Answer) -> None:
        """The agent has answered."""

    def scored(
        self, proposal: Proposal, spectrum: Measured, scalar: Scalar, scalarizer: str
    ) -> None:
        """A spectrum was turned into a number and told to the agent."""

    def fitted(self, fit: Fit) -> None:
        """The model was fitted anew."""
