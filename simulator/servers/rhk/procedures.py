"""Procedures: what the emulated R9 does by itself, one at a time, and what it saves."""

import contextlib
import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from spm_auto.errors import SpmError
from spm_auto.instrument import BiasWaveform, Scan, ScanFrame
from spm_auto.wire import rhk as wire

from ..station import Station
from ..wire_faults import WireFaults
from .labels import labelled
from .sm4 import Conditions, images_bytes, spectra_bytes

LOOK_UP = 0.02  # [s] between looks at whether it is stopped


class Known(Protocol):
    """What a procedure asks of the program's values."""

    target: list[float]
    starting: threading.Lock

    def get(self, parameter: wire.Parameter) -> float | str:
        """Return a value."""

    def set(self, parameter: wire.Parameter, text: str) -> None:
        """Set a value."""

    def number(self, parameter: wire.Parameter) -> float:
        """Return a value that is a number."""

    def step_in(self) -> None:
        """Take a coarse step."""


class Procedures:
    """Runs procedures.

    Args:
        station: The microscope.
        values: Of the program.
        folder: Where files go.
        faults: What goes wrong.
        waveform: Of the spectroscopy's window.
        file_delay: How long a file takes to come [s].
    """

    def __init__(
        self,
        station: Station,
        values: Known,
        folder: Path,
        faults: WireFaults,
        waveform: BiasWaveform,
        file_delay: float,
    ) -> None:
        self._station, self._values, self._folder = station, values, folder
        self._faults, self._waveform, self._file_delay = faults, waveform, file_delay
        self._work: dict[str, Callable[[], None]] = {
            wire.IMAGE_SCAN: self._scan_image,
            wire.SPECTROSCOPY: self._take_spectrum,
            wire.MOVE_TIP: self._move_tip,
            wire.STEP_IN: values.step_in,
        }
        self._running = ""
        self._prepared: threading.Thread | None = None
        self._threads: list[threading.Thread] = []
        self._stop = threading.Event()
        self._closing = threading.Event()

    def prepare(self, name: str, ended: Callable[[], None]) -> None:
        """Get a procedure ready; `go` begins it, so that its first answer comes first.

        Raises:
            ValueError: There is none of that name, or another one runs.
        """
        if name not in self._work:
            raise ValueError(f"Unknown procedure {name}")
        if self._running:
            raise ValueError(f"{self._running} is running")
        self._running, self._stop = name, threading.Event()
        self._prepared = threading.Thread(target=self._run, args=(name, ended), daemon=True)

    def go(self) -> None:
        """Begin what was made ready."""
        if self._prepared is not None:
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            self._threads.append(self._prepared)
            self._prepared.start()
            self._prepared = None

    def stop(self, name: str) -> None:
        """Stop a procedure if it runs."""
        if self._running == name:
            self._stop.set()
            with self._values.starting:
                self._station.halt()

    def close(self) -> None:
        """Stop what runs and wait for it."""
        self._closing.set()
        self._stop.set()
        self._station.halt()
        for thread in self._threads:
            thread.join()

    def _run(self, name: str, ended: Callable[[], None]) -> None:
        if self._faults.strike(wire.start(name), "stuck"):
            self._stuck(name)
        else:
            with contextlib.suppress(SpmError):  # what goes wrong only ends it
                self._work[name]()
        self._running = ""
        ended()

    def _stuck(self, name: str) -> None:
        """Do nothing, until it is stopped; a motion says that it has ended."""
        while name != wire.MOVE_TIP and not self._stop.wait(LOOK_UP):
            pass

    def _move_tip(self) -> None:
        self._station.move(*self._values.target)

    def _scan_image(self) -> None:
        value = self._values.number
        size, lines = value(wire.SIZE), int(value(wire.LINES))
        frame = ScanFrame(
            (value(wire.X_OFFSET), value(wire.Y_OFFSET)),
            (size, size),
            (lines, lines),
            math.radians(value(wire.ANGLE)),
        )
        scan = Scan(frame, line_rate=0.5 / value(wire.LINE_TIME))
        with self._values.starting:
            if self._stop.is_set():
                return
            picture = self._station.start_scan(scan, upwards=False)
        picture.wait_end(math.inf)
        # the way there of a scan from the top begins at the right, and runs to the left
        pictures = [
            (labelled(channel), picture.channel(channel.name, not back), back)
            for channel in picture.channels
            for back in (False, True)
        ]
        self._save(
            wire.SCAN_WINDOW,
            lambda taken: images_bytes(frame, pictures, taken, picture.lines_done),
        )

    def _take_spectrum(self) -> None:
        waveform = self._waveform
        spectrum = self._station.sweep(waveform)
        half = len(waveform.values) // 2
        is_both = waveform.values[0] == waveform.values[-1]
        points = half if is_both else len(waveform.values)
        curves = []
        for channel, values in zip(spectrum.channels, spectrum.data, strict=True):
            ways = [values[:points]] + ([values[points:][::-1]] if is_both else [])
            curves.append((labelled(channel), np.stack(ways)))
        ramp = (waveform.values[0], waveform.values[points - 1], points)
        place = (spectrum.x, spectrum.y)
        self._save(wire.SPECTRA_WINDOW, lambda taken: spectra_bytes(ramp, curves, place, taken))

    def _save(self, window: str, content: Callable[[Conditions], bytes]) -> None:
        """Save a file as the window says, if it says so."""
        values, index = self._values, wire.saving("File Name Index", window)
        if not values.number(wire.saving("Enable", window)):
            return
        number = int(values.number(index))
        name = f"{values.get(wire.saving('File Name', window))}_{number:04d}.sm4"
        values.set(index, str(number + 1))
        bias, current = values.number(wire.BIAS), values.number(wire.SETPOINT)
        data = content(Conditions(name, bias, current, values.number(wire.LINE_TIME)))
        path = Path(str(values.get(wire.saving("Save Path", window)))) / name
        fault = self._faults.strike("file", "silent", "late", "truncated", "garbage")
        match fault.kind if fault else "":
            case "silent":
                return
            case "truncated":
                data = data[: len(data) // 2]
            case "garbage":
                data = bytes(byte ^ 0xA5 for byte in data)
        delay = fault.delay if fault and fault.kind == "late" else self._file_delay
        if delay:
            writer = threading.Thread(target=self._write, args=(path, data, delay), daemon=True)
            self._threads.append(writer)
            writer.start()
        else:
            self._write(path, data, 0.0)

    def _write(self, path: Path, data: bytes, delay: float) -> None:
        """Write a file, where it is slow its first half long before the second."""
        if self._closing.wait(delay / 2):
            return
        with contextlib.suppress(OSError), path.open("wb") as file:
            file.write(data[: len(data) // 2])
            file.flush()
            self._closing.wait(delay / 2)
            file.write(data[len(data) // 2 :])
