"""Picture: an image that a controller is scanning, line by line."""

import threading
import time
from collections.abc import Callable

import numpy as np

from spm_auto.instrument import Channel, FloatArray, ScanFrame, ScanImage, ScanLine


class Picture:
    """What a scan has measured so far; any thread may look.

    Both directions are stored by position, line 0 at the lower edge, whichever way the scan runs.

    Attributes:
        frame: Where it lies.
        channels: What is measured.
        upwards: Whether line 0 comes first.
        forward: Stack of images, shape [channel, line, pixel]; NaN until measured.
        backward: The same of the way back.
        start_time: Instrument time at the start [s].
        end_time: Instrument time of the last line so far [s].
    """

    def __init__(
        self, frame: ScanFrame, channels: tuple[Channel, ...], upwards: bool, time: float
    ) -> None:
        self.frame, self.channels, self.upwards = frame, channels, upwards
        self.forward = np.full((len(channels), *frame.shape), np.nan)
        self.backward = np.full_like(self.forward, np.nan)
        self.start_time = self.end_time = time
        self._done = 0
        self._is_running = True
        self._changed = threading.Condition()

    @property
    def lines_done(self) -> int:
        """How many lines were measured."""
        return self._done

    @property
    def is_running(self) -> bool:
        """Whether more lines are to come."""
        return self._is_running

    @property
    def is_complete(self) -> bool:
        """Whether all lines were measured."""
        return self._done == self.frame.pixels[1]

    def image(self) -> ScanImage:
        """Return what there is as a value."""
        return ScanImage(
            self.frame,
            self.channels,
            self.forward.copy(),
            self.backward.copy(),
            self.start_time,
            self.end_time,
        )

    def channel(self, name: str, backward: bool = False) -> FloatArray:
        """Return a copy of one channel's image, shape [line, pixel].

        Raises:
            ValueError: There is no such channel.
        """
        names = [channel.name for channel in self.channels]
        stack = self.backward if backward else self.forward
        return np.array(stack[names.index(name)])

    def add(self, line: ScanLine) -> None:
        """Take in the next line, as an instrument measured it that scans in this direction.

        A scan downwards is one of the frame turned by half a turn: its line 0 is the upper edge and
        its way there runs from right to left, which is the way back of ours.
        """
        index, there, back = line.index, line.forward, line.backward
        if not self.upwards:
            index = self.frame.pixels[1] - 1 - index
            there, back = line.backward[:, ::-1], line.forward[:, ::-1]
        self.forward[:, index], self.backward[:, index] = there, back
        with self._changed:
            self._done += 1
            self.end_time = line.time
            self._changed.notify_all()

    def finish(self) -> None:
        """Say that no more lines come."""
        with self._changed:
            self._is_running = False
            self._changed.notify_all()

    def wait_line(self, line: int, timeout: float) -> bool:
        """Wait on the wall clock [s] until more than so many lines are there, or no more come.

        Returns:
            Whether more than ``line`` lines were measured.
        """
        self._wait(lambda: self._done > line or not self._is_running, timeout)
        return self._done > line

    def wait_end(self, timeout: float) -> bool:
        """Wait on the wall clock [s] until no more lines come; says whether it is so."""
        return self._wait(lambda: not self._is_running, timeout)

    def _wait(self, done: Callable[[], bool], timeout: float) -> bool:
        end = time.monotonic() + timeout
        with self._changed:
            while not done():
                left = end - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(min(left, 3600.0))
        return True
