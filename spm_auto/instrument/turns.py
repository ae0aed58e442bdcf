"""Turns: one instruction at a time; what state an instrument is in, and who may end what."""

import contextlib
import threading
from collections.abc import Iterator

from ..errors import EmergencyStopped, InstrumentError, NotLoaded, Stopped
from .instructions import BiasWaveform
from .protocol import InstrumentState

ENGAGED = (InstrumentState.READY, InstrumentState.SCANNING, InstrumentState.SPECTROSCOPY)
_LATCHED = "the tip is withdrawn; load() readies the instrument again"


class Action:
    """One instruction in progress, and the flag that ends it.

    Attributes:
        number: How many instructions were begun before it.
        stop: Set when it must end.
        is_emergency: Whether it ends because the tip was withdrawn.
        sweep: Start [s] and waveform of the sweep going on, for reading the bias back.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.stop = threading.Event()
        self.is_emergency = False
        self.sweep: tuple[float, BiasWaveform] | None = None

    def check(self) -> None:
        """Raise what ends the instruction when somebody asked for it."""
        if self.stop.is_set():
            if self.is_emergency:
                raise EmergencyStopped(_LATCHED)
            raise Stopped("the instruction was interrupted")


class Turns:
    """Who is at the instrument: at most one instruction, and whoever stops it.

    One thread gives the instructions; stopping may come from any. The lock is never held while time
    passes or a device answers. A flag belongs to one instruction only: an interrupt that comes too
    late stops nothing.

    Attributes:
        lock: Guards what is here, and what its owner keeps beside it.
        state: Where the instrument stands.
        action: The instruction in progress, if any.
        count: How many instructions were begun.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.state = InstrumentState.EMPTY
        self.action: Action | None = None
        self.count = 0

    @contextlib.contextmanager
    def take(
        self, state: InstrumentState = InstrumentState.READY, loading: bool = False
    ) -> Iterator[Action]:
        """Begin an instruction, and come back to a state of rest however it ends.

        Args:
            state: Of the instrument meanwhile.
            loading: Whether it is a `load`, which leads out of every state but closed.

        Raises:
            InstrumentError: The instrument is closed, or another instruction is in progress.
            EmergencyStopped: It is latched.
            NotLoaded: It was not loaded.
        """
        with self.lock:
            self._refuse_unless_idle(loading)
            action = self.action = Action(self.count)
            self.count += 1
            if not loading:
                self.state = state
            elif self.state is not InstrumentState.LATCHED:
                self.state = InstrumentState.EMPTY
        try:
            yield action
        finally:
            with self.lock:
                if self.action is action:
                    self.action = None
                    if self.state in ENGAGED:
                        self.state = InstrumentState.READY

    def loaded(self, action: Action) -> None:
        """Say that a `load` has brought the tip to the sample.

        Raises:
            Stopped: Somebody stopped it; the instrument is not loaded, and a latch stays.
        """
        with self.lock:
            action.check()
            self.state = InstrumentState.READY

    def check_ready(self) -> None:
        """Refuse what cannot begin now; see `take`."""
        with self.lock:
            self._refuse_unless_idle(loading=False)

    def interrupt(self) -> None:
        """End the instruction in progress; without one, do nothing."""
        with self.lock:
            if self.action is not None:
                self.action.stop.set()

    def latch(self) -> None:
        """Refuse everything until the next load, and end the instruction in progress."""
        with self.lock:
            if self.state is not InstrumentState.CLOSED:
                self.state = InstrumentState.LATCHED
            self._abandon(is_emergency=True)

    def close(self) -> None:
        """Refuse everything from now on, and end the instruction in progress."""
        with self.lock:
            self.state = InstrumentState.CLOSED
            self._abandon(is_emergency=False)

    def lose(self) -> None:
        """Say that the instrument does not answer any more; a latch and a closed door stay."""
        with self.lock:
            if self.state in ENGAGED:
                self.state = InstrumentState.LOST

    def _abandon(self, is_emergency: bool) -> None:
        # the action is let go at once, so that load() need not wait for whoever still holds its end
        if self.action is not None:
            self.action.is_emergency = is_emergency
            self.action.stop.set()
            self.action = None

    def _refuse_unless_idle(self, loading: bool) -> None:
        if self.state is InstrumentState.CLOSED:
            raise InstrumentError("the instrument was closed")
        if self.state is InstrumentState.LATCHED and not loading:
            raise EmergencyStopped(_LATCHED)
        if self.action is not None:
            raise InstrumentError("another instruction is still in progress")
        if self.state is InstrumentState.EMPTY and not loading:
            raise NotLoaded("the instrument is not loaded; load() comes first")
