"""Control: where a run stands, and what was asked of it from other threads: one lock, one enum."""

import threading
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from ..agents import Order
from ..data import Intervention, Judged, RunFinished, Verdict
from ..errors import EmergencyStopped, SpmError, Stopped
from .hands import Hands
from .judging import judged
from .requests import BY_HAND, Ask, Question

Posted = Order | Intervention  # what a human wants of the agent, or of the run


LOOKS = 0.2  # [s] between two looks at the tip while the run waits for a human


class RunState(StrEnum):
    """Where a run stands; how it ended is a `FinishReason`."""

    IDLE = "idle"
    LOADING = "loading"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"


_TRANSITIONS = {
    RunState.IDLE: {RunState.LOADING},
    RunState.LOADING: {RunState.RUNNING, RunState.PAUSED, RunState.STOPPING, RunState.IDLE},
    RunState.RUNNING: {RunState.PAUSED, RunState.STOPPING, RunState.IDLE},
    RunState.PAUSED: {RunState.LOADING, RunState.RUNNING, RunState.STOPPING, RunState.IDLE},
    RunState.STOPPING: {RunState.STOPPING, RunState.IDLE},
}


class Control:
    """The state of a run, safe to read and to change from any thread.

    Attributes:
        hands: What is done by hand.
        stop_flag: Set when the run shall stop, for whoever waits on a clock.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.hands = Hands(self._changed)
        self._state = RunState.IDLE
        self._hold = False
        self._stop: type[Stopped] | None = None
        self._finished: RunFinished | None = None
        self._posted: list[Posted] = []
        self._approval: int | None = None
        self._question: Question | None = None
        self._look: Callable[[], object] | None = None
        self._n_questions = 0
        self._judged: Judged | None = None
        self.stop_flag = threading.Event()

    @property
    def state(self) -> RunState:
        """Where the run stands."""
        with self._changed:
            return self._state

    @property
    def stop(self) -> type[Stopped] | None:
        """How someone asked the run to stop; None when nobody did."""
        with self._changed:
            return self._stop

    @property
    def finished(self) -> RunFinished | None:
        """How the run ended; None while it goes on."""
        with self._changed:
            return self._finished

    @property
    def is_held(self) -> bool:
        """Whether somebody wants the run to wait."""
        with self._changed:
            return self._hold

    @property
    def question(self) -> Question | None:
        """What a human is being asked; None for nothing."""
        with self._changed:
            return self._question if self._judged is None else None

    @property
    def approval(self) -> int | None:
        """How often a human wants to be asked, as `Ask.every`; None as the steps have it."""
        with self._changed:
            return self._approval

    def pause(self) -> None:
        """Ask the run to wait at its next checkpoint."""
        with self._changed:
            self._hold = True

    def resume(self) -> None:
        """Let the run go on."""
        with self._changed:
            self._hold = False
            self._changed.notify_all()

    def set_approval(self, every: int) -> None:
        """Say how often a human wants to be asked; what needs no answer any more is taken back."""
        with self._changed:
            self._approval = every
            self._changed.notify_all()

    def is_due(self, ask: Ask) -> bool:
        """Say whether a human wants to be asked this."""
        with self._changed:
            return self._is_due(ask)

    def answer(
        self,
        verdict: Verdict,
        who: str,
        why: str,
        values: Mapping[str, Any],
        number: int | None,
        kind: str = "",
    ) -> Question:
        """Answer what the run asks, and return what that was.

        Args:
            verdict: The answer.
            who: Who answers.
            why: Why, in words.
            values: What it shall be instead, by name.
            number: Which question is meant; None for the one that is being asked.
            kind: Of the question that is meant; empty for any.

        Raises:
            SpmError: Nothing is asked, something else is by now, or the answer does not fit.
        """
        with self._changed:
            question = self._question
            if question is None or self._judged is not None:
                raise SpmError("the run asks nothing just now")
            if number not in (None, question.number):
                raise SpmError(
                    f"question {number} was answered already; now the run asks: "
                    f"{question.ask.question}"
                )
            if kind not in ("", question.ask.kind):
                raise SpmError(f"the run asks something else just now: {question.ask.question}")
            self._judged = judged(question.ask, verdict, who, why, values)
            if question.ask.kind == BY_HAND and verdict is Verdict.EDITED:
                self.hands.begin()  # from now on it can be ended
            self._changed.notify_all()
            return question

    def wait_for_answer(self, ask: Ask, noted: Callable[[], object]) -> Judged | None:
        """Hold the run until a human has answered; None where nobody wants to be asked any more.

        Args:
            ask: What is asked.
            noted: Writes down what was posted meanwhile, without the lock.

        Raises:
            SpmError: The run is over.
            Stopped: Someone asked it to stop.
        """
        with self._changed:
            self._refuse_when_over()
            before = self._state
            self._n_questions += 1
            self._question, self._judged = Question(self._n_questions, ask), None
            self._hold_as(RunState.PAUSED)
        try:
            self._wait(lambda: self._judged is not None or not self._is_due(ask), noted)
        finally:
            with self._changed:
                answer, self._question, self._judged = self._judged, None, None
        with self._changed:
            self._refuse_when_over()
            self._hold_as(before)
        return answer

    def ask_to_stop(self, why: type[Stopped]) -> bool:
        """Ask the run to stop; returns whether there was still something to stop."""
        with self._changed:
            if self._finished is not None:
                return False
            if self._stop is not EmergencyStopped:  # which nothing takes back
                self._stop = why
            if self._state != RunState.IDLE:
                self._become(RunState.STOPPING)
            self.stop_flag.set()
            self._changed.notify_all()
            return True

    def order(self, order: Order) -> None:
        """Keep what someone wants of the agent until it is asked next.

        Raises:
            SpmError: The run is over.
            Stopped: Someone stopped it.
        """
        with self._changed:
            self._refuse_when_over()
            self._posted.append(order)
            self._changed.notify_all()

    def remark(self, intervention: Intervention) -> None:
        """Keep what is to be written down of a human who did something to the run.

        Raises:
            SpmError: The run is over.
        """
        with self._changed:
            if self._finished is not None:
                self._refuse_when_over()
            self._posted.append(intervention)
            self._changed.notify_all()

    @property
    def waiting(self) -> tuple[Posted, ...]:
        """What is not written down yet, in order."""
        with self._changed:
            return tuple(self._posted)

    def take_posted(self) -> tuple[Posted, ...]:
        """Hand over what was ordered and remarked since the last call, in order."""
        with self._changed:
            posted, self._posted = tuple(self._posted), []
            return posted

    def drop_orders(self, orders: Sequence[Order]) -> None:
        """Forget orders that were carried out already, each once."""
        done = [str(order) for order in orders]  # text, as NaN does not equal itself
        with self._changed:
            for order in [*self._posted]:
                if str(order) in done:
                    done.remove(str(order))
                    self._posted.remove(order)

    def watch_with(self, look: Callable[[], object]) -> None:
        """Know who looks after the tip; called now and then while the run waits for a human."""
        self._look = look

    def begin_loading(self) -> None:
        """Begin the run.

        Raises:
            SpmError: It began already, or is over.
            Stopped: Someone stopped it before.
        """
        with self._changed:
            self._refuse_when_over()
            self._become(RunState.LOADING)

    def end_loading(self) -> None:
        """Go on to running, unless someone asked to stop meanwhile."""
        with self._changed:
            if self._state == RunState.LOADING:
                self._become(RunState.RUNNING)

    def checkpoint(
        self,
        paused: Callable[[], object],
        resumed: Callable[[], object],
        noted: Callable[[], object],
    ) -> None:
        """Wait while the run is to be held; what is ended by hand waits no longer.

        Args:
            paused: Called when the wait begins, without the lock.
            resumed: Called when the run goes on.
            noted: Writes down what was posted meanwhile, without the lock.

        Raises:
            SpmError: The run is over.
            Stopped: Someone asked it to stop.
        """
        with self._changed:
            self._refuse_when_over()
            if not self._hold:
                return
            before = self._state
            self._become(RunState.PAUSED)
        paused()
        self._wait(lambda: not self._hold or self.hands.is_ended, noted)
        with self._changed:
            self._refuse_when_over()
            self._become(before)
        resumed()

    @property
    def is_under_way(self) -> bool:
        """Whether the run has begun and is not being stopped."""
        with self._changed:
            return self._state in (RunState.LOADING, RunState.RUNNING, RunState.PAUSED)

    def hold_until(self, is_over: Callable[[], bool], poll: float) -> None:
        """Hold the run until something is so.

        Args:
            is_over: Says whether it is, without the lock.
            poll: How often it is asked [s].

        Raises:
            SpmError: The run is over.
            Stopped: Someone asked it to stop.
        """
        with self._changed:
            self._refuse_when_over()
            before = self._state
            self._hold_as(RunState.PAUSED)
        while not is_over():
            with self._changed:
                self._changed.wait_for(lambda: self._stop is not None, poll)
                self._refuse_when_over()
        with self._changed:
            self._refuse_when_over()
            self._hold_as(before)

    def finish(self, finished: RunFinished) -> None:
        """Note how the run ended."""
        with self._changed:
            self._finished = finished
            if self._state != RunState.IDLE:
                self._become(RunState.IDLE)
            self._changed.notify_all()

    def wait_for_the_end(self, timeout: float) -> bool:
        """Wait for the run's end, at most so long [s]; returns whether it ended."""
        with self._changed:
            return self._changed.wait_for(lambda: self._finished is not None, timeout)

    def refuse_when_over(self) -> None:
        """Let the run go on.

        Raises:
            SpmError: It is over.
            Stopped: Someone asked it to stop.
        """
        with self._changed:
            self._refuse_when_over()

    def _wait(self, is_over: Callable[[], bool], noted: Callable[[], object]) -> None:
        """Wait until something is so, the lock being held for asking; note what is posted.

        Whoever waits for a human is the instrument thread, and looks after the tip meanwhile.
        """
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: bool(self._posted) or is_over() or self._stop is not None,
                    None if self._look is None else LOOKS,
                )
                self._refuse_when_over()
                has_posted = bool(self._posted)
                if not has_posted and is_over():
                    return
            if has_posted:
                noted()
            elif self._look is not None:
                self._look()

    def _is_due(self, ask: Ask) -> bool:
        every = ask.every if self._approval is None else self._approval
        return ask.is_needed or (every > 0 and ask.number % every == 0)

    def _hold_as(self, state: RunState) -> None:
        if self._state != state:  # it may wait for a human already
            self._become(state)

    def _become(self, state: RunState) -> None:
        """Change the state, the lock being held; `_TRANSITIONS` says what can become what."""
        if state not in _TRANSITIONS[self._state]:
            raise SpmError(f"a run that is {self._state} cannot become {state}")
        self._state = state
        self._changed.notify_all()

    def _refuse_when_over(self) -> None:
        if self._finished is not None:
            raise SpmError(f"the run is over: {self._finished.reason}")
        if self._stop is not None:
            raise self._stop("the run was stopped")
