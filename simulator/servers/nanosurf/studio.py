"""Studio: the state of the emulated program, and the tree in which it is shown.

Names, values and enumerations are those that the official package shows (nanosurf-core 2.0.7).
"""

import math
from typing import Any

from spm_auto.instrument import Scan, ScanFrame, SetFeedback
from spm_auto.wire.nanosurf import Value

from ..station import Station
from ..wire_faults import WireFaults
from .nodes import Folder, Function, Property, ScriptFailure
from .settings import NanosurfEmulatorSettings
from .spectroscopy import Spectroscopy
from .storage import Storage

LONGEST = 1e6  # [s] on the wall that a scan may take
TURN = 360.0  # [deg]
SETPOINT = 1e-9
WAIT = 0.05  # [s] between looks at whether something that is stuck was stopped


class Studio:
    """The program behind the script interface.

    Args:
        settings: What it was told.
        station: What it operates.
        storage: Where it stores.
        faults: What goes wrong with it.
    """

    def __init__(
        self,
        settings: NanosurfEmulatorSettings,
        station: Station,
        storage: Storage,
        faults: WireFaults,
    ) -> None:
        self._settings = settings
        self._station = station
        self._storage = storage
        self._faults = faults
        self._stuck = 0  # how often something was told to stop
        has = station.capabilities
        held = station.held

        def set_bias(value: Any) -> None:
            station.set_bias(value)

        self._reach = min(has.x_range[1] - has.x_range[0], has.y_range[1] - has.y_range[0])
        self._values: dict[str, Any] = {
            "fast": self._reach / 10,
            "slow": self._reach / 10,
            "points": 128,
            "lines": 128,
            "rate": 1.0,
            "rotation": 0.0,
            "frame_x": 0.0,
            "frame_y": 0.0,
            "target_x": 0.0,
            "target_y": 0.0,
            "mode": 1,
            "direction": 1,
            "overscan": 5.0,
            "setpoint": SETPOINT if held.setpoint is None else held.setpoint,
            "gain": 1000,
            "store": 1,
            "nhf": True,
            "approach_speed": 1e-4,
            "step": 1e-5,
        }
        self._spectroscopy = Spectroscopy(settings.cycles, station, storage)
        self.tree: Folder = {
            **_logging(),
            "version": self._version(),
            "session": self._session(),
            "scripting": {"wrapper": {"python": {"create_python_wrapper": self._wrapper}}},
            "workflow": {
                "approach": self._approach(),
                "axis_manager": self._axis_manager(),
                "coarse_axis_movement": self._coarse(),
                "data": {"storage": self._data()},
                "device": _device(has.name),
                "imaging": self._imaging(),
                "mode": {"current_mode_name": lambda: "static_mode"},
                "nec": {
                    "tip_voltage": Property(
                        lambda: float(station.bias), set_bias, "V", has.bias_range
                    )
                },
                "spectroscopy": self._spectra(),
                "z_control": self._z_control(),
            },
        }

    def interfere(self, command: str) -> None:
        """Do what a fault does before a command is carried out."""
        if self._faults.strike(command, "error"):
            raise ScriptFailure(f"{command}: operation not possible in current state")
        if self._faults.strike(command, "meddled"):
            x, y = self._station.position
            self._station.move(x + self._reach / 50, y)
        if self._faults.strike(command, "stuck"):
            self._hang()

    def _hang(self) -> None:
        """Come to no end until told to stop."""
        import time

        told = self._stuck
        end = time.monotonic() + LONGEST
        while self._stuck == told and time.monotonic() < end:
            time.sleep(WAIT)
        raise ScriptFailure("stopped by user")

    def release(self) -> None:
        """End what is stuck."""
        self._stuck += 1

    def end(self) -> None:
        """End whatever goes on, for the end of the service."""
        self.release()
        self._station.halt()

    def _stored(
        self,
        name: str,
        unit: str = "",
        reach: tuple[float, float] | None = None,
        command: str = "",
        options: dict[str, int] | None = None,
    ) -> Property:
        """Return a property that keeps a value; a fault may make another one of it."""

        def store(value: Any) -> None:
            if self._faults.strike(f"{command}.value_set", "coerced"):
                value = value + 2 if isinstance(value, int) else value * 1.1 + 1e-9
            self._values[name] = value

        return Property(lambda: self._values[name], store, unit, reach, options or {})

    def _imaging(self) -> Folder:
        has = self._station.capabilities
        size = (1e-10, 2 * self._reach)
        pixels = (2, 16384)

        def stored(key: str, name: str, unit: str = "", reach: Any = None, **more: Any) -> Property:
            return self._stored(key, unit, reach, f"workflow.imaging.{name}", **more)

        return {
            "scan_range_fast_axis": stored("fast", "scan_range_fast_axis", "m", size),
            "scan_range_slow_axis": stored("slow", "scan_range_slow_axis", "m", size),
            "points_per_line": stored("points", "points_per_line", "", pixels),
            "lines_per_frame": stored("lines", "lines_per_frame", "", pixels),
            "line_rate": stored("rate", "line_rate", "Hz", (1e-4, 1e6)),
            "time_per_line": Property(lambda: 0.5 / self._values["rate"], None, "s"),
            "rotation": stored("rotation", "rotation", "°", (-TURN, TURN)),
            "frame_center_offset_x": stored("frame_x", "frame_center_offset_x", "m", has.x_range),
            "frame_center_offset_y": stored("frame_y", "frame_center_offset_y", "m", has.y_range),
            "image_offset_x": stored("frame_x", "image_offset_x", "m", has.x_range),
            "image_offset_y": stored("frame_y", "image_offset_y", "m", has.y_range),
            "overscan": stored("overscan", "overscan", "%", (0.0, 100.0)),
            "scan_mode": stored("mode", "scan_mode", options={"continuous": 0, "single_frame": 1}),
            "slow_axis_scan_direction": stored(
                "direction",
                "slow_axis_scan_direction",
                options={"downward": 0, "upward": 1, "bounce": 2},
            ),
            "start": self._start_imaging,
            "stop": self._stop_imaging,
            "acquire": self._acquire_image,
            "scanning_finished": _signal(),
            "scanning_started": _signal(),
        }

    def _start_imaging(self) -> Value:
        self._begin()
        return {"message": "imaging started"}

    def _begin(self) -> Any:
        said = self._values
        if not self._station.is_engaged:
            raise ScriptFailure("imaging not possible: tip is not approached")
        angle = self._settings.rotation_sign * math.radians(said["rotation"])
        frame = ScanFrame(
            (said["frame_x"], said["frame_y"]),
            (said["fast"], said["slow"]),
            (said["points"], said["lines"]),
            angle,
        )
        scan = Scan(frame, line_rate=said["rate"])
        return self._station.start_scan(scan, upwards=said["direction"] != 0)

    def _acquire_image(self) -> Value:
        picture = self._begin()
        picture.wait_end(LONGEST)
        if picture.is_complete or (self._storage.keeps_partial and picture.lines_done):
            self._storage.store_image(picture)
        return {"message": "finished" if picture.is_complete else "stopped by user"}

    def _stop_imaging(self) -> Value:
        self.release()
        self._station.stop_scan()
        return {"message": "imaging stopped"}

    def _approach(self) -> Folder:
        def approach() -> Value:
            self._station.engage()
            return {"message": "approached"}

        def withdraw() -> Value:
            self.release()
            self._station.withdraw()
            return {"message": "withdrawn"}

        return {
            "approach": approach,
            "withdraw": withdraw,
            "stop_approach": self._halt,
            "approach_speed": self._stored("approach_speed", "m/s", (1e-9, 1e-2)),
        }

    def _halt(self) -> Value:
        self.release()
        self._station.halt()
        return None

    def _axis_manager(self) -> Folder:
        has = self._station.capabilities

        def move() -> Value:
            self._station.move(self._values["target_x"], self._values["target_y"])
            return None

        return {
            "offset_x": Property(lambda: self._station.position[0], None, "m", has.x_range),
            "offset_y": Property(lambda: self._station.position[1], None, "m", has.y_range),
            "offset_x_target": self._stored(
                "target_x", "m", has.x_range, "workflow.axis_manager.offset_x_target"
            ),
            "offset_y_target": self._stored(
                "target_y", "m", has.y_range, "workflow.axis_manager.offset_y_target"
            ),
            "move_to_xy_target": move,
        }

    def _z_control(self) -> Folder:
        def feedback_value() -> Value:
            return self._values["setpoint"] if self._station.is_engaged else 0.0

        def set_setpoint(value: Any) -> None:
            if value != self._values["setpoint"]:
                self._station.set_feedback(SetFeedback(setpoint=value))
            self._values["setpoint"] = value

        def retract() -> Value:
            self.release()
            self._station.withdraw()
            return None

        return {
            "setpoint": Property(lambda: self._values["setpoint"], set_setpoint, "N"),
            "actual_feedback_value": Property(feedback_value, None, "N"),
            "i_gain": self._stored("gain", "", (0, 1_000_000), "workflow.z_control.i_gain"),
            "feedback_signal": Property(lambda: "deflection"),
            "retract_tip": retract,
        }

    def _coarse(self) -> Folder:
        def start() -> Value:
            raise ScriptFailure("the stage of this microscope does not move")

        names = ("start_advance", "start_retract", "start_withdraw")
        step = self._stored("step", "m", (1e-9, 1e-2))
        return {**dict.fromkeys(names, start), "advance_retract_step": step}

    def _spectra(self) -> Folder:
        folder = dict(self._spectroscopy.folder(self._faults))

        def stop() -> Value:
            self._halt()
            return {"message": "spectroscopy stopped"}

        return {**folder, "stop": stop}

    def _data(self) -> Folder:
        storage = self._storage

        def rename(name: Any) -> None:
            storage.basename = name

        def keep(value: Any) -> None:
            storage.keeps_partial = value

        modes = {"off": 0, "new_file": 1, "current_file": 2}
        return {
            "file_basename": Property(lambda: storage.basename, rename),
            "gallery_directory": Property(lambda: str(storage.folder)),
            "next_file_index": Property(lambda: storage.index),
            "save_partial_measurements": Property(lambda: storage.keeps_partial, keep),
            "nhf_backend_enabled": self._stored("nhf"),
            "nhf_auto_store_mode": self._stored("store", options=modes),
        }

    def _version(self) -> Folder:
        major, minor = self._settings.version
        return {
            "name": lambda: "Studio (emulated)",
            "full": lambda: f"{major}.{minor}.0",
            "major": lambda: major,
            "minor": lambda: minor,
        }

    def _session(self) -> Folder:
        name = self._settings.session

        def select(session: Value, level: Value = 1) -> Value:
            if session != name:
                raise ScriptFailure(f"session '{session}' not found")
            if not isinstance(level, int):
                raise ScriptFailure(f"level {level!r} is not available")
            return None

        def select_main(_level: Value = 0) -> Value:
            return None

        return {
            "list": lambda: [name],
            "all_available": lambda: [name],
            "select": select,
            "select_main": select_main,
            "name": Property(lambda: name),
        }

    def _wrapper(self, _tree: Value, root: Value, path: Value) -> Value:
        from .wrapper import write_wrapper

        return write_wrapper(self.tree, str(root), str(path), self._settings.wrapper_folder)


def _logging() -> dict[str, Function]:
    def ignore(*_words: Value) -> Value:
        return None

    levels = ("debug", "info", "warn", "error", "fatal")
    return {f"log_{level}": ignore for level in levels}


def _signal() -> Folder:
    def refuse(*_anything: Value) -> Value:
        raise ScriptFailure("functions cannot be handed over the script interface")

    return {"connect": refuse, "connect_extended": refuse, "empty": lambda: True}


def _device(name: str) -> Folder:
    def said(text: str) -> Property:
        return Property(lambda: text)

    return {
        "controller": {"name": said("emulated controller"), "serial_number": said("000-00-000")},
        "scan_head": {"name": said(name), "serial_number": said("000-00-001")},
    }
