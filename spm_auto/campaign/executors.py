"""Executors: who does the runs of a campaign; a worker is told a folder and does what it orders."""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Protocol

from .work import carry_out

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class Executor(Protocol):
    """Does runs, in whatever order; runs whose worker was killed are done again."""

    def map(self, folders: Sequence[Path]) -> Iterator[tuple[Path, str]]:
        """Do the runs of these folders.

        Yields:
            Each folder once, as its run comes to an end, and how it ended: "completed", "failed" or
            why it was given up.
        """


class LocalPool:
    """A pool of processes on this machine.

    Args:
        workers: How many; as many as there are cores without it.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers or os.cpu_count() or 1

    def map(self, folders: Sequence[Path]) -> Iterator[tuple[Path, str]]:
        """Do the runs of these folders."""
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self._workers, mp_context=context, initializer=_ready) as pool:
            futures = {pool.submit(do, folder): folder for folder in folders}
            for future in as_completed(futures):
                yield futures[future], future.result()


def do(folder: Path) -> str:
    """Do a run; returns how it ended."""
    return carry_out(folder).finish


def _ready() -> None:
    """Let a worker use one thread: on few cores several wait for one another."""
    for name in THREADS:
        os.environ.setdefault(name, "1")
