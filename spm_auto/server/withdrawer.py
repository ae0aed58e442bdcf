"""Withdrawer: the thread of a server that does nothing but order the tip up."""

import threading
import time
from collections.abc import Callable
from functools import partial

from ..data import TipWithdrawn
from ..errors import InstrumentError, NotConfirmed
from .service import Service

Told = Callable[[InstrumentError | None], None]


class Withdrawer:
    """Withdraws the tip for whoever asks, in a thread that waits for nothing else.

    Who asks while the tip is on its way up is answered with what comes of that.

    Args:
        service: What all desks share.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._wake = threading.Condition()
        self._asked: list[tuple[str, str, Told]] = []
        self._closing = False
        self._hard: list[threading.Thread] = []
        self._thread = threading.Thread(target=self._work, name="withdrawer", daemon=True)
        self._thread.start()

    def order(self, who: str, why: str, told: Told = lambda _: None, is_hard: bool = False) -> None:
        """Order the tip up; never waits and never refuses.

        Args:
            who: Name of the key, or "server".
            why: For the journal.
            told: Called from the withdrawer's thread when it is confirmed, with None, or with
                what the instrument said instead.
            is_hard: Whether to take the alternate path for the tip at once, where there is one; it
                waits for nobody who withdraws already.
        """
        if is_hard:
            work = partial(self._withdraw_hard, who, why, told)
            hard = threading.Thread(target=work, name="hard withdrawal", daemon=True)
            hard.start()
            self._hard.append(hard)
            return
        with self._wake:
            self._asked.append((who, why, told))
            self._wake.notify()

    def close(self, timeout: float) -> None:
        """End the threads, after what was asked.

        Args:
            timeout: How long to wait for each [s].
        """
        with self._wake:
            self._closing = True
            self._wake.notify()
        for thread in (self._thread, *self._hard):
            thread.join(timeout)

    def _work(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._asked or self._closing)
                if not self._asked:
                    return
            self._withdraw()

    def _withdraw(self) -> None:
        fault, seconds = self._ordered(self._service.guard.emergency_stop)
        with self._wake:
            asked, self._asked = self._asked, []
        for _, _, told in asked:
            told(fault)
        for who, why, _ in asked:
            self._write(who, why, fault, seconds)

    def _withdraw_hard(self, who: str, why: str, told: Told) -> None:
        fault, seconds = self._ordered(self._service.guard.withdraw_hard)
        told(fault)
        self._write(who, f"{why}, the hard way", fault, seconds)

    def _ordered(self, withdraw: Callable[[], None]) -> tuple[InstrumentError | None, float]:
        """Withdraw; returns what was said instead of a confirmation, and how long it took [s]."""
        start = time.monotonic()
        answer = self._service.answer(0, withdraw)
        seconds = time.monotonic() - start
        return None if answer.value is None else _as_fault(answer.result), seconds

    def _write(self, who: str, why: str, fault: InstrumentError | None, seconds: float) -> None:
        said = "" if fault is None else f"NOT CONFIRMED: {fault}"
        message = "; ".join(filter(None, (why, said)))
        self._service.book.write(TipWithdrawn(who, fault is None, message, seconds))


def _as_fault(result: Callable[[], object]) -> InstrumentError:
    try:
        result()
    except InstrumentError as error:
        return error
    return NotConfirmed("nobody says whether the tip is up")
