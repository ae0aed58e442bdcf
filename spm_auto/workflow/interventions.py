"""Interventions: what humans want of a run is written down, and handed on to the agent."""

from dataclasses import replace

from ..agents import Order
from ..data import Intervention
from .control import Control, Posted
from .decisions import intervention_event
from .scribe import Scribe


class Interventions:
    """Writes down what was posted, as soon as the run comes by; for the instrument thread only.

    Args:
        scribe: Writes it down, or has it on record.
        control: What was posted.

    Attributes:
        is_thinking: Whether the agent is: what it is ordered then comes late for its answer.
    """

    def __init__(self, scribe: Scribe, control: Control) -> None:
        self._scribe, self._control = scribe, control
        self._noted: list[Order] = []
        self.is_thinking = False

    def write_down(self) -> None:
        """Write down what was posted; what a run plays again is left waiting."""
        if self._scribe.is_live:
            self._write()

    def take_orders(self) -> tuple[Order, ...]:
        """Hand over what was ordered since the last call, written down: it is carried out now."""
        early, late = self._recorded()
        if self._scribe.tape is None or self._scribe.tape.is_over:
            self._write()
        noted, self._noted = tuple(self._noted), []
        return (*early, *late, *noted)

    def take_split(self) -> tuple[tuple[Order, ...], tuple[Order, ...]]:
        """Hand over what was ordered, as it came before and after the agent began to think.

        For a run that goes on where the agent was thinking when it was killed.
        """
        early, late = self._recorded()
        self._write()
        noted, self._noted = tuple(self._noted), []
        return early, (*late, *noted)

    def leftover(self) -> tuple[Order, ...]:
        """At the end, write down what was posted, and return the orders that come too late."""
        posted = self._control.take_posted()
        for each in posted:
            if not isinstance(each, Order):
                self._scribe.record(each)
        return (*self._noted, *(each for each in posted if isinstance(each, Order)))

    def _recorded(self) -> tuple[tuple[Order, ...], tuple[Order, ...]]:
        past = self._scribe.past
        if past is None:
            return (), ()
        early, late = past.tape.orders()
        self._control.drop_orders((*early, *late))  # a script orders them again
        return early, late

    def _write(self) -> None:
        for posted in self._control.take_posted():
            self._scribe.record(self._event(posted))
            if isinstance(posted, Order):
                self._noted.append(posted)

    def _event(self, posted: Posted) -> Intervention:
        if isinstance(posted, Order):
            return replace(intervention_event(posted), is_late=self.is_thinking)
        return posted
