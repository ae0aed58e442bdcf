"""What a step may yield besides instructions: consult the agent, wait for its answer, record."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from ..agents import Explorer, Fit, Memory, Order, Proposal, Scored, refusal
from ..data import REFUSED, Alarm, Event, Judged
from ..errors import AgentError, PluginError
from ..instrument import ForceCurve, Instruction, Measured, ScanImage, Spectrum

BY_HAND = "by_hand"  # kind of the question what shall be done by hand
INSTRUCTIONS = "instructions"  # name of the value that answers it
Result = ScanImage | Spectrum | ForceCurve | None  # of an instruction
Told = tuple[Proposal, Measured | None]  # None: the instrument refused the point


@dataclass(frozen=True, slots=True)
class Advice:
    """What the agent answered.

    Attributes:
        proposal: Where to measure next; None when nothing was asked or nothing is left.
        scored: What the spectra that it was told are worth, and those that were judged anew.
        fits: What its model believed after each new fit.
        seconds: How long it worked [s].
        alarms: What a human should know of.
        state: What it is besides what it was told, when its model was fitted anew.
        is_refitted: Whether that came when it thought again.
    """

    proposal: Proposal | None
    scored: tuple[Scored, ...]
    fits: tuple[Fit, ...]
    seconds: float
    alarms: tuple[Alarm, ...] = ()
    state: Mapping[str, Any] | None = None
    is_refitted: bool = False


@dataclass(frozen=True, slots=True)
class Consult:
    """Ask the agent, beside the instrument: tell it spectra, then let it choose.

    The runner answers with a `Consultation` at once and goes on; `Await` fetches the advice.

    Attributes:
        explorer: The agent with its scalarizer.
        told: What was measured since it was asked last.
        ask: Whether it shall choose a point; else it shall learn from all it was told, for the
            record.
        forget: From when until when spectra began that it shall forget, after it was told
            [s]; None for nothing.
        dropped: A proposal that nobody measures, and that says nothing about the sample.
        instead: What a human has answered that shall be done in its place.
    """

    explorer: Explorer
    told: tuple[Told, ...] = ()
    ask: bool = True
    forget: tuple[float, float] | None = None
    dropped: Proposal | None = None
    instead: tuple[Order, ...] = ()

    def advice(self, orders: Sequence[Order] = ()) -> Advice:
        """Do the work; called by the runner in the agent's own thread.

        Args:
            orders: What humans want done first.
        """
        start = time.perf_counter()
        scored, alarms = _carry_out(self.explorer, orders)
        for proposal, spectrum in self.told:
            if spectrum is None:
                self.explorer.reject(proposal)
            else:
                scalar = self.explorer.tell(proposal, spectrum)
                scored.append(Scored(proposal, spectrum, scalar, self.explorer.scalarizer_name))
        if self.forget is not None:
            self.explorer.forget(*self.forget)
        if self.dropped is not None:
            self.explorer.reject(self.dropped, is_told=False)
            again, refused = _carry_out(self.explorer, self.instead)
            scored, alarms = scored + again, alarms + refused
        before = self.explorer.fit
        choice: Proposal | None = None
        if self.ask:
            choice = self.explorer.ask()
        else:
            self.explorer.conclude()
        fit = self.explorer.fit
        alarms += [Alarm(c.message, c.cause) for c in self.explorer.concerns()]
        return Advice(
            choice,
            tuple(scored),
            (fit,) if fit is not None and fit is not before else (),
            time.perf_counter() - start,
            tuple(alarms),
            self.explorer.state_since(before),
        )

    def reconsider(self, advice: Advice, orders: Sequence[Order]) -> Advice:
        """Do what was ordered after the agent answered, before its answer is acted upon.

        Called by the runner in the agent's own thread, as `advice`.
        """
        start = time.perf_counter()
        scored, alarms = _carry_out(self.explorer, orders)
        before = self.explorer.fit
        choice = advice.proposal and self.explorer.reconsider(advice.proposal)
        fit, state = self.explorer.fit, self.explorer.state_since(before)
        return Advice(
            choice,
            (*advice.scored, *scored),
            (*advice.fits, *((fit,) if fit is not None and fit is not before else ())),
            advice.seconds + time.perf_counter() - start,
            (*advice.alarms, *alarms),
            state or advice.state,
            is_refitted=state is not None,
        )

    def recall(self, memory: Memory, orders: Sequence[Order], late: Sequence[Order]) -> Advice:
        """Let the agent recall an answer that is on record, in place of giving it.

        Called by the runner in the agent's own thread, as `advice`.

        Args:
            memory: The answer.
            orders: What humans had wanted done first.
            late: What they had wanted when it had answered.
        """
        with self.explorer.recalling(memory):
            advice = self.advice(orders)
            return self.reconsider(advice, late) if late else advice


def _carry_out(explorer: Explorer, orders: Sequence[Order]) -> tuple[list[Scored], list[Alarm]]:
    scored: list[Scored] = []
    alarms = []
    for order in orders:
        try:
            scored += explorer.carry_out(order)
        except (AgentError, PluginError) as error:
            alarms.append(Alarm(refusal(order, error), REFUSED))
    return scored, alarms


@dataclass(frozen=True, slots=True)
class Prepare:
    """Make the agent, in its own thread; the runner waits and gives back what was made.

    Attributes:
        make: Makes it.
    """

    make: Callable[[], Explorer]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Ask how long instructions would take from here; nothing moves.

    The runner gives back the `Estimates`; None where the instrument cannot tell.

    Attributes:
        instructions: Which ones.
    """

    instructions: tuple[Instruction, ...]


@dataclass(frozen=True, slots=True)
class Estimates:
    """What instructions would take.

    Attributes:
        position: Where the probe is [m].
        seconds: Time of each instruction from there [s].
    """

    position: tuple[float, float]
    seconds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait on the instrument's clock; the runner gives back what time it is then [s].

    Attributes:
        seconds: How long [s]; 0 asks for the time only.
    """

    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Compute:
    """Work something out in the agent's thread; the runner waits and gives back the result.

    It must depend on nothing but what is on record: a run that goes on works it out again.

    Attributes:
        work: Does it.
    """

    work: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask a human; the runner gives back a `Judged`, or None where nobody wants to be asked.

    Attributes:
        kind: What it is about: "point", "frame", "step" or "by_hand".
        question: In words.
        values: What is proposed, by name, SI units.
        every: A human is asked about every so many-th thing of this kind; 0 for never. Whoever
            steers the run may change it meanwhile.
        number: Which of them this is, counted from 1.
        is_needed: Whether the run may not go on without an answer, whatever else was set.
    """

    kind: str
    question: str
    values: Mapping[str, Any] = field(default_factory=dict)
    every: int = 1
    number: int = 1
    is_needed: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What a run asks a human just now, and waits for.

    Attributes:
        number: Which question of this process it is, counted from 1.
        ask: What is asked.
    """

    number: int
    ask: Ask


@dataclass(frozen=True, slots=True)
class Consultation:
    """An answer of the agent that is being worked on.

    Attributes:
        future: The advice to come; None when the agent was not asked, as its answer may be on
            record.
        start_time: Instrument time when the agent was asked [s].
        consult: What was asked; None when it cannot be asked again.
    """

    future: "Future[Advice] | None" = field(repr=False)
    start_time: float
    consult: Consult | None = None


@dataclass(frozen=True, slots=True)
class Await:
    """Wait for the agent's answer; the runner gives back the `Advice`."""

    consultation: Consultation


@dataclass(frozen=True, slots=True)
class Note:
    """Write an event to the journal.

    Attributes:
        event: What happened.
        pause: Whether the run shall wait for a human then.
    """

    event: Event
    pause: bool = False


@dataclass(frozen=True, slots=True)
class ByHand:
    """Say that the instructions from here on are those of a human, who may end them.

    What he has ended raises `Interrupted`, as an instruction that could not be carried out.

    Attributes:
        is_over: Whether, on the contrary, they are over.
    """

    is_over: bool = False


Request = Instruction | Prepare | Estimate | Consult | Await | Note | Wait | Compute | Ask | ByHand
Answer = Result | Explorer | Estimates | Consultation | Advice | Judged | float | Any
