"""Consulting: the agent works beside the instrument, and what it answers is written down."""

import itertools
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import partial
from typing import Any

from ..agents import Explorer, Order, Proposal
from ..clock import Clock
from ..data import AgentAnswered, AgentPrepared
from ..errors import AgentError
from .control import Control
from .decisions import choice_event
from .interventions import Interventions
from .requests import Advice, Consult, Consultation, Prepare
from .scribe import Scribe
from .tape import Remembered
from .worker import Result, Worker

_POLL = 0.05  # [s] how often a waiting thread looks up
LONGEST_THOUGHT = 1800.0  # [s] of the wall clock for one question to an agent


class Consulting:
    """Serves what a step asks of an agent, which works in a thread of its own.

    Args:
        scribe: Writes down what it answers, or has it on record.
        control: Where the run stands.
        clock: Instrument time.
        interventions: Hands over what humans have ordered.
        thought: How long an agent may think about one question, on the wall clock [s].
    """

    def __init__(
        self,
        scribe: Scribe,
        control: Control,
        clock: Clock,
        interventions: Interventions,
        thought: float = LONGEST_THOUGHT,
    ) -> None:
        self._thought = thought
        self._scribe, self._control, self._clock = scribe, control, clock
        self._interventions = interventions
        self._agents = itertools.count()
        self.worker = Worker("agent")

    def enter(self) -> int:
        """Return the number of an agent that begins, counted from 0."""
        return next(self._agents)

    def prepare(self, prepare: Prepare) -> Explorer:
        """Make an agent, and wait for it."""
        start = self._clock.now()
        explorer = self._wait_for(self.worker.submit(prepare.make))
        self._scribe.record(AgentPrepared(self._clock.now() - start))
        return explorer

    def compute(self, work: Callable[[], Any]) -> Any:
        """Work something out in the agent's thread, and wait for it; nothing is recorded."""
        return self._wait_for(self.worker.submit(work))

    def consult(self, consult: Consult) -> Consultation:
        """Ask an agent, unless its answer may be on record; do not wait for it."""
        if consult.explorer.number is None:
            consult.explorer.number = self.enter()
        tape = self._scribe.tape
        if tape is not None and not tape.is_over:
            self._interventions.is_thinking = True
            return Consultation(None, self._clock.now(), consult)
        orders = self._interventions.take_orders()
        self._interventions.is_thinking = True
        future = self.worker.submit(partial(consult.advice, orders))
        return Consultation(future, self._clock.now(), consult)

    def advice(self, consultation: Consultation) -> Advice:
        """Wait for what the agent says, and for what it says to orders that came meanwhile.

        Raises:
            AgentError: It says nothing for too long.
            Stopped: Someone stopped the run.
            CannotResume: Something else than its answer is on record.
        """
        consult, future, start = consultation.consult, consultation.future, consultation.start_time
        past = self._scribe.past
        late: tuple[Order, ...] = ()
        if future is None and consult is not None and past is not None:
            remembered = past.tape.answer()
            if remembered is not None:
                self._interventions.is_thinking = False
                return self._recalled(consult, remembered)
            orders, late = self._interventions.take_split()
            start = self._clock.now()
            future = self.worker.submit(partial(consult.advice, orders))
        assert future is not None  # only a run that goes on leaves it open
        overlap = self._clock.now() - start
        advice = self._wait_for(future)
        before: Proposal | None = None
        if consult is not None and (late := (*late, *self._interventions.take_orders())):
            before = advice.proposal
            advice = self._wait_for(self.worker.submit(partial(consult.reconsider, advice, late)))
        self._interventions.is_thinking = False
        self._scribe.record(
            AgentAnswered(
                advice.seconds,
                max(0.0, advice.seconds - overlap),
                choice=choice_event(advice.proposal),
                state=advice.state,
                agent=0 if consult is None else consult.explorer.number or 0,
                late=len(late),
                reconsidered=choice_event(before),
                is_refitted=advice.is_refitted,
            )
        )
        return advice

    def _recalled(self, consult: Consult, remembered: Remembered) -> Advice:
        """Let the agent recall an answer that is on record."""
        recall = partial(consult.recall, remembered.memory, remembered.orders, remembered.late)
        return self._wait_for(self.worker.submit(recall))

    def _wait_for(self, future: "Future[Result]") -> Result:
        end = time.monotonic() + self._thought
        while not wait([future], timeout=_POLL).done:
            if time.monotonic() > end:
                raise AgentError(f"the agent has not answered within {self._thought:g} s")
            stop = self._control.stop
            if stop is not None:
                raise stop("the run was stopped while the agent was thinking")
        return future.result()
