"""Checking: what the guard of a run would say to an instruction, before it is sent."""

from collections.abc import Sequence
from dataclasses import dataclass

from spm_auto.errors import LimitExceeded, SpmError
from spm_auto.instrument import AcquireSpectrum, Capabilities, Instruction, Limits, Status

from ..common.fields import written, written_range


class AtField(ValueError):
    """What stands in a field cannot be, whatever is allowed.

    Attributes:
        quantity: Name of the field.
    """

    def __init__(self, text: str, quantity: str) -> None:
        super().__init__(text)
        self.quantity = quantity


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an instruction would be refused.

    Attributes:
        text: In words.
        quantity: What of it is out of its limits; empty where that is not it.
        number: Which one of several instructions, counted from 0.
    """

    text: str
    quantity: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the instrument. The guard of the run decides; this asks what it will say.

    Attributes:
        capabilities: What it has; None where nobody said.
        limits: What is allowed; None where nobody said.
        status: What it reads back; None where nobody can tell.
    """

    capabilities: Capabilities | None = None
    limits: Limits | None = None
    status: Status | None = None

    def refusal(self, instructions: Sequence[Instruction]) -> Refusal | None:
        """Return why the first one of some instructions would be refused; None if none would."""
        waveforms: set[int] = set()
        for number, instruction in enumerate(instructions):
            try:
                if self.capabilities is not None:
                    self.capabilities.check(instruction)
                self._check(instruction, waveforms)
                if self.limits is not None:
                    self.limits.check_count(instruction, number)  # as if just loaded
                if number == 0 and self.limits is not None and self.status is not None:
                    self.limits.check_change(instruction, self.status)
            except LimitExceeded as error:
                return Refusal(in_words(error), error.quantity, number)
            except SpmError as error:
                return Refusal(str(error), number=number)
        return None

    def _check(self, instruction: Instruction, waveforms: set[int]) -> None:
        """Hold it against the limits; a waveform that was looked at before is not again."""
        if self.limits is None:
            return
        if isinstance(instruction, AcquireSpectrum):
            if id(instruction.waveform) in waveforms:
                self.limits.check_point(instruction.x, instruction.y)
                return
            waveforms.add(id(instruction.waveform))
        self.limits.check(instruction)


def in_words(error: LimitExceeded) -> str:
    """Return the guard's words with quantities as they are shown in the window."""
    unit = error.unit or "1"
    text = f"{error.quantity} of {written(error.asked, unit)} is outside " + written_range(
        error.allowed, unit
    )
    return f"{text} ({error.scope})" if error.scope else text
