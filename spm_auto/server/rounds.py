"""Rounds: somebody looks after the tip and the lease all the time, whatever the desks do."""

import threading
from collections.abc import Callable
from typing import Any

from ..data import LeaseChanged
from ..instrument import vitals_of
from .hands import Hands
from .lease import Due, Terms
from .service import Service
from .telemetry import Telemetry
from .wire import status_table, vitals_table
from .withdrawer import Withdrawer

TELL_EVERY = 0.2  # [s]


class Rounds:
    """Two threads: one looks at vitals and lease and acts, the other tells how things stand.

    Args:
        service: What all desks share.
        terms: Of the lease.
        hands: Holds the scan of an owner who is gone.
        withdrawer: Orders the tip up.
        telemetry: Tells everybody.
        period: Between two looks [s].
        on_due: Called when the lease was lost, after what had to be done.
    """

    def __init__(
        self,
        service: Service,
        terms: Terms,
        hands: Hands,
        withdrawer: Withdrawer,
        telemetry: Telemetry,
        period: float,
        on_due: Callable[[Due], None],
    ) -> None:
        self._service, self._terms, self._hands = service, terms, hands
        self._withdrawer, self._telemetry = withdrawer, telemetry
        self._period, self._on_due = period, on_due
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True)
            for name, work in (("watch", self._watch), ("telemetry", self._tell))
        ]
        for thread in self._threads:
            thread.start()

    def close(self, timeout: float) -> None:
        """End both threads."""
        self._closing.set()
        for thread in self._threads:
            thread.join(timeout)

    def _watch(self) -> None:
        while not self._closing.wait(self._period):
            self._service.answer(0, self._service.look)
            self._look_at_the_lease()

    def _look_at_the_lease(self) -> None:
        due, who = self._service.lease.look()
        if due is Due.NOTHING:
            return
        if due is Due.HOLD:
            self._service.guard.interrupt()
            self._hands.leave_scan()
            message = f"no sign of life for {self._terms.hold_after:g} s: the tip is held"
            self._service.book.write(LeaseChanged(who, "lost", message))
        else:
            silence = self._terms.hold_after + self._terms.withdraw_after
            self._withdrawer.order("server", f"no sign of life of {who!r} for {silence:g} s")
        self._on_due(due)

    def _tell(self) -> None:
        service = self._service
        while not self._closing.wait(TELL_EVERY):
            service.answer(0, self._revoke)
            told = service.answer(0, self._signs)
            if told.value is not None:
                self._telemetry.signs(told.value, told.time)

    def _revoke(self) -> None:
        """Take the lease from an owner whose key was revoked, and tell who was revoked no more."""
        service = self._service
        if service.directory.refresh():
            self._telemetry.empty()
        owner = service.lease.owner
        if owner and not service.directory.has(owner):
            service.lease.revoke(owner)

    def _signs(self) -> dict[str, Any]:
        guard, trip = self._service.guard, self._service.trip
        has_vitals = guard.capabilities.has_vitals
        return {
            "status": status_table(guard.status()),
            "vitals": vitals_table(vitals_of(guard)) if has_vitals else None,
            "owner": self._service.lease.owner,
            "trip": None if trip is None else trip.message,
        }
