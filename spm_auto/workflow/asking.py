"""Asking: a human is asked, or the record answers, or nobody wants to be asked."""

from collections.abc import Callable

from ..data import FinishReason, Judged, RunPaused, RunResumed
from ..errors import SpmError
from .control import Control
from .interventions import Interventions
from .requests import Ask
from .scribe import Scribe

Approve = Callable[[Ask], Judged]


class Asking:
    """Serves what a step asks of a human; for the instrument thread.

    Args:
        scribe: Writes the answer down, or has it on record.
        control: Where a human answers.
        interventions: Writes down what else humans want meanwhile.
        approve: Answers in place of a human; None for asking one.

    Attributes:
        is_heard: Whether a human can answer.
    """

    def __init__(
        self,
        scribe: Scribe,
        control: Control,
        interventions: Interventions,
        approve: Approve | None = None,
    ) -> None:
        self._scribe, self._control = scribe, control
        self._interventions, self._approve = interventions, approve
        self.is_heard = False

    @property
    def can_ask(self) -> bool:
        """Whether anybody answers."""
        return self.is_heard or self._approve is not None

    def ask(self, ask: Ask) -> Judged | None:
        """Ask, and wait for the answer; None where nobody wants to be asked.

        Raises:
            SpmError: Nobody can be asked.
            Stopped: Someone stopped the run.
        """
        tape = self._scribe.tape
        if tape is not None:
            self._control.refuse_when_over()
            recorded = tape.judged(ask)
            if recorded is not None or not tape.is_over:
                return recorded
            if tape.finished is not None and tape.finished.reason == FinishReason.COMPLETED:
                return None
        if not self._control.is_due(ask):
            return None
        self._scribe.go_live()
        if self._approve is not None:
            answer: Judged | None = self._approve(ask)
        else:
            answer = self._wait(ask)
        if answer is not None:
            self._scribe.record(answer)
        return answer

    def _wait(self, ask: Ask) -> Judged | None:
        if not self.is_heard:
            raise SpmError(f"nobody can be asked: {ask.question}")
        self._interventions.write_down()
        self._scribe.record(RunPaused())
        answer = self._control.wait_for_answer(ask, self._interventions.write_down)
        self._scribe.record(RunResumed())
        return answer
