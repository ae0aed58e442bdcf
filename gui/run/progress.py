"""Progress: how far a run is, and how long it will still take. It knows no Qt."""

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

from spm_auto.units import format_duration

from .orders import Planned
from .run_model import RunModel

BY_HAND = "by_hand"  # the step in which a human decides how long it takes
_RECENT = 20  # spectra after whose pace the rest is reckoned
_WAITED = 5.0  # times what is usual: what took longer was not the measurement
_FEW = 3  # spectra below which the plan knows better
_MEMORY = 120.0  # [s] of what happened from which the pace of the clock is taken
_FAR = 12 * 3600.0  # [s] from when on the day is told, too
_LEAST = 1.0  # [s] of instrument time from which a pace is taken
_SHORTEST = 0.5  # [s] a plan that is shorter says nothing


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        share: What is done of it, from 0 to 1; NaN where nobody knows.
        left: Instrument time that is left [s]; NaN where nobody knows.
        wall: The same by the clock on the wall [s].
        words: All of that for a human.
    """

    share: float
    left: float
    wall: float
    words: str


class Pace:
    """How fast instrument time goes by, seen from the wall: a simulator's may be much faster."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque()  # (instrument time, utc) [s]

    def see(self, model: RunModel) -> None:
        """Take in how late it is in a run."""
        if self._seen and (model.utc <= self._seen[-1][1] or model.time < self._seen[-1][0]):
            if model.time < self._seen[-1][0] or model.utc < self._seen[-1][1]:
                self._seen.clear()  # another run
            return
        self._seen.append((model.time, model.utc))
        while model.utc - self._seen[0][1] > _MEMORY and len(self._seen) > 2:
            self._seen.popleft()

    @property
    def seconds(self) -> float:
        """Seconds on the wall per second of the instrument; NaN where nobody knows yet."""
        if len(self._seen) < 2:
            return math.nan
        (first, first_utc), (last, last_utc) = self._seen[0], self._seen[-1]
        if last - first < _LEAST:  # it stood still: nothing is known of how it goes on
            return math.nan
        return (last_utc - first_utc) / (last - first)


def progress(
    model: RunModel,
    planned: Planned | None,
    pace: float = math.nan,
    is_waiting: bool = False,
    now: Callable[[], float] = time.time,
) -> Progress:
    """Return how far a run is.

    While spectra are taken, the rest is reckoned from how many are left and how long the last ones
    took; else from the time that was planned.

    Args:
        model: The run.
        planned: What it was planned to take; None where nobody has said.
        pace: Seconds on the wall per second of the instrument; NaN for one.
        is_waiting: Whether it waits, so that nobody knows when it ends.
        now: Tells the time of day [s since 1970].
    """
    done = _done(model, planned)
    if model.finished is not None:
        share = 1.0 if model.finished.reason == "completed" else _share(model, planned, math.nan)
        words = [*done, f"took {format_duration(model.spent)} of instrument time"]
        return Progress(share, 0.0, 0.0, " · ".join(words))
    is_by_hand = model.step is not None and model.step.kind == BY_HAND
    if planned is None or planned.seconds < _SHORTEST or is_by_hand:
        spent = [f"{format_duration(model.spent)} of instrument time"] if model.n_records else []
        return Progress(math.nan, math.nan, math.nan, " · ".join([*done, *spent]))
    left = _left(model, planned)
    wall = left if math.isnan(pace) else left * pace
    words = [*done, f"{format_duration(model.spent)} of about {_all(model, left)}"]
    if is_waiting:
        words.append(f"about {format_duration(wall)} left once it goes on")
    elif left > 0:
        end = time.localtime(now() + wall)
        is_far = wall > _FAR
        clock = time.strftime("%a %H:%M" if is_far else "%H:%M", end)
        words.append(f"about {format_duration(wall)} left, until {clock}")
    else:
        words.append("longer than planned")
    return Progress(_share(model, planned, left), left, wall, " · ".join(words))


def _done(model: RunModel, planned: Planned | None) -> list[str]:
    n = len(model.spectra) + len(model.curves)
    if planned is not None and planned.spectra:
        return [f"{n} of {planned.spectra} spectra"]
    if n:
        return [f"{n} {'spectrum' if n == 1 else 'spectra'}"]
    return []


def _left(model: RunModel, planned: Planned) -> float:
    by_plan = max(0.0, planned.seconds - model.spent)
    starts = [m.spectrum.start_time for m in model.spectra[-_RECENT:]]
    missing = planned.spectra - len(model.spectra) - len(model.curves)
    if len(starts) <= _FEW or missing < 0 or model.curves:
        return by_plan
    steps = [after - before for before, after in pairwise(starts)]
    most = _WAITED * median(steps)  # a human may have been asked, or have paused it
    return missing * fmean(step for step in steps if step <= most)


def _share(model: RunModel, planned: Planned | None, left: float) -> float:
    if planned is None or planned.seconds < _SHORTEST:
        return math.nan
    whole = planned.seconds if math.isnan(left) else model.spent + left
    return min(1.0, model.spent / whole) if whole > 0 else math.nan


def _all(model: RunModel, left: float) -> str:
    return format_duration(model.spent + left)
