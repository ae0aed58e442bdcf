"""Panels: what the buttons and fields of Asylum's program do, and the files that it saves."""

import threading
from math import radians
from pathlib import Path

import numpy as np

from spm_auto.data import write_whole
from spm_auto.instrument import BiasWaveform, FloatArray, Scan, ScanFrame
from spm_auto.wire.igor import ENGAGED, FORCE, MOTOR, SCANNING

from ..picture import Picture
from ..station import Station
from ..wire_faults import WireFaults
from .jobs import Jobs
from .values import Values
from .waves import force_wave, picture_wave, sweep_wave, tune_wave

LONGEST = 600.0  # [s] on the wall that a picture may take
RESONANCE = 352e3  # [Hz]
AXES = ("X", "Y")


class Microscope:
    """The microscope that the program operates, and what it keeps and saves.

    Args:
        station: What stands behind it.
        values: What the program keeps.
        exchange: The folder of Tune.ibw and Force.ibw.
        saved: The folder of images and curves.
        faults: What goes wrong.
    """

    def __init__(
        self, station: Station, values: Values, exchange: Path, saved: Path, faults: WireFaults
    ) -> None:
        self.station = station
        self.values = values
        self.exchange, self.saved = exchange, saved
        self.jobs = Jobs()
        self._faults = faults
        self._setpoints = [self._volts(axis, p) for axis, p in enumerate(station.position)]
        self._saving = 0
        self._lock = threading.Lock()
        self._stuck = 0
        self._is_stage_on = False
        self._force = b""
        self._savers: list[threading.Thread] = []

    @property
    def status(self) -> int:
        """What is going on, as bits."""
        picture = self.station.picture
        is_scanning = self._saving > 0 or (picture is not None and picture.is_running)
        engaged = ENGAGED if self.station.is_engaged else 0
        return engaged | self.jobs.doing | self._stuck | (SCANNING if is_scanning else 0)

    def sensor(self, axis: int) -> float:
        """Return what a sensor shows [V]."""
        return self._volts(axis, self.station.position[axis])

    def setpoint(self, axis: int) -> float:
        """Return what a loop holds [V]."""
        return self._setpoints[axis]

    def hold(self, axis: int, volts: float) -> None:
        """Let a loop hold another place; the tip goes there by and by."""
        self._setpoints[axis] = volts
        if self._faults.strike("td_WriteValue", "stuck") is None:
            self.jobs.add(self._go)

    def start_scan(self, upwards: bool) -> None:
        """Begin a scan of the frame that is set.

        Raises:
            SpmError: The microscope refuses it.
        """
        if self._faults.strike("UpScan_0" if upwards else "DownScan_0", "stuck"):
            self._stuck = SCANNING
            return
        get, size = self.values.get, self.values["ScanSize"]
        frame = ScanFrame(
            (get("XOffset"), get("YOffset")),
            (size * get("FastRatio"), size * get("SlowRatio")),
            (round(get("ScanPoints")), round(get("ScanLines"))),
            radians(get("ScanAngle")),
        )
        picture = self.station.start_scan(Scan(frame, line_rate=get("ScanRate")), upwards)
        with self._lock:
            self._saving += 1
        saver = threading.Thread(target=self._save, args=(picture,), daemon=True)
        self._savers.append(saver)
        saver.start()

    def stop(self) -> None:
        """End whatever goes on."""
        self._stuck = 0
        self.jobs.clear()
        self.station.halt()
        self._stay()

    def withdraw(self) -> None:
        """Lift the tip."""
        self._stuck = 0
        self.jobs.clear()
        self.station.withdraw()

    def engage(self) -> None:
        """Let the z loop bring the tip to the sample."""
        if not self.station.is_engaged:
            self.jobs.add(self.station.engage, MOTOR)

    def switch_stage(self, on: bool) -> None:
        """Let the motors of the stage be used."""
        self._is_stage_on = on

    def approach(self) -> None:
        """Bring the sample up by motor.

        Raises:
            ValueError: The motors are off.
        """
        if not self._is_stage_on:
            raise ValueError("the stage is not enabled")

    def sweep(self) -> None:
        """Take a spectrum with the triangle that is set."""
        if self._faults.strike("sweep", "stuck"):
            self._stuck = FORCE
        else:
            self.jobs.add(self._sweep, FORCE)

    def force(self) -> None:
        """Take a force curve."""
        self.jobs.add(self._press, FORCE)

    def tune(self) -> None:
        """Find the resonance."""
        self.values["DFRTFrequencyCenter"] = RESONANCE
        self.values["DriveFrequency"] = RESONANCE

    def save_tune(self) -> None:
        """Leave the tune in the folder of the exchange."""
        width = self.values["SweepWidth"]
        write_whole(self.exchange / "Tune.ibw", tune_wave(RESONANCE, width))

    def save_force(self) -> None:
        """Leave the latest curve in the folder of the exchange."""
        write_whole(self.exchange / "Force.ibw", self._force)

    def meddle(self) -> None:
        """Move the tip, as somebody at the program would."""
        self.stop()
        x, y = self.station.position
        self.station.move(x - 20e-9 if x > 0 else x + 20e-9, y)
        self._stay()

    def close(self) -> None:
        """End the threads; safe to call twice."""
        self.station.close()
        self.jobs.close()
        for saver in self._savers:
            saver.join()

    def _volts(self, axis: int, place: float) -> float:
        name = AXES[axis]
        return place / self.values[f"{name}LVDTSens"] + self.values[f"{name}LVDTOffset"]

    def _go(self) -> None:
        target = tuple(
            (volts - self.values[f"{name}LVDTOffset"]) * self.values[f"{name}LVDTSens"]
            for name, volts in zip(AXES, self._setpoints, strict=True)
        )
        if np.hypot(*np.subtract(target, self.station.position)) > 1e-13:
            self.station.move(*target)

    def _stay(self) -> None:
        self._setpoints = [self.sensor(axis) for axis in (0, 1)]

    def _save(self, picture: Picture) -> None:
        try:
            picture.wait_end(LONGEST)
            if picture.is_complete and self.values["SaveImage"]:
                self._stay()
                name = self._next_name()
                self._leave(name, picture_wave(picture, self.values, name))
        finally:
            with self._lock:
                self._saving -= 1

    def _sweep(self) -> None:
        values = self.values
        rate, frequency = values["NumPtsPerSec"], values["ARDoIVFrequency"]
        points = round(values["ARDoIVCycles"] / frequency * rate)
        turns: FloatArray = (
            np.arange(points, dtype=float) * frequency / rate + values["ARDoIVArg2"] / 360
        )
        bias: FloatArray = values["ARDoIVAmp"] * _triangle(turns)
        cycle, cycles = rate / frequency, round(values["ARDoIVCycles"])
        is_whole = cycle.is_integer() and cycles > 1 and points == cycles * cycle
        once = bias[: int(cycle)] if is_whole else bias
        waveform = BiasWaveform(tuple(once.tolist()), 1 / rate, cycles if is_whole else 1)
        spectrum = self.station.sweep(waveform)
        data = np.tile(spectrum.data, waveform.cycles)
        name, at = self._next_name(), (spectrum.x, spectrum.y)
        wave = sweep_wave(bias, spectrum.channels, data, at, values, name)
        self._force = wave
        self._leave(name, wave)

    def _press(self) -> None:
        values = self.values
        trigger = values["TriggerPoint"] * values["InvOLS"] * values["SpringConstant"]
        rate = values["ForceScanRate"]
        points = max(2, round(values["NumPtsPerSec"] / (2 * rate)))
        curve = self.station.force_curve(trigger, values["ForceDist"], points, rate)
        name = self._next_name()
        self._force = force_wave(curve, values, name)
        self._leave(name, self._force)

    def _next_name(self) -> str:
        suffix = int(self.values["BaseSuffix"])
        self.values["BaseSuffix"] = float(suffix + 1)
        return f"{self.values.text('BaseName')}{suffix:04d}"

    def _leave(self, name: str, wave: bytes) -> None:
        """Save a wave, or what a fault makes of it; its command is called "ibw"."""
        path = self.saved / f"{name}.ibw"
        fault = self._faults.strike("ibw", "silent", "truncated", "late")
        match fault.kind if fault else "":
            case "silent":
                return
            case "truncated":
                path.write_bytes(wave[: len(wave) // 2])
            case "late":
                path.write_bytes(wave[: len(wave) // 2])
                threading.Event().wait(fault.delay if fault else 0.0)
                path.write_bytes(wave)
            case _:
                write_whole(path, wave)


def _triangle(turns: FloatArray) -> FloatArray:
    return np.asarray(4 * np.abs((turns - 0.25) % 1 - 0.5) - 1)
