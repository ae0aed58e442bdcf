"""An instruction that failed, as a record, and the error made again from it."""

from collections.abc import Mapping
from typing import Any

from .. import errors
from ..data import InstructionFailed
from ..errors import InstrumentError
from ..instrument import Instruction


def failure_event(instruction: Instruction, error: InstrumentError) -> InstructionFailed:
    """Return the event of an instruction that failed."""
    return InstructionFailed(instruction, type(error).__name__, str(error), _plain(vars(error)))


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    kinds = (bool, int, float, str, tuple)
    return {name: value for name, value in values.items() if isinstance(value, kinds)}


def error_of(failed: InstructionFailed) -> InstrumentError:
    """Make the error again that an instruction ended with."""
    kind = getattr(errors, failed.error, None)
    if not (isinstance(kind, type) and issubclass(kind, InstrumentError)):
        kind = InstrumentError
    error: InstrumentError = kind.__new__(kind)
    error.args = (failed.message,)
    vars(error).update(failed.values)  # as they were taken; nothing of the class is touched
    return error
