"""Worker: the thread beside the instrument's in which the agent thinks."""

import contextlib
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

Result = TypeVar("Result")
_Call = tuple["Future[Any]", Callable[[], Any]]


class Worker:
    """Works off calls one after another in a thread of its own.

    Unlike that of an executor its thread never keeps the program from ending: a call may never
    return.

    Args:
        name: Name of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()  # None is the end
        self._thread: threading.Thread | None = None

    def submit(self, call: Callable[[], Result]) -> "Future[Result]":
        """Have something called, after what was submitted before; what it raises comes back too."""
        future: Future[Result] = Future()
        self._calls.put((future, call))
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        return future

    def stop(self) -> None:
        """Drop what has not begun; what is in progress is left to itself."""
        with contextlib.suppress(queue.Empty):
            while (waiting := self._calls.get_nowait()) is not None:
                waiting[0].cancel()
        self._calls.put(None)

    def join(self, timeout: float) -> bool:
        """After `stop`, wait for what is in progress; returns whether it is done.

        Args:
            timeout: Longest wait [s].
        """
        if self._thread is not None:
            self._thread.join(timeout)
        return self._thread is None or not self._thread.is_alive()

    def _work(self) -> None:
        while (waiting := self._calls.get()) is not None:
            future, call = waiting
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
                future.set_exception(error)
            else:
                future.set_result(result)
