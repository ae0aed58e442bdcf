"""Scribe: writes down what a run says before it is shown, or finds that it stands there already."""

import contextlib
import logging
from collections.abc import Callable, Sequence

from ..clock import Clock
from ..data import (
    ROOM,
    Alarm,
    Event,
    FinishReason,
    Intervention,
    Journal,
    Judged,
    Record,
    Room,
    RunContinued,
    RunFinished,
    RunPaused,
    RunResumed,
    RunStarted,
)
from ..errors import CannotResume, JournalFull, SpmError
from .control import Control
from .past import Past
from .tape import Tape

_log = logging.getLogger(__name__)
_IMPORTANT = RunStarted | Intervention | Judged | RunPaused | RunResumed | RunContinued
_LOOK = 10.0  # [s] how often it is looked whether the disk has room; not to ask for each line
_WAITED = "the disk was full; the run has waited for room"
_POLL = 0.5  # [s] how often, while it has none


class Scribe:
    """Writes a run's journal; for the instrument thread only.

    A run that goes on has its past on a tape: what is said again is taken off it and not written
    twice. Where the tape ends the run goes live. While the disk has no room the run waits.

    Args:
        journal: Where every event is written.
        control: Where the run stands.
        clock: Instrument time.
        listeners: Called with each record after it was written.
        past: What the run has behind it; None when it begins.
        room: Room on the disk; None for no looking after it.

    Attributes:
        past: What the run has behind it; None when it began here.
        is_live: Whether what is said is new.
    """

    def __init__(
        self,
        journal: Journal,
        control: Control,
        clock: Clock,
        listeners: Sequence[Callable[[Record], None]] = (),
        past: Past | None = None,
        room: Room | None = None,
    ) -> None:
        self._journal, self._control, self._clock = journal, control, clock
        self._listeners = tuple(listeners)
        self.past = past
        self._room = room
        self._looked = 0.0
        self.is_live = past is None

    @property
    def tape(self) -> Tape | None:
        """What is on record and not played yet; None once the run is live."""
        return None if self.past is None or self.is_live else self.past.tape

    def record(self, event: Event) -> Record:
        """Write an event to the journal, then show it.

        Raises:
            DataError: It could not be written.
            CannotResume: Something else is on record.
            Stopped: Someone stopped the run while it waited for room.
        """
        tape = self.tape
        if tape is not None:
            if not tape.is_over:
                return tape.note(event)
            self.go_live()
        records = self._append(event)
        for record in records:
            for listener in self._listeners:
                listener(record)
        return records[0]

    def go_live(self) -> None:
        """Begin to write again, where the record ends."""
        if self.past is None or self.is_live:
            return
        self.is_live = True
        self.past.go_on(self.past.tape.records[-1].time)
        self.record(self.past.continued)

    def wait_for_room(self) -> None:
        """Look, every now and then, whether the disk has room; wait, in order, while it has none.

        Raises:
            Stopped: Someone stopped the run.
        """
        now = self._clock.now()
        if self._room is None or not self.is_live or 0 <= now - self._looked < _LOOK:
            return
        self._looked = now
        if not self._room.is_short:
            return
        self.record(Alarm(self._room.message, ROOM))
        self.record(RunPaused())
        self._control.hold_until(lambda: self._room is None or not self._room.is_short, _POLL)
        self.record(RunResumed())

    def finish(self, finished: RunFinished) -> RunFinished:
        """Write down how the run ended, as its last word; never raises.

        Returns:
            How it ended, which may be that this could not be written.
        """
        try:
            record = self._journal.append(finished, sync=True)
        except SpmError as fault:  # it may be what ended the run
            if finished.reason == FinishReason.COMPLETED:
                finished = RunFinished(FinishReason.FAILED, str(fault))
        else:
            for listener in self._listeners:
                with contextlib.suppress(Exception):  # there is nothing left that it could stop
                    listener(record)
        self.close()
        return finished

    def close(self) -> None:
        """Close the journal; never raises."""
        with contextlib.suppress(SpmError):
            self._journal.close()

    def end_of_the_past(self, is_emergency: bool = False) -> CannotResume | None:
        """Say why a run may not end here, as its record goes on; go live where it ended too early.

        One that had completed ends as it did, and nothing is written. An emergency is written down
        wherever it came.

        Args:
            is_emergency: Whether the tip was withdrawn.
        """
        tape = self.tape
        if tape is None:
            return None
        if is_emergency:
            self.go_live()
            return None
        if not tape.is_over:
            return tape.difference("has ended")
        if tape.finished is None or tape.finished.reason != FinishReason.COMPLETED:
            self.go_live()
        return None

    def _append(self, event: Event) -> list[Record]:
        """Write an event, as soon as the disk has room; an alarm then says that it waited."""
        important = isinstance(event, _IMPORTANT)
        try:
            return [self._journal.append(event, sync=important)]
        except JournalFull as error:
            if not self._control.is_under_way:
                raise
            _log.warning("the run waits for room on the disk: %s", error)
        written: list[Record] = []

        def is_written() -> bool:
            with contextlib.suppress(JournalFull):
                for each in (event, Alarm(_WAITED, ROOM))[len(written) :]:
                    written.append(self._journal.append(each, sync=important))
            return len(written) == 2

        self._control.hold_until(is_written, _POLL)
        return written
