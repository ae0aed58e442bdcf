"""Rereading: the image of a scan that the model has let go of is read again from the journal."""

from pathlib import Path

import numpy as np
from PyQt6.QtCore import QObject, pyqtSignal

from spm_auto.data import JournalReader, LineAcquired, ScanStarted
from spm_auto.errors import DataError
from spm_auto.instrument import FloatArray

from ..common.beside import Beside
from ..common.selection import Selection
from ..run.run_model import RunModel

Images = tuple[FloatArray, FloatArray]  # forward and backward, shape [channel, line, pixel]


def reread(journal: Path, index: int) -> Images:
    """Read one scan again.

    Args:
        journal: File of the run's journal.
        index: Which of its scans, counted from 0 as the model counts them.

    Raises:
        DataError: The journal cannot be read, or has no such scan.
    """
    try:
        images, n_scans = _search(journal, index)
    except (LookupError, TypeError, ValueError) as error:
        raise DataError(f"{journal}: the records do not fit together: {error}") from error
    if images is None:
        raise DataError(f"{journal}: there is no scan {index + 1}, only {n_scans}")
    return images


def _search(journal: Path, index: int) -> tuple[Images | None, int]:
    """Return the images of a scan, and how many scans were seen on the way."""
    n_scans = 0
    images: Images | None = None
    for record in JournalReader(journal).poll():
        event = record.event
        if isinstance(event, ScanStarted):
            if images is not None:
                break
            n_scans += 1
            if n_scans == index + 1:
                shape = (len(event.channels), *event.instruction.frame.shape)
                images = np.full(shape, np.nan), np.full(shape, np.nan)
        elif images is not None and isinstance(event, LineAcquired):
            images[0][:, event.line.index] = event.line.forward
            images[1][:, event.line.index] = event.line.backward
    return images, n_scans


class Rereading(QObject):
    """Puts the images of a scan back into the model when it is chosen and they are not there.

    One scan at a time is held beyond those that the model holds by itself.

    Signals:
        put_back: The images of a scan are there again: its index.
        failed: They are not, and why: its index, and words.
    """

    put_back = pyqtSignal(int)
    failed = pyqtSignal(int, str)

    def __init__(self, selection: Selection) -> None:
        super().__init__()
        self._selection = selection
        self._model: RunModel | None = None
        self._journal: Path | None = None
        self._held = self._wanted = -1
        self._is_reading = False
        self._beside = Beside()
        self._beside.done.connect(self._done)
        self._beside.failed.connect(self._fail)
        selection.scan_chosen.connect(self._choose)

    def watch(self, model: RunModel, journal: Path | None) -> None:
        """Say which run is shown; None for no journal, and nothing is read."""
        self._model, self._journal = model, journal
        self._held = self._wanted = -1

    def finish(self) -> None:
        """Wait for what is being read."""
        self._beside.close()

    def _choose(self, index: int) -> None:
        self._wanted = index
        model, journal = self._model, self._journal
        if model is None or journal is None or not 0 <= index < len(model.scans):
            return
        if model.scans[index].forward is not None or self._is_reading:
            return
        self._is_reading = True
        self._beside.do((model, index), lambda: reread(journal, index))

    def _done(self, what: tuple[RunModel, int], images: Images) -> None:
        self._is_reading = False
        model, index = what
        if model is not self._model:
            return
        if index == self._wanted:
            self._let_go(model)
            scan = model.scans[index]
            scan.forward, scan.backward = images
            self._held = index
            self.put_back.emit(index)
            self._selection.scan_chosen.emit(index)
        else:
            self._choose(self._wanted)

    def _let_go(self, model: RunModel) -> None:
        if 0 <= self._held < len(model.scans):
            model.scans[self._held].forward = model.scans[self._held].backward = None

    def _fail(self, what: tuple[RunModel, int], error: str) -> None:
        self._is_reading = False
        model, index = what
        if model is self._model:
            self.failed.emit(index, error)
