"""Controls: what humans do to a run, from any thread, and what they may know of it."""

import contextlib
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ..agents import Order, Steering
from ..data import (
    ANNOTATE,
    CANCEL,
    EMERGENCY,
    INTERRUPT,
    PAUSE,
    RESUME,
    SET_APPROVAL,
    Intervention,
    RunFinished,
    Verdict,
)
from ..errors import EmergencyStopped, SpmError, Stopped
from ..instrument import GuardedInstrument, Instruction, Instrument
from .control import Control, RunState
from .handwork import instructions_to_text
from .judging import often
from .performing import Performer
from .requests import BY_HAND, INSTRUCTIONS, Question

_POLL = 0.05  # [s] how often a waiting thread looks up


class Controls:
    """The side of a run that humans see; all of it may be called from any thread.

    Args:
        control: Where the run stands.
        performer: Owns the instrument.
    """

    def __init__(self, control: Control, performer: Performer) -> None:
        self._control, self._performer = control, performer

    @property
    def state(self) -> RunState:
        """Where the run stands."""
        return self._control.state

    @property
    def finished(self) -> RunFinished | None:
        """How the run ended; None while it goes on."""
        return self._control.finished

    @property
    def question(self) -> Question | None:
        """What the run asks a human, and waits for; None for nothing."""
        return self._control.question

    @property
    def approval(self) -> int | None:
        """How often a human wants to be asked, as `Ask.every`; None as the steps have it."""
        return self._control.approval

    @property
    def is_held(self) -> bool:
        """Whether somebody wants the run to wait."""
        return self._control.is_held

    @property
    def waiting(self) -> tuple[str, ...]:
        """What humans want that is not written down yet, in words."""
        return tuple(
            str(each.steering) if isinstance(each, Order) else each.what
            for each in self._control.waiting
        )

    @property
    def instrument(self) -> Instrument:
        """The instrument, in the coordinates of the run's first image: to be looked at only."""
        return self._performer.instrument

    @property
    def guard(self) -> GuardedInstrument | None:
        """The guard before it, which has limits and watchdog; None where there is none."""
        return self._performer.guard

    def pause(self, who: str = "", why: str = "") -> None:
        """Wait before the next instruction or line, until `resume`.

        What a human does to the run, here and below, is written down with who and why.

        Args:
            who: Who wants it; empty where it is no human, and not written down.
            why: Why, in words.
        """
        self._remark(who, why, PAUSE, "wait")
        self._control.pause()

    def resume(self, who: str = "", why: str = "") -> None:
        """Go on after a pause; what the watchdog holds the instrument for is acknowledged by it."""
        self._remark(who, why, RESUME, "go on")
        self._performer.release()
        self._control.resume()

    def cancel(self, who: str = "", why: str = "") -> None:
        """End the run at once, in order: the instruction in progress is interrupted."""
        self._remark(who, why, CANCEL, "end the run")
        if self._control.ask_to_stop(Stopped):
            self._performer.instrument.interrupt()
            threading.Thread(target=self._insist, name="cancel", daemon=True).start()

    def emergency_stop(self, who: str = "", why: str = "", hard: bool = False) -> None:
        """Withdraw the tip first, then end the run, even when the instrument does not answer.

        Args:
            who: Who wants it.
            why: Why, in words.
            hard: Whether to take the alternate path for the tip at once, where there is one.

        Raises:
            NotConfirmed: The instrument does not say that the tip is up.
        """
        said = "withdraw the tip, which is NOT confirmed"
        try:
            self._performer.withdraw(hard)
            said = "withdraw the tip"
        finally:
            self._remark(who, why, EMERGENCY, said)
            self._control.ask_to_stop(EmergencyStopped)

    def annotate(self, text: str, who: str, why: str = "") -> None:
        """Write down what a human has to say.

        Raises:
            SpmError: The run is over.
        """
        self._control.remark(Intervention(who, text, why, ANNOTATE))

    def set_approval(self, every: int, who: str, why: str = "") -> None:
        """Ask a human about every so many-th point or frame from now on; 0 for none.

        What the run may not do without an answer, it asks all the same.

        Raises:
            SpmError: The run is over.
        """
        what = f"ask about {often(every)}"
        self._control.remark(Intervention(who, what, why, SET_APPROVAL, {"every": every}))
        self._control.set_approval(every)

    def answer(
        self,
        verdict: Verdict,
        who: str,
        why: str = "",
        values: Mapping[str, Any] | None = None,
        number: int | None = None,
    ) -> Question:
        """Answer what the run asks, and return what that was.

        Args:
            verdict: The answer.
            who: Who answers.
            why: Why, in words.
            values: Where edited, what it shall be instead, by name.
            number: Which question is meant; None for the one that is being asked.

        Raises:
            SpmError: Nothing is asked, something else is by now, or the answer does not fit.
        """
        return self._control.answer(verdict, who, why, values or {}, number)

    def do_by_hand(
        self,
        instructions: Sequence[Instruction],
        who: str,
        why: str = "",
        number: int | None = None,
    ) -> None:
        """Have instructions carried out that are given by hand, where the run waits for them.

        What the instrument or the limits refuse is recorded, and the run asks again.

        Args:
            instructions: Which ones, one after another.
            who: Who gives them.
            why: Why, in words.
            number: Which question is meant; None for the one that is being asked.

        Raises:
            SpmError: The run does not wait for them.
            RecipeError: There are none, or too many.
            Malformed: Something else stands in the place of a number.
        """
        values = {INSTRUCTIONS: instructions_to_text(instructions)}
        self._control.answer(Verdict.EDITED, who, why, values, number, BY_HAND)

    def end_by_hand(self, who: str, why: str = "") -> None:
        """Say that nothing more is to be done by hand: the run goes on with its next step.

        Raises:
            SpmError: The run does not wait for it.
        """
        self._control.answer(Verdict.APPROVED, who, why, {}, None, BY_HAND)

    def interrupt(self, who: str, why: str = "") -> None:
        """End what was begun by hand; the run does not end, and asks again.

        On a virtual clock nothing takes any time: there it ends between instructions and lines.

        Raises:
            SpmError: Nothing is being done by hand just now.
        """
        said = Intervention(who, "end what was begun by hand", why, INTERRUPT)
        self._control.hands.interrupt(who, lambda: self._control.remark(said))
        if self._performer.is_timed:
            insist = partial(self._control.hands.insist, self._performer.instrument.interrupt)
            threading.Thread(target=insist, name="interrupt", daemon=True).start()

    def steer(self, steering: Steering, who: str, why: str = "") -> None:
        """Step in, from any thread: have something done before the agent chooses again.

        It is recorded, then carried out where the agent thinks. A point that was chosen but is not
        being measured yet is thought over; what is being measured ends. When it cannot be done, an
        alarm says so and the run goes on.

        Args:
            steering: What shall be done.
            who: Who wants it.
            why: Why, in words.

        Raises:
            SpmError: The run is over.
        """
        self._control.order(Order(steering, who, why))

    def _remark(self, who: str, why: str, kind: str, what: str) -> None:
        """Have it written down that a human did something to the run, which may be over."""
        if who:
            with contextlib.suppress(SpmError):
                self._control.remark(Intervention(who, what, why, kind))

    def _insist(self) -> None:
        """Interrupt again until the run is over: the first may have come between instructions."""
        while not self._control.wait_for_the_end(_POLL):
            self._performer.instrument.interrupt()
