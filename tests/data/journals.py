"""Journals that a test writes and reads in one line."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np

from spm_auto.data import (
    Event,
    Journal,
    JournalReader,
    LineAcquired,
)
from spm_auto.instrument import ScanLine


def line(index: int, pixels: int = 4) -> LineAcquired:
    values = np.full((1, pixels), float(index))
    return LineAcquired(ScanLine(index, values, -values, float(index)))


def write(path: Path, *events: Event) -> None:
    with Journal(path, now=lambda: 0.0) as journal:
        for event in events:
            journal.append(event)


def read(path: Path) -> tuple[list[Event], str]:
    """Return the events of a journal, and its damage."""
    reader = JournalReader(path)
    return [record.event for record in reader.poll()], reader.damage


def fail(number: int) -> Callable[..., NoReturn]:
    """Make a system call that fails."""

    def call(*_: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    return call
