"""Scanning: starts scans, waits for them, gives their data and saves them."""

import threading
from collections.abc import Callable

import numpy as np

from spm_auto.errors import InstrumentError, SpmError, Unsupported
from spm_auto.instrument import FloatArray, ScanImage
from spm_auto.wire.nanonis import Values

from ..picture import Picture
from .desk import Desk, seconds
from .scan_settings import ScanSettings

START, STOP, TO_CENTRE = 0, 1, 6
BACKWARD_DONE = 1  # the movement that ends a line
SAVE_ALL, SAVE_NEXT, SAVE_NONE = 0, 1, 2
SLICE = 0.05  # [s] between looks at a scan, on the wall clock
LONG = 3600.0  # [s]
ACTION = "Scan.Action"


class Scanning:
    """The scan that runs or ran last.

    An end of a scan is told to whoever waits for it. On a virtual clock a scan may have ended
    before anybody could begin to wait; so there the first who asks is told, once.
    """

    def __init__(self, desk: Desk, settings: ScanSettings) -> None:
        self._desk, self._settings = desk, settings
        self._lock = threading.RLock()
        self._number = 0  # of the scan that was begun last
        self._is_running = False
        self._upwards = True
        self._ended, self._told, self._path = 0, 0, ""
        self._line_told = 0

    def commands(self) -> dict[str, Callable[[Values], Values | None]]:
        """Return who answers what."""
        return {
            ACTION: self._act,
            "Scan.StatusGet": lambda _: {"running": int(self.is_running)},
            "Scan.WaitEndOfScan": self._wait_scan,
            "Scan.WaitEndOfLine": self._wait_line,
            "Scan.FrameDataGrab": self._grab,
            "Scan.Save": self._save_now,
        }

    @property
    def is_running(self) -> bool:
        """Whether a scan goes on, or is being saved."""
        return self._is_running or self._desk.is_stuck(ACTION)

    @property
    def _picture(self) -> Picture | None:
        return self._desk.station.picture

    def _act(self, values: Values) -> None:
        action = values["action"]
        if action == START:
            if "direction" in values:
                self._upwards = bool(values["direction"])
            self.start()
        elif action == STOP:
            self.stop()
        elif action == TO_CENTRE:
            self._desk.move(*self._settings.scan.frame.center)
        else:
            raise Unsupported(f"the simulated microscope cannot pause or freeze, action {action}")

    def start(self) -> None:
        """Begin a scan; one that runs is broken off without an end."""
        if self._desk.stick(ACTION):
            return
        with self._lock:
            self._desk.require_loop("a scan")
            scan = self._settings.scan
            self._desk.reach.check_frame(scan.frame)
            self._number += 1
            self._told, self._line_told = self._ended, 0
            self._is_running = True
            try:
                picture = self._desk.station.start_scan(scan, self._upwards)
            except (SpmError, ValueError):
                self._is_running = False
                raise
            number = self._number
        name = f"scan {number % 2}"  # the one before is ending still
        self._desk.jobs.join(name)
        self._desk.jobs.start(name, lambda: self._follow(picture, number), at_once=False)

    def stop(self) -> None:
        """End the scan that runs; whoever waits is told an empty path."""
        self._desk.release(ACTION)
        self._desk.station.stop_scan()
        self._desk.jobs.until(lambda: not self._is_running, LONG)

    def _follow(self, picture: Picture, number: int) -> None:
        seen = 0
        while picture.is_running and not self._desk.jobs.ending.is_set():
            picture.wait_line(seen, SLICE)
            if picture.lines_done > seen:
                seen = picture.lines_done
                self._watch(picture)
        path = ""
        if picture.is_complete and self._save_mode() != SAVE_NONE:
            path = self._save(picture)
            if self._save_mode() == SAVE_NEXT:
                self._desk.panel.put("Scan.Props", autosave=SAVE_NONE)
        with self._lock:
            if number != self._number:
                return
            self._ended, self._path, self._is_running = self._ended + 1, path, False
            props = self._desk.panel.get("Scan.Props")
            if not (picture.is_complete and props["continuous"]):
                return
            if self._desk.jobs.ending.is_set():
                return
            self._upwards ^= bool(props["bouncy"])
            try:
                self.start()
            except (SpmError, ValueError):
                self._is_running = False

    def _watch(self, picture: Picture) -> None:
        names = [channel.name for channel in picture.channels]
        if "current" in names:
            line = picture.lines_done - 1
            line = line if picture.upwards else picture.frame.pixels[1] - 1 - line
            current = np.abs(picture.forward[names.index("current"), line])
            if np.isfinite(current).any():
                self._desk.probe.watch(float(np.nanmax(current)))

    def _wait_scan(self, values: Values) -> Values:
        began = self._told if self._desk.jobs.is_instant else self._ended
        if not self._desk.jobs.until(lambda: self._ended > began, seconds(values)):
            return {"timed_out": 1, "path": ""}
        with self._lock:
            self._told = self._ended
            return {"timed_out": 0, "path": self._path}

    def _wait_line(self, values: Values) -> Values:
        began = self._line_told if self._desk.jobs.is_instant else self._lines_done
        if not self._desk.jobs.until(lambda: self._lines_done > began, seconds(values)):
            return {"timed_out": 1, "line": 0, "movement": 0, "pass": 0}
        self._line_told = self._lines_done
        return {
            "timed_out": 0,
            "line": max(self._line_told - 1, 0),
            "movement": BACKWARD_DONE,
            "pass": 0,
        }

    @property
    def _lines_done(self) -> int:
        return self._picture.lines_done if self._picture else 0

    def _grab(self, values: Values) -> Values:
        signals = self._desk.signals
        signal = signals.signal(values["channel"])
        if signal not in self._settings.channels:
            known = ", ".join(signals.names[i] for i in self._settings.channels)
            raise InstrumentError(f"{signals.names[signal]} is not in the buffer; it has {known}")
        name = signals.channels[signal].name
        shape = self._settings.lines, self._settings.pixels
        picture = self._picture
        has_it = picture is not None and name in [c.name for c in picture.channels]
        if picture is None or not has_it or picture.frame.shape != shape:
            data = np.full(shape, np.nan)
        else:
            data = self._image(picture, name, backward=not values.get("forward", 1))
        direction = self._upwards if picture is None else picture.upwards
        # the first row is the upper edge, whichever way the scan runs
        return {"name": signals.names[signal], "data": data[::-1], "direction": int(direction)}

    def _image(self, picture: Picture, name: str, backward: bool) -> FloatArray:
        data = picture.channel(name, backward)
        if name == "didv" and not self._desk.probe.is_modulated:
            return np.full_like(data, np.nan)
        if name == "height":
            lines, pixels = picture.frame.shape
            line, pixel = np.mgrid[0:lines, 0:pixels]
            data = self._desk.probe.levelled(data, *picture.frame.to_sample(line, pixel))
        return data

    def _save_mode(self) -> int:
        return int(self._desk.panel.value("Scan.Props", "autosave"))

    def _save(self, picture: Picture) -> str:
        signals, props = self._desk.signals, self._desk.panel.get("Scan.Props")
        names = [channel.name for channel in picture.channels]
        stacks = [
            np.stack([self._image(picture, name, backward) for name in names])
            for backward in (False, True)
        ]
        image = ScanImage(
            picture.frame,
            tuple(signals.column(signals.signals[name]) for name in names),
            stacks[0],
            stacks[1],
            picture.start_time,
            picture.end_time,
        )
        recorder, bias = self._desk.recorder, self._desk.z.bias
        try:
            return recorder.told(
                recorder.save_image(props["series"], image, bias, props["comment"])
            )
        except SpmError:  # the disk is full: the real thing saves nothing either
            return ""

    def _save_now(self, values: Values) -> Values:  # noqa: ARG002
        if self._picture is None:
            raise InstrumentError("there is no scan to save")
        self._save(self._picture)
        return {"timed_out": 0}
