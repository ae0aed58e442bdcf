"""Explorer: an agent with a scalarizer, so that it can be told spectra and asked for points."""

import contextlib
import math
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import AgentError, CannotResume, PluginError
from ..instrument import Measured
from .memory import Memory, Recollection, RememberingWatch
from .protocol import (
    Agent,
    Answer,
    Fit,
    Model,
    Observation,
    Proposal,
    Resumable,
    Scalar,
    Scalarizer,
    Steerable,
    Watch,
)
from .scoring import Scored, observation_of, refusal, scalar_of, unpredicted
from .steered import SteeredAgent, scalarizer_named
from .steering import (
    AllowRegion,
    ForbidRegion,
    ForcePoint,
    Order,
    Prefer,
    Rescalarize,
    SetExploration,
    Steering,
    SteeringWatch,
)
from .watchfulness import Concern, Lookout, noise_of


class Explorer:
    """What a step or a script talks to: spectra go in, proposals come out.

    Args:
        agent: Who chooses.
        scalarizer: What a spectrum is worth.
        watch: Who records the choices; a run. What it remembers is not done again.
        others: Further scalarizers by name, for agents with several objectives.
        name: Name of the scalarizer, for the record; its own without it.

    Attributes:
        number: Which of the run's agents it is; None while that does not matter.
    """

    def __init__(
        self,
        agent: Agent,
        scalarizer: Scalarizer,
        watch: Watch | None = None,
        others: Mapping[str, Scalarizer] | None = None,
        name: str = "",
    ) -> None:
        self.agent = agent
        self._scalarizer = scalarizer
        self._name = name
        self._others = dict(others or {})
        self._watch = watch
        self._memory: Memory | None = watch if isinstance(watch, Memory) else None
        self.number: int | None = watch.enter() if isinstance(watch, RememberingWatch) else None
        self._recalled: Fit | None = None  # what an agent believed that has not thought again
        self._noted: Fit | None = None
        self._open: list[Proposal] = []  # given out, their spectra not told yet
        self._ready: deque[Proposal] = deque()  # to be given out before the agent is asked
        self._told: list[tuple[Proposal, Measured | None]] = []
        self._values: list[float] = []  # the good ones, for the size of the noise
        self._steered = SteeredAgent(agent)
        self._lookout = Lookout(agent.candidates.frame)
        self._concerns: list[Concern] = []

    @property
    def scalarizer_name(self) -> str:
        """Name of the scalarizer, for the record."""
        return self._name or getattr(self._scalarizer, "__name__", type(self._scalarizer).__name__)

    def scalarize(self, spectrum: Measured) -> Scalar:
        """Turn a spectrum into a number; one that is flagged or not finite is no good.

        Raises:
            AgentError: The scalarizer gave something that is no number.
        """
        return self._scalar(spectrum, self._scalarizer, self.scalarizer_name)

    def ask(self) -> Proposal | None:
        """Choose the next point while those proposed but not told yet are pending.

        What was ordered meanwhile through the watch is carried out first.

        Returns:
            The proposal; None when no candidate is left.
        """
        self._take_orders()
        return self._next()

    def tell(self, proposal: Proposal, spectrum: Measured) -> Scalar:
        """Tell the agent what was found at a proposal.

        Raises:
            AgentError: The proposal is not one that is waiting for its spectrum.
        """
        chosen = self._close(proposal)
        scalar = self.scalarize(spectrum)
        learned = proposal.noise
        if not math.isfinite(learned):
            learned = noise_of(self.fit, self._values)
        noise = math.hypot(learned, np.nan_to_num(scalar.noise))
        self._told.append((proposal, spectrum))
        self.agent.tell([observation_of(proposal, spectrum, scalar)])
        if scalar.is_good:
            self._values.append(scalar.value)
        if self._watch is not None:
            self._watch.scored(proposal, spectrum, scalar, self.scalarizer_name)
        self._look(chosen, scalar.value if scalar.is_good else math.nan, noise)
        return scalar

    def reject(self, proposal: Proposal, is_told: bool = True) -> None:
        """Tell the agent that a proposal cannot be measured; nothing is learned, nor asked again.

        Untold, it is taken back only, and may be proposed again.

        Raises:
            AgentError: The proposal is not one that is waiting for its spectrum.
        """
        self._close(proposal)
        if is_told:
            self._told.append((proposal, None))
            self.agent.tell([Observation(proposal.candidate, math.nan)])

    def forget(self, since: float, until: float) -> None:
        """Unlearn spectra that nobody trusts any more, where the agent can.

        Args:
            since: Instrument time from which on they began [s].
            until: Before which they began [s].
        """
        if not isinstance(self.agent, Steerable):
            return
        kept = [(p, s) for p, s in self._told if s is None or not since <= s.start_time < until]
        self._told = kept
        self._retell(self.agent, self._scalarizer, self.scalarizer_name)

    def proposals(self, budget: int) -> Iterator[Proposal]:
        """Yield one proposal after another, until the budget or the candidates are spent.

        Args:
            budget: How many spectra may be taken.
        """
        for _ in range(budget):
            proposal = self.ask()
            if proposal is None:
                break
            yield proposal
        self.conclude()

    def conclude(self) -> None:
        """Let the agent learn from all spectra, for the record; nothing is chosen any more."""
        self._take_orders()
        start, before = time.perf_counter(), self.fit
        recollection = self._memory.answer() if self._memory is not None else None
        if recollection is not None and isinstance(self.agent, Resumable):
            self._recall(recollection)
        elif isinstance(self.agent, Model):
            self.agent.refit()
        self._note_fit()
        self._answered(None, time.perf_counter() - start, before)

    def steer(self, steering: Steering, who: str = "script", why: str = "") -> None:
        """Step in: have something done before the agent chooses again.

        It is recorded with who wants it and why, then carried out.

        Args:
            steering: What shall be done.
            who: Who wants it.
            why: Why, in words.

        Raises:
            AgentError: It cannot be done; nothing has changed, and the refusal is recorded.
            PluginError: There is no such scalarizer.
        """
        order = Order(steering, who, why)
        if isinstance(self._watch, SteeringWatch):
            self._watch.steered(order)
        self._obey(order)

    def carry_out(self, order: Order) -> tuple[Scored, ...]:
        """Do what was ordered, unrecorded; see `steer`.

        Returns:
            Spectra that were judged anew.
        """
        steering = order.steering
        match steering:
            case Rescalarize(scalarizer=name):
                return self._rescalarize(name)
            case ForcePoint():
                self._ready.append(self._steered.forced(steering, order.who))
            case ForbidRegion() | AllowRegion():
                self._steered.restrict(steering)
                self._ready = deque(p for p in self._ready if not self._steered.forbids(p))
            case SetExploration(weight=weight):
                self._steered.explore(weight)
            case Prefer():
                measured = {proposal.candidate for proposal, found in self._told if found}
                self._steered.prefer(steering, sorted(measured))
        return ()

    def reconsider(self, proposal: Proposal) -> Proposal | None:
        """Return what shall be measured in place of a proposal that is not begun yet.

        One that was forbidden meanwhile is chosen anew; one that stands behind a point that was
        forced meanwhile is measured after it; else it stays.

        Args:
            proposal: The one that was chosen last.

        Returns:
            What to measure now; None when no candidate is left.
        """
        chosen = self._close(proposal)
        if not self._steered.forbids(proposal):
            self._ready.append(chosen)
        return self._next()

    def concerns(self) -> tuple[Concern, ...]:
        """Return what a human should know of, since the last call."""
        new, self._concerns = tuple(self._concerns), []
        return new

    @property
    def fit(self) -> Fit | None:
        """What the agent believes since its last fit; None for agents without a model."""
        fit = self.agent.fit if isinstance(self.agent, Model) else None
        return fit or self._recalled

    @contextlib.contextmanager
    def recalling(self, memory: Memory) -> Iterator[None]:
        """Recall what was recorded, inside the block, in place of doing it again.

        Args:
            memory: What was recorded.
        """
        before, self._memory = self._memory, memory
        try:
            yield
        finally:
            self._memory = before

    def state_since(self, before: Fit | None) -> Mapping[str, Any] | None:
        """Return what the agent is besides what it was told, for the record.

        Args:
            before: What it believed before it was asked.

        Returns:
            Its state; None when it believes the same, or cannot say.
        """
        fit = self.agent.fit if isinstance(self.agent, Model) else None
        if fit is None or fit is before or not isinstance(self.agent, Resumable):
            return None
        return self.agent.save()

    def _next(self) -> Proposal | None:
        start, before = time.perf_counter(), self.fit
        recollection = self._memory.answer() if self._memory is not None else None
        if self._ready:
            proposal: Proposal | None = self._ready.popleft()
        else:
            proposal = self._choose(recollection)
        self._note_fit()
        seconds = time.perf_counter() - start
        if proposal is not None:
            self._open.append(proposal)
        self._answered(proposal, seconds, before)
        return proposal

    def _answered(self, proposal: Proposal | None, seconds: float, before: Fit | None) -> None:
        if self._watch is not None:
            state = self.state_since(before)
            self._watch.answered(Answer(proposal, seconds, state, self.number or 0))

    def _choose(self, recollection: Recollection | None) -> Proposal | None:
        """Ask the agent, or recall what it answered; see `Memory`."""
        if recollection is not None and isinstance(self.agent, Resumable):
            return self._recall(recollection)
        proposals = self.agent.ask(1, pending=self._pending)
        chosen = proposals[0] if proposals else None
        recorded = recollection.choice if recollection is not None else None
        if recorded is None:
            return chosen
        if chosen is None or chosen.candidate != recorded.candidate:
            now = "nothing" if chosen is None else f"candidate {chosen.candidate}"
            raise CannotResume(
                f"the run cannot be gone on with: the agent chose candidate {recorded.candidate} "
                f"then, and chooses {now} now; recipe, code or seed must have changed"
            )
        return recorded

    @property
    def _pending(self) -> tuple[int, ...]:
        """Candidates that were given out and not told yet."""
        return tuple(dict.fromkeys(proposal.candidate for proposal in self._open))

    def _recall(self, recollection: Recollection) -> Proposal | None:
        """Let the agent become what it was after an answer, as far as that is still needed."""
        agent = self.agent
        assert isinstance(agent, Resumable)
        if recollection.choice is not None:
            agent.recall(recollection.choice, pending=self._pending)
        if recollection.fit is not None:
            self._recalled = recollection.fit
        if recollection.state is not None:
            agent.restore(recollection.state)
            self._recalled = None
        return recollection.choice

    def _take_orders(self) -> None:
        if isinstance(self._watch, SteeringWatch):
            for order in self._watch.orders():
                try:
                    self._obey(order)
                except (AgentError, PluginError):  # an alarm says so; the run goes on
                    continue

    def _obey(self, order: Order) -> None:
        """Carry out an order that was recorded, and record what comes of it."""
        try:
            scored = self.carry_out(order)
        except (AgentError, PluginError) as error:
            if isinstance(self._watch, SteeringWatch):
                self._watch.alarmed(refusal(order, error), "refused")
            raise
        if self._watch is not None:
            for one in scored:
                self._watch.scored(*one)

    def _rescalarize(self, name: str) -> tuple[Scored, ...]:
        agent = self._steered.steerable("judge spectra anew")
        scalarizer = scalarizer_named(name)
        scored = self._retell(agent, scalarizer, name)
        self._scalarizer, self._name = scalarizer, name
        self._open = [unpredicted(proposal) for proposal in self._open]
        self._ready = deque(unpredicted(proposal) for proposal in self._ready)
        return scored

    def _retell(self, agent: Steerable, by: Scalarizer, name: str) -> tuple[Scored, ...]:
        """Let an agent learn anew from all spectra that are left, judged by a scalarizer."""
        observations: list[Observation] = []
        scored: list[Scored] = []
        for proposal, spectrum in self._told:
            if spectrum is None:
                observations.append(Observation(proposal.candidate, math.nan))
                continue
            scalar = self._scalar(spectrum, by, name)
            observations.append(observation_of(proposal, spectrum, scalar))
            scored.append(Scored(proposal, spectrum, scalar, name))
        agent.retell(observations)
        self._recalled = None
        self._values = [one.scalar.value for one in scored if one.scalar.is_good]
        self._lookout.forget()
        return tuple(scored)

    def _scalar(self, spectrum: Measured, scalarizer: Scalarizer, name: str) -> Scalar:
        recalled = self._memory.scalar(spectrum, name) if self._memory is not None else None
        if recalled is not None:
            return recalled
        others = {other: scalar_of(spectrum, by, other) for other, by in self._others.items()}
        return replace(scalar_of(spectrum, scalarizer, name), others=others)

    def _look(self, proposal: Proposal, value: float, noise: float) -> None:
        concerns = self._lookout.see(proposal, value, noise)
        self._concerns += concerns
        if isinstance(self._watch, SteeringWatch):
            for concern in concerns:
                self._watch.alarmed(concern.message, concern.cause)

    def _note_fit(self) -> None:
        if self.fit is not None and self.fit is not self._noted:
            self._noted = self.fit
            if self._watch is not None:
                self._watch.fitted(self._noted)

    def _close(self, proposal: Proposal) -> Proposal:
        for index, other in enumerate(self._open):
            if other.candidate == proposal.candidate:
                return self._open.pop(index)
        raise AgentError(
            f"candidate {proposal.candidate} at ({proposal.x:g}, {proposal.y:g}) m was not "
            "proposed, or its spectrum was told already"
        )
