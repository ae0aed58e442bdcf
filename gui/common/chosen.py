"""Chosen: which scan of a run is looked at."""

from ..run.growing_scan import GrowingScan
from ..run.run_model import RunModel

FOLLOW = -1  # index of the scan that goes on, or else of the newest image of the sample


def chosen_scan(model: RunModel | None, index: int) -> GrowingScan | None:
    """Return the scan to be looked at; None where there is none.

    Args:
        model: The run; None before one is shown.
        index: Which one was chosen; `FOLLOW` follows the run.
    """
    if model is None or not model.scans:
        return None
    if 0 <= index < len(model.scans):
        return model.scans[index]
    newest = model.scans[-1]
    return newest if not newest.is_over else (model.scan or newest)
