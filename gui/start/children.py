"""Children: programs that are asked something beside the window, which waits for none of them."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from PyQt6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, pyqtSignal

_KINDLY = () if sys.platform == "win32" else ("nice", "-n", "10")  # a run goes first
SPM_AUTO = (*_KINDLY, sys.executable, "-m", "spm_auto")
_KILL = 2000  # [ms] for a killed child to be gone, when the window is closed


@dataclass(frozen=True, slots=True)
class Answer:
    """What a child said.

    Attributes:
        output: What it wrote.
        faults: What is wrong, one line each; none where it did what it was asked.
    """

    output: str
    faults: tuple[str, ...] = ()


class Child(QObject):
    """Asks one thing at a time; whatever is asked anew takes the place of what was asked before.

    Args:
        parent: What it belongs to.
        command: The program, and the words before those that are asked.

    Signals:
        answered: It has answered, failed or not, with an `Answer`; or its time was over.
    """

    answered = pyqtSignal(object)

    def __init__(self, parent: QObject, command: Sequence[str] = SPM_AUTO) -> None:
        super().__init__(parent)
        self._command = tuple(command)
        self._process: QProcess | None = None
        self._deadline = QTimer(self)
        self._deadline.setSingleShot(True)
        self._deadline.timeout.connect(self._is_late)

    @property
    def is_busy(self) -> bool:
        """Whether it has been asked and has not answered yet."""
        return self._process is not None

    def ask(self, words: Sequence[str], deadline: float) -> None:
        """Ask something.

        Args:
            words: What.
            deadline: How long that may take [s].
        """
        self.drop()
        process = QProcess(self)
        surroundings = QProcessEnvironment.systemEnvironment()
        surroundings.insert("OMP_NUM_THREADS", "1")
        surroundings.insert("PYTHONIOENCODING", "utf-8")
        process.setProcessEnvironment(surroundings)
        process.finished.connect(self._has_ended)
        process.errorOccurred.connect(self._has_failed)
        self._process = process
        self._deadline.start(round(1000 * deadline))
        process.start(self._command[0], [*self._command[1:], *words])

    def drop(self) -> None:
        """Want no answer any more."""
        process, self._process = self._process, None
        self._deadline.stop()
        if process is None:
            return
        process.finished.disconnect(self._has_ended)
        process.errorOccurred.disconnect(self._has_failed)
        if process.state() == QProcess.ProcessState.NotRunning:
            process.deleteLater()
        else:
            process.finished.connect(process.deleteLater)
            process.kill()

    def close(self) -> None:
        """End what is under way, for good."""
        self.drop()
        for process in self.findChildren(QProcess):
            if process.state() != QProcess.ProcessState.NotRunning:
                process.kill()
                process.waitForFinished(_KILL)

    def _has_ended(self, code: int, status: QProcess.ExitStatus) -> None:
        process = self._process
        if process is None:
            return
        output = bytes(process.readAllStandardOutput().data()).decode("utf-8", "replace")
        words = bytes(process.readAllStandardError().data()).decode("utf-8", "replace")
        if status is not QProcess.ExitStatus.NormalExit:
            self._say(Answer(output, ("the program that was asked has died",)))
            return
        self._say(Answer(output, _faults(code, words)))

    def _has_failed(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart and self._process is not None:
            why = self._process.errorString()
            self._say(Answer("", (f"{self._command[0]} did not start: {why}",)))

    def _is_late(self) -> None:
        seconds = self._deadline.interval() / 1000
        self._say(Answer("", (f"there was no answer within {seconds:g} s",)))

    def _say(self, answer: Answer) -> None:
        self.drop()
        self.answered.emit(answer)


def _faults(code: int, words: str) -> tuple[str, ...]:
    """Return what a program said went wrong."""
    if code == 0:
        return ()
    lines = [line for line in words.splitlines() if line.strip()]
    said = tuple(line.removeprefix("error: ") for line in lines if line.startswith("error: "))
    return said or (lines[-1] if lines else f"the program ended with code {code}",)
