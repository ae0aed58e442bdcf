"""FakeIgor: executes the forms of command that drivers send, against panels that are simulated."""

import math
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from spm_auto.errors import SpmError
from spm_auto.instrument import SetFeedback
from spm_auto.wire.igor import Assign, Call, Make, MoveFile, Save, Statement, Value, readout_text

from ..wire_faults import WireFaults
from .microscope import Microscope
from .values import of_field

PANELS = frozenset(
    {
        *("MasterPanel", "MasterMotorPanel", "PIDSLoopPanel", "DART", "TuneGraph", "NapPanel"),
        *("ARDoIVPanel", "DARTSpectroscopy", "ElectricPanel", "ARVideoPanel"),
    }
)
WITHOUT_EFFECT = frozenset(
    {
        *("ClearForce_1", "GoForce_1", "DefaultPIDSLoop2", "StartPIDSLoop0", "StartPIDSLoop1"),
        *("DoTuneCent_3", "DualACModeBox_3", "ARVCaptureButton_0", "ZeroLDPDButton_1"),
        *("DoTuneElectric_0", "DoTuneCent_0"),
    }
)
SETPOINTS = {"pidsloop.0.setpoint": 0, "pidsloop.1.setpoint": 1}
SENSORS = {"xsensor": 0, "ysensor": 1}
BIASES = ("tipvoltage",)
_REFUSALS = (SpmError, ValueError, KeyError, IndexError, OSError, TypeError)


class IgorError(Exception):
    """Igor shows a message and executes nothing more of what it was told."""


class FakeIgor:
    """Igor with Asylum's procedures: one statement at a time, whoever tells it.

    Args:
        microscope: What the procedures operate.
        faults: What goes wrong.

    Attributes:
        refused: What it could not execute, and why, for people.
    """

    def __init__(self, microscope: Microscope, faults: WireFaults) -> None:
        self.refused: list[str] = []
        self._microscope = microscope
        self._faults = faults
        self._waves: dict[str, list[float]] = {}
        self._lock = threading.RLock()
        self._controller: dict[str, float] = {}

    def execute(self, statement: Statement, leave: Callable[[Path, bytes], None]) -> None:
        """Execute a statement.

        Args:
            statement: What.
            leave: Puts a file in place that somebody waits for.

        Raises:
            IgorError: It cannot be executed.
        """
        with self._lock:
            try:
                match statement:
                    case Call():
                        self._call(statement)
                    case Make(name=name, points=points):
                        self._waves[name] = [0.0] * points
                    case Assign(name=name, index=index, value=value):
                        number = value if isinstance(value, float) else self._number(value)
                        self._waves[name][index] = number
                    case Save(name=name, path=path):
                        leave(Path(path), readout_text(self._waves[name]))
                    case MoveFile(source=source, target=target):
                        content = Path(source).read_bytes()
                        Path(source).unlink()
                        leave(Path(target), content)
            except _REFUSALS as error:
                raise self._error(f"{statement}: {error}") from error

    def call(self, call: Call) -> Value | None:
        """Call a function and return what it returns.

        Raises:
            IgorError: There is no such function, or the microscope refuses.
        """
        with self._lock:
            try:
                return self._call(call)
            except _REFUSALS as error:
                raise self._error(f"{call}: {error}") from error

    def meddle(self) -> None:
        """Let somebody at the program move the tip."""
        self._microscope.meddle()

    def _error(self, text: str) -> IgorError:
        self.refused.append(text)
        return IgorError(text)

    def _number(self, call: Call) -> float:
        value = self._call(call)
        return value if isinstance(value, float) else math.nan

    def _call(self, call: Call) -> Value | None:
        function = self._functions().get(call.name)
        if function is None:
            raise ValueError(f"there is no function {call.name}")
        return function(*call.params)

    def _functions(self) -> Mapping[str, Callable[..., Value | None]]:
        microscope, values = self._microscope, self._microscope.values
        return {
            "PV": self._put,
            "GV": self._get,
            "PS": values.set_text,
            "GS": values.text,
            "td_WriteValue": self._write,
            "td_ReadValue": self._read,
            "ARExecuteControl": self._control,
            "ARGetStatus": lambda: float(microscope.status),
            "ARDoIVPopFunc": lambda _control, number, _again: self._put("ARDoIVFunc", number),
            "ChangeName": self._rename,
            "GetTune": microscope.save_tune,
            "GetForce": microscope.save_force,
            "SinglePhase": lambda: None,
            "SingleForce": microscope.force,
            "MoveStage": self._move_stage,
            "SimpleEngageMe": lambda _button="": microscope.engage(),
            "DoScanFunc": self._scan,
            "DoForceFunc": self._force,
        }

    def _put(self, name: str, value: float) -> float:
        fault = self._faults.strike("PV", "coerced")
        number = _coerced(value) if fault else float(value)
        if name.lower() in BIASES:
            self._set_bias(number)
        self._microscope.values[name] = number
        return 0.0

    def _get(self, name: str) -> float:
        if name.lower() in BIASES:
            return float(self._microscope.station.bias)
        return self._microscope.values.get(name)

    def _set_bias(self, bias: float) -> None:
        if SetFeedback in self._microscope.station.capabilities.instructions:
            self._microscope.station.set_bias(bias)

    def _write(self, name: str, value: float) -> float:
        fault = self._faults.strike("td_WriteValue", "coerced")
        number = _coerced(value) if fault else float(value)
        axis = SETPOINTS.get(name.lower())
        if axis is None:
            self._controller[name.lower()] = number
        else:
            self._microscope.hold(axis, number)
        return 0.0

    def _read(self, name: str) -> float:
        if name.lower() in SETPOINTS:
            return self._microscope.setpoint(SETPOINTS[name.lower()])
        if name.lower() in SENSORS:
            return self._microscope.sensor(SENSORS[name.lower()])
        return self._controller.get(name.lower(), math.nan)

    def _rename(self, name: str) -> None:
        self._microscope.values.set_text("BaseName", name)
        self._microscope.values["BaseSuffix"] = 0.0

    def _move_stage(self, button: str) -> None:
        if not button.startswith("MoveStage"):
            raise ValueError(f"the stage has no button {button!r}")

    def _scan(self, button: str) -> None:
        match button:
            case "DoScan" | "DownScan" | "UpScan":
                self._microscope.start_scan(upwards=button == "UpScan")
            case "StopScan":
                self._microscope.stop()
            case "StopEngageButton":
                self._microscope.withdraw()
            case _:
                raise ValueError(f"DoScanFunc knows no {button!r}")

    def _force(self, button: str) -> None:
        if button == "Single":
            self._microscope.force()
        elif button not in ("Go", "Reset"):
            raise ValueError(f"DoForceFunc knows no {button!r}")

    def _control(self, name: str, panel: str, number: float, text: str) -> None:
        if panel not in PANELS:
            raise ValueError(f"there is no panel {panel!r}")
        if name in WITHOUT_EFFECT:
            return
        button = self._buttons(panel, number).get(name)
        if button is not None:
            button()
        elif name == "ImagingModePopup_0":
            self._microscope.values.set_text("ImagingMode", text)
        elif fields := of_field(name):
            for field in fields:
                self._put(field, number)
        else:
            raise ValueError(f"the panel {panel} has no control {name!r}")

    def _buttons(self, panel: str, number: float) -> Mapping[str, Callable[[], None]]:
        microscope = self._microscope
        return {
            "DownScan_0": lambda: microscope.start_scan(upwards=False),
            "UpScan_0": lambda: microscope.start_scan(upwards=True),
            "StopScan_0": microscope.stop,
            "EnableStageCB_0": lambda: microscope.switch_stage(bool(number)),
            "MotorEngageButton_0": microscope.approach,
            "StartPIDSLoop2": microscope.engage,
            "DoTuneDFRT_3": microscope.tune,
            "DoTuneOnceButton": microscope.tune,
            "ARDoIVDoItButton_1": microscope.sweep,
            "SingleForce_0": microscope.force,
            "SingleForce_1": microscope.force,
            # the same button of another panel applies a bias
            "SingleForce_2": microscope.sweep if panel == "DARTSpectroscopy" else microscope.force,
        }


def _coerced(value: float) -> float:
    return value * 1.1 if value else 1e-3
