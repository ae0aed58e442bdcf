"""Beside: work that would make the window wait is done in a thread of its own."""

import threading
from collections.abc import Callable

from PyQt6.QtCore import QObject, pyqtSignal

from spm_auto.errors import SpmError


class Beside(QObject):
    """Does one thing after another in threads, and says in Qt's thread what came of each.

    Signals:
        done: What was asked for, and what came of it.
        failed: What was asked for, and what went wrong, in words.
    """

    done = pyqtSignal(object, object)
    failed = pyqtSignal(object, str)

    def __init__(self) -> None:
        super().__init__()
        self._threads: list[threading.Thread] = []

    @property
    def is_busy(self) -> bool:
        """Whether something is not done yet."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        return bool(self._threads)

    def do(self, what: object, work: Callable[[], object]) -> None:
        """Begin to do something; `done` or `failed` follows.

        Args:
            what: By which it is known in the signals.
            work: Does it; may raise `SpmError` or `OSError`, which are what can go wrong.
        """
        thread = threading.Thread(target=self._work, args=(what, work), daemon=True)
        self._threads = [each for each in self._threads if each.is_alive()]
        self._threads.append(thread)
        thread.start()

    def close(self) -> None:
        """Wait for what is being done; it must not be long."""
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _work(self, what: object, work: Callable[[], object]) -> None:
        error = "a fault of this program"  # which goes on to where such faults are told
        is_done = False
        result: object = None
        try:
            result = work()
            is_done = True
        except SpmError as refused:
            error = str(refused)
        except OSError as refused:
            error = f"{refused.filename or ''}: {refused.strerror or refused}".lstrip(": ")
        finally:
            if is_done:
                self.done.emit(what, result)
            else:
                self.failed.emit(what, error)
