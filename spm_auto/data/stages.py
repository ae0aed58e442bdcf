"""Where the coarse stage stood when something was recorded."""

from collections.abc import Iterable, Iterator

from .events import Record, RunStarted
from .recovery import StageMoved

Point = tuple[float, float]


def stage_at_start(started: RunStarted) -> Point | None:
    """Return where the coarse stage stood when a run began [m]; None where there is none."""
    match started.settings.get("stage"):
        case [float(x), float(y)]:
            return x, y
        case _:
            return None


def staged(records: Iterable[Record]) -> Iterator[tuple[Record, Point | None]]:
    """Yield each record of a run with where the stage stood after it [m]; None if unknown."""
    stage: Point | None = None
    for record in records:
        match record.event:
            case RunStarted():
                stage = stage_at_start(record.event)
            case StageMoved(x=x, y=y):
                stage = (x, y)
        yield record, stage


def stage_at(records: Iterable[Record], time: float) -> Point | None:
    """Return where the stage stood at an instrument time [m]; None where nobody knows."""
    found: Point | None = None
    for record, stage in staged(records):
        if record.time <= time or isinstance(record.event, RunStarted):
            found = stage
    return found
