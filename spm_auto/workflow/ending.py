"""How a run ended, named: completed, cancelled, failed or emergency, and why."""

from ..data import FinishReason, RunFinished
from ..errors import EmergencyStopped, SpmError, Stopped


def name_ending(
    error: BaseException | None, asked: type[Stopped] | None, detail: str
) -> RunFinished:
    """Name how a run ended; what was asked for comes before what broke over it.

    Args:
        error: What ended it.
        asked: How someone asked it to stop; None when nobody did.
        detail: Traceback.
    """
    if isinstance(error, EmergencyStopped) or asked is EmergencyStopped:
        reason = FinishReason.EMERGENCY
    elif isinstance(error, Stopped | KeyboardInterrupt) or asked is not None:
        reason = FinishReason.CANCELLED
    elif error is not None:
        reason = FinishReason.FAILED
    else:
        return RunFinished(FinishReason.COMPLETED)
    if error is None:
        return RunFinished(reason, "the run was stopped")
    if isinstance(error, Stopped | KeyboardInterrupt):
        return RunFinished(reason, one_line(error))
    if asked is not None:
        return RunFinished(reason, f"the run was stopped: {one_line(error)}", detail)
    return RunFinished(reason, one_line(error), detail)


def one_line(error: BaseException) -> str:
    """Say what went wrong in the first line of it; errors not of spm_auto are named."""
    said = (str(error).strip() or "no message").splitlines()[0]
    match error:
        case KeyboardInterrupt():
            return "interrupted at the keyboard"
        case SpmError():
            return said
        case _:
            return f"{type(error).__name__}: {said}"
