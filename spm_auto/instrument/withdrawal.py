"""Withdrawal: gets the tip up by every way there is, and says loudly when it is not confirmed."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol, cast

from ..errors import NotConfirmed
from .protocol import Instrument

_log = logging.getLogger(__name__)

TRIES = 3  # orders to withdraw, before the alternate path is taken
HURRY = 5.0  # [s] after which no further order is tried before the alternate path
PATIENCE = 60.0  # [s] that whoever comes second waits for what the first one is told


class Rescued(Instrument, Protocol):
    """An instrument with an alternate path for its tip; its capabilities say so."""

    def last_resort(self) -> None:
        """Take the tip away by another way than `emergency_stop`; any thread.

        Raises:
            NotConfirmed: It was ordered, and the instrument did not say that the tip is up.
            InstrumentError: It could not be ordered.
        """


class Withdrawal:
    """The way up for one instrument's tip; whoever comes while it is under way shares it.

    Nothing is logged, waited for or written down before the first order was sent.

    Args:
        instrument: Whose `emergency_stop` withdraws the tip.
        now: Tells a time that never jumps [s].
    """

    def __init__(self, instrument: Instrument, now: Callable[[], float] = time.monotonic) -> None:
        self._instrument, self._now = instrument, now
        self._has_last_resort = instrument.capabilities.has_last_resort
        self._turn = threading.Lock()
        self._ended = threading.Condition()
        self._count = 0  # of withdrawals that ended
        self._failure = ""  # of the last one; empty when it was confirmed

    @property
    def is_under_way(self) -> bool:
        """Whether the tip is being withdrawn just now."""
        return self._turn.locked()

    def order(self) -> float:
        """Order the tip up, and come back when the instrument says that it is; from any thread.

        It tries again where that fails, and at last the alternate path, if there is one.

        Returns:
            Time from the order to the confirmation [s].

        Raises:
            NotConfirmed: Nothing of it was confirmed; the message names every try.
        """
        before = self._count
        while not self._turn.acquire(blocking=False):
            began = self._now()
            if self._share(before):
                return self._now() - began
        began = self._now()
        failure = "the withdrawal was broken off"
        try:
            failure = self._go_all_ways(began)
        finally:
            with self._ended:
                self._count, self._failure = self._count + 1, failure
                self._turn.release()
                self._ended.notify_all()
        if failure:
            raise NotConfirmed(failure)
        return self._now() - began

    def order_hard(self) -> None:
        """Order the tip up by the alternate path at once, where there is one, then as `order` does.

        Who is confirmed by it waits for nobody who withdraws already.

        Raises:
            NotConfirmed: Nothing of it was confirmed.
        """
        said = self._resort() if self._has_last_resort else "there is no alternate path"
        if not said and self.is_under_way:
            return
        try:
            self.order()  # it latches, too
        except NotConfirmed as error:
            if said:
                raise NotConfirmed(f"{error}; at first: {said}") from error

    def _resort(self) -> str:
        """Take the alternate path; returns why it was not confirmed, empty when it was."""
        try:
            cast(Rescued, self._instrument).last_resort()
        except Exception as error:  # noqa: BLE001 - whatever a driver raises, the tip must go up
            _log.error("withdrawing the tip by its last resort: %s", error)
            return _in_words(error)
        return ""

    def _share(self, before: int) -> bool:
        """Wait for the withdrawal under way; returns whether there was one that ended meanwhile."""
        with self._ended:
            has_ended = self._ended.wait_for(
                lambda: self._count != before or not self._turn.locked(), PATIENCE
            )
            if not has_ended:
                raise NotConfirmed(
                    f"the tip was ordered up by somebody else, which is NOT confirmed after "
                    f"{PATIENCE:g} s"
                )
            if self._count == before:
                return False
            if self._failure:
                raise NotConfirmed(self._failure)
            return True

    def _go_all_ways(self, began: float) -> str:
        """Try one way after the other; returns why nothing was confirmed, empty when it was."""
        said = ""
        for number in range(1, TRIES + 1):
            try:
                self._instrument.emergency_stop()
            except Exception as error:  # noqa: BLE001 - whatever a driver raises, the tip must go up
                said += f"; try {number}: {_in_words(error)}"
                _log.error("withdrawing the tip, try %d: %s", number, error)
            else:
                return ""
            if self._has_last_resort and self._now() - began > HURRY:
                break
        if self._has_last_resort:
            resorted = self._resort()
            if not resorted:
                _log.error("the tip is up by its last resort%s", said)
                return ""
            said += f"; last resort: {resorted}"
        return f"the tip was ordered up, which is NOT confirmed{said}"


def _in_words(error: Exception) -> str:
    return str(error) or type(error).__name__
