"""Studio: the state of the emulated program, and the tree in which it is shown.

Names, values and enumerations are those that the official package shows (nanosurf-core 2.0.7).
"""

import threading
from typing import Any

from spm_auto.instrument import SetFeedback
from spm_auto.wire.nanosurf import Value

from ..station import Station
from ..wire_faults import WireFaults
from . import about
from .imaging import Imaging
from .kept import Kept
from .nodes import Folder, Property, ScriptFailure
from .settings import NanosurfEmulatorSettings
from .spectroscopy import Spectroscopy
from .storage import Storage

SETPOINT = 1e-9  # [N] of a z loop that does not say its own


class Studio:
    """The program behind the script interface.

    Args:
        settings: What it was told.
        station: What it operates.
        storage: Where it stores.
        faults: What goes wrong with it.

    Attributes:
        tree: What scripts see.
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
        self._kept = Kept(faults)
        self._stopped = threading.Event()  # set when something that is stuck must end
        self._is_ending = False
        held = station.held.setpoint
        self._setpoint = SETPOINT if held is None else held
        imaging = Imaging(station, storage, self._kept, settings.rotation_sign)
        spectroscopy = Spectroscopy(settings.cycles, station, storage, self._kept)
        self.tree: Folder = {
            **about.logging(),
            "version": about.version(*settings.version),
            "session": about.session(settings.session),
            "scripting": {"wrapper": {"python": {"create_python_wrapper": self._wrapper}}},
            "workflow": {
                "approach": self._approach(),
                "axis_manager": self._axis_manager(),
                "coarse_axis_movement": self._coarse(),
                "data": {"storage": self._data()},
                "device": about.device(station.capabilities.name),
                "imaging": {**imaging.folder(), "stop": self._stop_imaging},
                "mode": {"current_mode_name": lambda: "static_mode"},
                "nec": self._electronics(),
                "spectroscopy": {**spectroscopy.folder(), "stop": self._halt},
                "z_control": self._z_control(),
            },
        }

    def interfere(self, command: str) -> None:
        """Do what a fault does before a command is carried out."""
        if self._faults.strike(command, "error"):
            raise ScriptFailure(f"{command}: operation not possible in current state")
        if self._faults.strike(command, "meddled"):
            x, y = self._station.position
            low, high = self._station.capabilities.x_range
            self._station.move(x + (high - low) / 50, y)
        if self._faults.strike(command, "stuck"):
            if not self._is_ending:
                self._stopped.clear()
            self._stopped.wait()
            raise ScriptFailure("stopped by user")

    def end(self) -> None:
        """End whatever goes on, for the end of the service."""
        self._is_ending = True
        self._halt()

    def _halt(self) -> Value:
        self._stopped.set()
        self._station.halt()
        return {"message": "stopped"}

    def _stop_imaging(self) -> Value:
        self._stopped.set()
        self._station.stop_scan()
        return {"message": "imaging stopped"}

    def _lift(self) -> Value:
        self._stopped.set()
        self._station.withdraw()
        return {"message": "withdrawn"}

    def _approach(self) -> Folder:
        def approach() -> Value:
            self._station.engage()
            return {"message": "approached"}

        speed = self._kept.property("workflow.approach.approach_speed", 1e-4, "m/s", (1e-9, 1e-2))
        return {
            "approach": approach,
            "withdraw": self._lift,
            "stop_approach": self._halt,
            "approach_speed": speed,
        }

    def _axis_manager(self) -> Folder:
        has = self._station.capabilities
        place = "workflow.axis_manager"

        def move() -> Value:
            x, y = (self._kept[f"{place}.offset_{axis}_target"] for axis in "xy")
            self._station.move(x, y)
            return None

        return {
            "offset_x": Property(lambda: self._station.position[0], None, "m", has.x_range),
            "offset_y": Property(lambda: self._station.position[1], None, "m", has.y_range),
            "offset_x_target": self._kept.property(
                f"{place}.offset_x_target", 0.0, "m", has.x_range
            ),
            "offset_y_target": self._kept.property(
                f"{place}.offset_y_target", 0.0, "m", has.y_range
            ),
            "move_to_xy_target": move,
        }

    def _electronics(self) -> Folder:
        station = self._station

        def set_bias(value: Any) -> None:
            station.set_bias(value)

        reach = station.capabilities.bias_range
        return {"tip_voltage": Property(lambda: float(station.bias), set_bias, "V", reach)}

    def _z_control(self) -> Folder:
        def set_setpoint(value: Any) -> None:
            if value != self._setpoint:
                self._station.set_feedback(SetFeedback(setpoint=value))
            self._setpoint = value

        def feedback_value() -> Value:
            return self._setpoint if self._station.is_engaged else 0.0

        gain = self._kept.property("workflow.z_control.i_gain", 1000, "", (0, 1_000_000))
        return {
            "setpoint": Property(lambda: self._setpoint, set_setpoint, "N"),
            "actual_feedback_value": Property(feedback_value, None, "N"),
            "i_gain": gain,
            "feedback_signal": Property(lambda: "deflection"),
            "retract_tip": self._lift,
        }

    def _coarse(self) -> Folder:
        def start() -> Value:
            raise ScriptFailure("the stage of this microscope does not move")

        names = ("start_advance", "start_retract", "start_withdraw")
        place = "workflow.coarse_axis_movement.advance_retract_step"
        step = self._kept.property(place, 1e-5, "m", (1e-9, 1e-2))
        return {**dict.fromkeys(names, start), "advance_retract_step": step}

    def _data(self) -> Folder:
        storage = self._storage
        place = "workflow.data.storage"

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
            "nhf_backend_enabled": self._kept.property(f"{place}.nhf_backend_enabled", True),
            "nhf_auto_store_mode": self._kept.property(
                f"{place}.nhf_auto_store_mode", 1, options=modes
            ),
        }

    def _wrapper(self, _tree: Value, root: Value, path: Value) -> Value:
        from .wrapper import write_wrapper

        return write_wrapper(self.tree, str(root), str(path), self._settings.wrapper_folder)
