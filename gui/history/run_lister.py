"""RunLister: has a folder of runs looked through by another process, and tells what it found."""

import json
import sys
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QObject, QProcess, QTimer, pyqtSignal

from spm_auto.units import format_duration

from .run_summaries import RunSummary

CHILD = "spm_auto.gui.history.run_summaries"
PATIENCE = 60_000  # [ms] without a word from it


class RunLister(QObject):
    """Starts a process that tells of the runs of a folder; what is known is not told again.

    Attributes:
        error: Why the folder cannot be looked through; empty where it can.
        n_all: How many runs there are, more than are told of perhaps.

    Signals:
        found: What is known has changed: some lines, or how many there are.
        ended: The process has ended.
    """

    found = pyqtSignal()
    ended = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.error = ""
        self.n_all = 0
        self._folder: Path | None = None
        self._order: list[str] = []
        self._known: dict[str, RunSummary] = {}
        self._process: QProcess | None = None
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(PATIENCE)
        self._patience.timeout.connect(self._give_up)

    @property
    def is_busy(self) -> bool:
        """Whether the folder is being looked through."""
        return self._process is not None

    @property
    def runs(self) -> list[tuple[Path, RunSummary | None]]:
        """The runs, the newest first; None for those of which nothing was told yet."""
        return [(Path(path), self._known.get(path)) for path in self._order]

    def look(self, folder: Path) -> None:
        """Look through a folder; while one is being looked through, nothing more is begun."""
        if folder != self._folder:
            self.stop()
            self._folder, self._order, self._known, self.n_all = folder, [], {}, 0
        if self.is_busy:
            return
        process = QProcess(self)
        self._process = process
        process.readyReadStandardOutput.connect(self._read)
        process.finished.connect(self._end)
        process.errorOccurred.connect(self._fail)
        process.start(sys.executable, ["-m", CHILD, str(folder)])
        known = {path: summary.stamp for path, summary in self._known.items()}
        process.write(json.dumps(known).encode())
        process.closeWriteChannel()
        self._patience.start()

    def stop(self) -> None:
        """End the process, if there is one."""
        self._patience.stop()
        process, self._process = self._process, None
        if process is not None:
            process.readyReadStandardOutput.disconnect(self._read)
            process.finished.disconnect(self._end)
            process.errorOccurred.disconnect(self._fail)
            process.kill()
            process.waitForFinished(1000)
            process.deleteLater()

    def _read(self) -> None:
        process = self._process
        if process is None:
            return
        self._patience.start()
        while process.canReadLine():
            self._take(json.loads(process.readLine().data()))
        self.found.emit()

    def _take(self, told: dict[str, Any]) -> None:
        if "error" in told:
            self.error = told["error"]
        elif "runs" in told:
            self.error, self.n_all, self._order = "", told["n_all"], told["runs"]
            there = set(self._order)
            self._known = {path: each for path, each in self._known.items() if path in there}
        else:
            self._known[told["path"]] = RunSummary(**told["summary"])

    def _end(self) -> None:
        self._patience.stop()
        process, self._process = self._process, None
        if process is not None:
            if process.exitCode() != 0:
                words = process.readAllStandardError().data().decode(errors="replace").strip()
                last = words.splitlines()[-1] if words else "it said nothing"
                self.error = f"the runs could not be looked through: {last}"
            process.deleteLater()
        self.found.emit()
        self.ended.emit()

    def _give_up(self) -> None:
        """End a process that has been silent for long: its disk may be far away, and not there."""
        self.stop()
        seconds = format_duration(PATIENCE / 1000)
        self.error = f"the runs could not be looked through: nothing was heard for {seconds}"
        self.found.emit()
        self.ended.emit()

    def _fail(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart:
            self.error = "the runs could not be looked through: no process could be started"
            self._process = None
            self.found.emit()
            self.ended.emit()
