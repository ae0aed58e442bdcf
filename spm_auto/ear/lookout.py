"""Lookout: looks at the instrument for whoever asks, in a thread that nobody else waits for."""

import threading
from collections.abc import Callable
from typing import Any

from ..errors import InstrumentError, SpmError
from ..server import Caller
from .wire import Reply, failed


class Lookout:
    """At most one look at a time; who asks meanwhile gets the same answer.

    Args:
        look: Looks; may take its time.
        answer: Sends an answer, from the thread that has looked.
    """

    def __init__(self, look: Callable[[], Any], answer: Callable[[Caller, Reply], object]) -> None:
        self._look, self._answer = look, answer
        self._lock = threading.Lock()
        self._asked: list[tuple[Caller, int]] = []
        self._thread: threading.Thread | None = None
        self._answering: list[threading.Thread] = []  # whose look is over

    def ask(self, caller: Caller, number: int) -> None:
        """Have somebody answered; never waits.

        Args:
            caller: Who.
            number: Of his call.
        """
        with self._lock:
            self._asked.append((caller, number))
            if self._thread is not None:
                return
            self._thread = threading.Thread(target=self._work, name="look", daemon=True)
            self._thread.start()  # within the lock: who closes must not join what has not begun

    def close(self, timeout: float) -> None:
        """Wait for the look in progress, and for answers on their way, at most so long each [s]."""
        with self._lock:
            threads = [*self._answering, *([] if self._thread is None else [self._thread])]
        for thread in threads:
            thread.join(timeout)

    def _work(self) -> None:
        value, fault = None, None
        try:
            value = self._look()
        except SpmError as error:
            fault = error
        except Exception as error:  # noqa: BLE001 - whatever a driver raises, who asks is told
            fault = InstrumentError(f"the instrument cannot be looked at: {error}")
        with self._lock:
            asked, self._asked, self._thread = self._asked, [], None
            still = [thread for thread in self._answering if thread.is_alive()]
            self._answering = [*still, threading.current_thread()]
        for caller, number in asked:
            self._answer(caller, Reply(number, value) if fault is None else failed(number, fault))
