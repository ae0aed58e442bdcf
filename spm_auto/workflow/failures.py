"""An instruction that failed, as a record, and the error made again from it."""

from ..data import InstructionFailed
from ..errors import InstrumentError, retell, tell
from ..instrument import Instruction


def failure_event(instruction: Instruction, error: InstrumentError) -> InstructionFailed:
    """Return the event of an instruction that failed."""
    return InstructionFailed(instruction, *tell(error))


def error_of(failed: InstructionFailed) -> InstrumentError:
    """Make the error again that an instruction ended with."""
    error = retell(failed.error, failed.message, failed.values)
    return error if isinstance(error, InstrumentError) else InstrumentError(failed.message)
