"""LastTip: what the journal of a run that is over says of the tip. It knows no Qt."""

import time
from itertools import islice

from spm_auto.data import EMERGENCY, FinishReason

from .run_model import RunModel
from .sayings import Weight

NOT_CONFIRMED = "NOT confirmed"
_LAST = 50  # lines of the log before the end in which an alarm says why it ended


def last_tip(model: RunModel) -> str:
    """Return what is known of the tip after an emergency, and since when; empty for nothing.

    Stopped in order, a run leaves the tip where it is, and nobody knows what became of it.
    """
    finished = model.finished
    if finished is None or finished.reason is not FinishReason.EMERGENCY:
        return ""
    asked = [each.what for each in model.interventions if each.kind == EMERGENCY]
    said = asked[-1:] or [
        each.text for each in islice(reversed(model.sayings), _LAST) if each.weight is Weight.ALARM
    ]
    when = time.strftime("%H:%M:%S", time.localtime(model.utc))
    if any(NOT_CONFIRMED in each for each in said):
        return f"{NOT_CONFIRMED} to be withdrawn, at {when}"
    return f"withdrawn when the run ended, at {when}"
