"""Scans: setting a frame up, and giving its lines out while the controller scans it."""

import math
import time
from collections.abc import Iterator, Sequence

import numpy as np

from spm_auto.errors import ChangedOutside, InstrumentError, OutOfStep, Unsupported
from spm_auto.instrument import FloatArray, Scan, ScanFrame, ScanLine
from spm_auto.wire import nanonis as wire

from .controller import Measured
from .conversation import SWITCHING, Conversation
from .safety import ENGAGED
from .settings import NanonisSettings

MULTIPLE = 16  # of which the pixels of a line are
UP = 1  # direction of a scan
START, STOP = 0, 1  # of Scan.Action
HOLD_TIME = 2  # of Scan.SpeedSet: the time of a line is kept when its length changes
SAME_TIME = 0.01  # share by which the time of a line may differ from the one asked for
SAME_PLACE = 1e-6  # share of the frame by which it may lie elsewhere
SLICE = 0.05  # [s] between looks
LONGEST_WAIT = 0.2  # [s] for the end of a line, before looking whether the scan still runs
BEGINNING = 2.0  # [s] in which a scan may not have begun yet


def check_pixels(frame: ScanFrame) -> None:
    """Refuse a frame that the controller would make another one of, without saying so.

    Raises:
        Unsupported: With the numbers of pixels next to it that fit.
    """
    pixels = frame.pixels[0]
    if pixels % MULTIPLE:
        below = pixels // MULTIPLE * MULTIPLE
        fitting = [str(n) for n in (below, below + MULTIPLE) if n]
        raise Unsupported(
            f"a line of {pixels} pixels; Nanonis takes multiples of {MULTIPLE}, "
            f"such as {' or '.join(fitting)}"
        )


def scan_time(scan: Scan, settings: NanonisSettings) -> float:
    """Estimate how long a scan takes [s]."""
    lines = scan.frame.pixels[1] * (1 + settings.overscan) / scan.line_rate
    return settings.scan_settling + lines


class FrameScan:
    """One scan.

    Args:
        talk: With the controller.
        settings: Of the microscope.
        measured: The channels, in the order asked for.
        scan: What to scan.
    """

    def __init__(
        self,
        talk: Conversation,
        settings: NanonisSettings,
        measured: Sequence[Measured],
        scan: Scan,
    ) -> None:
        self._talk = talk
        self._measured = tuple(measured)
        self._scan = scan
        self._line_time = (1 + settings.overscan) / scan.line_rate
        self._stall = settings.scan_settling + 1.5 * self._line_time + settings.stall_timeout
        self._can_wait = wire.find("Scan.WaitEndOfLine", talk.lines.action.release) is not None
        self._done = 0
        self._time = -math.inf
        self._began = self._last = time.monotonic()

    def lines(self) -> Iterator[ScanLine]:
        """Scan, and yield each line once it is complete; the end stops the controller's scan.

        Raises:
            ChangedOutside: Somebody stopped it at the controller, or changed the frame.
            InstrumentError: It got stuck, or the tip was withdrawn.
        """
        self._set_up()
        self._began = self._last = time.monotonic()
        try:
            with self._talk.ending():
                self._talk.do("Scan.Action", action=START, direction=UP)
                yield from self._all()
                self._check_frame()
        finally:
            self._end()

    def _set_up(self) -> None:
        talk, scan = self._talk, self._scan
        width, (pixels, lines) = scan.frame.size[0], scan.frame.pixels
        channels = tuple(sorted({each.number for each in self._measured}))
        talk.do("Scan.FrameSet", **self._frame())
        self._check_frame()
        talk.set("Scan.Buffer", channels=channels, pixels=pixels, lines=lines)
        half = 0.5 / scan.line_rate
        speed: wire.Values = {"fwd_speed": width / half, "bwd_speed": width / half}
        talk.do("Scan.SpeedSet", **speed, fwd_time=half, bwd_time=half, keep=HOLD_TIME, ratio=1.0)
        said = talk.do("Scan.SpeedGet")
        for name in ("fwd_time", "bwd_time"):
            if not math.isclose(said[name], half, rel_tol=SAME_TIME):
                raise InstrumentError(
                    f"Scan.SpeedSet: the controller made a {name} of {said[name]:g} s of "
                    f"{half:g} s; another line rate may fit"
                )
        more: wire.Values = {"modules": (), "autopaste": 0}
        command = wire.find("Scan.PropsSet", talk.lines.action.release)
        known = {field.name for field in command.request} if command else set()
        more = {name: value for name, value in more.items() if name in known}
        talk.do("Scan.PropsSet", continuous=2, bouncy=2, autosave=0, series="", comment="", **more)
        talk.confirm("Scan.Props", continuous=0, bouncy=0)

    def _frame(self) -> wire.Values:
        frame = self._scan.frame
        turned = -math.degrees(math.remainder(frame.angle, math.tau))  # clockwise
        (cx, cy), (width, height) = frame.center, frame.size
        return {"cx": cx, "cy": cy, "width": width, "height": height, "angle": turned}

    def _check_frame(self) -> None:
        """Refuse a frame that lies elsewhere than it should.

        Raises:
            ChangedOutside: With what it is now.
        """
        said, wanted = self._talk.do("Scan.FrameGet"), self._frame()
        allowed = SAME_PLACE * max(abs(wanted[name]) for name in ("cx", "cy", "width", "height"))
        off = max(abs(said[name] - wanted[name]) for name in ("cx", "cy", "width", "height"))
        turned = abs(math.remainder(said["angle"] - wanted["angle"], 360.0))
        if not (off <= allowed and turned <= 1e-3):
            raise ChangedOutside(f"the controller's scan frame is {said}, expected {wanted}")

    def _all(self) -> Iterator[ScanLine]:
        height, is_running = self._scan.frame.pixels[1], True
        while True:
            before = self._done
            yield from self._new_lines()
            if self._done == height:
                return
            if not is_running and self._done == before:
                raise ChangedOutside(
                    f"the scan was stopped at the controller after {self._done} of {height} lines"
                )
            is_running = self._wait()

    def _new_lines(self) -> Iterator[ScanLine]:
        """Yield the lines that were finished since the last look."""
        back = self._grab(self._measured[0], forward=False)
        count = _complete(back) - self._done
        if count <= 0:
            return
        now, rows = self._talk.clock.now(), slice(self._done, self._done + count)
        backward = [back[rows]]
        backward += [self._grab(each, forward=False)[rows] for each in self._measured[1:]]
        forward = [self._grab(each, forward=True)[rows] for each in self._measured]
        self._last = time.monotonic()
        for row in range(count):
            self._time = max(self._time, now - (count - 1 - row) * self._line_time)
            there = np.array([image[row] for image in forward])
            again = np.array([image[row] for image in backward])
            self._done += 1
            yield ScanLine(self._done - 1, there, again, self._time)
            self._talk.action.check()
        self._last = time.monotonic()

    def _grab(self, measured: Measured, forward: bool) -> FloatArray:
        """Return what there is of a channel, [line, pixel] with line 0 at the lower edge."""
        gave = self._talk.do("Scan.FrameDataGrab", channel=measured.number, forward=int(forward))
        pixels, lines = self._scan.frame.pixels
        image: FloatArray = gave["data"]
        if image.shape != (lines, pixels):
            raise OutOfStep(
                f"an image came with {image.shape} lines and pixels, expected {(lines, pixels)}"
            )
        if _bare(gave["name"]) != _bare(measured.signal):
            raise OutOfStep(f"an image of {gave['name']!r} came, expected {measured.signal!r}")
        return image[::-1] * measured.scale  # row 0 of the wire is the upper edge

    def _wait(self) -> bool:
        """Wait for the end of a line; whether the scan still runs.

        Raises:
            InstrumentError: The line does not end, or the tip was withdrawn.
        """
        talk, begin = self._talk, time.monotonic()
        while True:
            talk.action.check()
            if not talk.do("Scan.StatusGet")["running"]:
                if self._done or time.monotonic() - self._began > BEGINNING:
                    self._check_tip()
                    return False
                return self._is_late_start()
            if time.monotonic() - self._last > self._stall:
                raise InstrumentError(
                    f"the scan is stuck: no line came for {self._stall:.3g} s after line "
                    f"{self._done} of {self._scan.frame.pixels[1]}"
                )
            if self._is_line_over(begin):
                self._check_tip()
                return True

    def _is_late_start(self) -> bool:
        """Wait a moment for a scan that has not begun, or was over before anyone looked."""
        self._talk.action.stop.wait(SLICE)
        return True

    def _is_line_over(self, begin: float) -> bool:
        if not self._can_wait:
            self._talk.action.stop.wait(min(SLICE, self._line_time))
            return time.monotonic() - begin >= self._line_time
        wait = min(LONGEST_WAIT, self._line_time)
        said = self._talk.do("Scan.WaitEndOfLine", timeout=max(1, round(1e3 * wait)))
        return not said["timed_out"]

    def _check_tip(self) -> None:
        status = self._talk.do("ZCtrl.StatusGet")["status"]
        if status not in ENGAGED:
            raise InstrumentError(
                f"the z controller has status {status} during a scan (5: SafeTip withdrew the "
                f"tip); load() engages it again"
            )

    def _end(self) -> None:
        """Stop the controller's scan unless it ends by itself, and see that it has ended.

        Raises:
            InstrumentError: It does not say so.
        """
        action, line = self._talk.action, self._talk.lines.supervision
        if action.is_emergency:
            return  # the withdrawal ends it, over its own way
        is_complete = self._done == self._scan.frame.pixels[1]
        end = time.monotonic() + (1.5 * self._line_time if is_complete else 0.0)
        while line.ask("Scan.StatusGet")["running"]:
            if time.monotonic() >= end:
                break
            time.sleep(2e-3)
        else:
            return
        line.ask("Scan.Action", action=STOP, direction=UP)
        end = time.monotonic() + SWITCHING
        while line.ask("Scan.StatusGet")["running"]:
            if time.monotonic() > end:
                raise InstrumentError(f"the scan does not stop within {SWITCHING:g} s")
            time.sleep(2e-3)


def _complete(image: FloatArray) -> int:
    """Return how many lines from the lower edge on are complete, by an image of the way back.

    The way back ends at pixel 0, which is NaN until then.
    """
    is_there = np.isfinite(image[:, 0]).tolist()
    begun = np.flatnonzero(np.isfinite(image).any(axis=1))
    latest = int(begun[-1]) if len(begun) else 0  # the lines before it are over
    count = latest
    while count < len(is_there) and is_there[count]:
        count += 1
    return count


def _bare(signal: str) -> str:
    return signal.split(" (")[0].strip().lower()
