"""AnswerMemory: an answer of the agent as it is on record, to be recalled instead of thought."""

from collections import deque
from collections.abc import Sequence

from ..agents import Recollection, Scalar
from ..data import AgentAnswered, Event, ModelFitted, SpectrumScored
from ..instrument import Measured
from .decisions import fit_of, is_of, proposal_of, scalar_of


class AnswerMemory:
    """What an agent recalls of one recorded answer; see `spm_auto.agents.Memory`.

    Args:
        answered: The answer.
        notes: The events that were written down with it.
        needs_state: Whether the state is that of the last fit on record.
    """

    def __init__(self, answered: AgentAnswered, notes: Sequence[Event], needs_state: bool) -> None:
        self._scalars = [note for note in notes if isinstance(note, SpectrumScored)]
        fits = [fit_of(note) for note in notes if isinstance(note, ModelFitted)]
        state = answered.state if needs_state else None
        last = fits.pop() if fits and answered.is_refitted else None
        first = fits.pop() if fits else None
        choice = proposal_of(answered.choice)
        if answered.reconsidered is None:
            self._answers = deque([Recollection(choice, last or first, state)])
        else:
            before = proposal_of(answered.reconsidered)
            is_late = answered.is_refitted
            self._answers = deque(
                [
                    Recollection(before, first, None if is_late else state),
                    Recollection(choice, last, state if is_late else None),
                ]
            )

    def answer(self) -> Recollection | None:
        """Return the answer, or first the one that was thought over."""
        return self._answers.popleft() if self._answers else None

    def scalar(self, spectrum: Measured, scalarizer: str) -> Scalar | None:
        """Return what a spectrum was worth; None where that was not written down any more."""
        for scored in self._scalars:
            if is_of(scored, spectrum, scalarizer):
                return scalar_of(scored)
        return None
