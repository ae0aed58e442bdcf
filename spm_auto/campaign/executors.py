"""Executors: who does the runs of a campaign; a worker is told a folder and does what it orders."""

import contextlib
import math
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from ..errors import CampaignError, SpmError
from .attempts import MOST_LOSSES
from .work import RESERVE, Elsewhere, carry_out, has_room

# one thread computes in each worker: on few cores several would wait for one another
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
PATIENCE = 7 * 86400.0  # [s] for which a run that another process does is waited for

# how an order ended, besides the finishes of a result
ELSEWHERE, NOT_DONE, NO_ROOM, GIVEN_UP = "elsewhere", "not done", "no room", "given up"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went with a run.

    Attributes:
        folder: Of the run.
        finish: "completed" or "failed", which are results; else it is open: "elsewhere" (another
            process does it), "not done" (something was in the way), "no room", "given up".
        message: Why, in one line; empty when it completed.
        seconds: What it took here [s].
    """

    folder: Path
    finish: str
    message: str = ""
    seconds: float = 0.0


Work = Callable[[Path], Outcome]


class Executor(Protocol):
    """Does runs, in whatever order; runs whose worker was killed are done again."""

    @property
    def workers(self) -> int:
        """How many runs it does at once, now."""

    def map(self, folders: Sequence[Path], work: Work) -> Generator[Outcome]:
        """Do the runs of these folders; left early, what is in progress is dropped.

        Args:
            folders: Of the runs.
            work: What a worker does with each; it is sent to other processes.

        Yields:
            How it went with each, once, as it comes to an end.

        Raises:
            CampaignError: There is nobody to do them.
        """


def do(folder: Path, patience: float = 0.0, until: float = math.inf) -> Outcome:
    """Do a run in this process.

    Args:
        folder: Of the run.
        patience: How long to wait for another process that does it [s].
        until: When to begin no more runs, by this machine's steady clock [s].
    """
    start = time.perf_counter()
    if time.monotonic() > until:
        return Outcome(folder, NOT_DONE, "there was no time left for it")
    try:
        if not has_room(folder):
            return Outcome(folder, NO_ROOM, f"less than {RESERVE / 1e6:g} MB are free on its disk")
        result = carry_out(folder, patience)
    except Elsewhere as error:
        return Outcome(folder, ELSEWHERE, str(error))
    except (SpmError, OSError) as error:
        return Outcome(folder, NOT_DONE, f"{type(error).__name__}: {error}")
    return Outcome(folder, result.finish, result.message, time.perf_counter() - start)


def carry_on(
    folders: Sequence[Path], executor: Executor, until: float = math.inf
) -> Generator[Outcome]:
    """Do runs, those last that other processes do as well: these are waited for.

    Args:
        folders: Of the runs.
        executor: Who does them.
        until: When to begin no more runs, by this machine's steady clock [s].

    Yields:
        How it went with each, once, as it comes to an end.

    Raises:
        CampaignError: There is nobody to do them, or no room on the disk any more.
    """
    elsewhere = []
    with contextlib.closing(executor.map(folders, partial(do, until=until))) as first:
        for outcome in first:
            if outcome.finish == ELSEWHERE:
                elsewhere.append(outcome.folder)
                continue
            yield outcome
            if outcome.finish == NO_ROOM:
                raise CampaignError(f"{outcome.folder}: {outcome.message}; make room and go on")
    if elsewhere:
        patient = partial(do, patience=PATIENCE, until=until)
        with contextlib.closing(executor.map(elsewhere, patient)) as second:
            yield from second


def given_up(folder: Path, why: str) -> Outcome:
    """Return that a run is given up, after `MOST_LOSSES` attempts."""
    return Outcome(folder, GIVEN_UP, f"lost {MOST_LOSSES} times, at last: {why}")
