"""Which calls set, start, stop and read what: Asylum's panels, as aespm and afspm use them."""

from math import degrees
from typing import NamedTuple

from spm_auto.instrument import AcquireForceCurve, Scan
from spm_auto.wire.igor import Call, control, gv, pv, status, td_read

from .triangle import Triangle

MASTER, MOTOR_PANEL, LOOPS, DART, TUNE = (
    "MasterPanel",
    "MasterMotorPanel",
    "PIDSLoopPanel",
    "DART",
    "TuneGraph",
)
MODES = {"pfm": "PFM Mode", "ac": "AC Mode"}
SPECTROSCOPY = {  # panel, button
    "dart": ("DARTSpectroscopy", "SingleForce_2"),
    "iv": ("ARDoIVPanel", "ARDoIVDoItButton_1"),
}
X_SETPOINT, Y_SETPOINT = "PIDSLoop.0.Setpoint", "PIDSLoop.1.Setpoint"
ONE_FRAME = SAVE_EACH = 2.0

STOP = control("StopScan_0", MASTER)
WITHDRAW = Call("DoScanFunc", ("StopEngageButton",))
UP = control("UpScan_0", MASTER)
ENGAGE = (control("StartPIDSLoop2", LOOPS),)
HOLD = (control("StartPIDSLoop0", LOOPS), control("StartPIDSLoop1", LOOPS))
APPROACH = (control("EnableStageCB_0", MOTOR_PANEL, 1), control("MotorEngageButton_0", MOTOR_PANEL))
TUNING = {"pfm": control("DoTuneDFRT_3", DART), "ac": control("DoTuneOnceButton", TUNE)}
PRESS = control("SingleForce_1", MASTER)
CANTILEVER = (gv("SpringConstant"), gv("InvOLS"))
SAVING = (pv("SaveImage", SAVE_EACH), pv("LastScan", ONE_FRAME))


class Setting(NamedTuple):
    """What is set, and as what it must read back.

    Attributes:
        call: Sets it.
        name: Of the global value.
        value: Asked for.
    """

    call: Call
    name: str
    value: float

    @property
    def question(self) -> Call:
        """Reads it back."""
        return gv(self.name)


def named(base: str) -> Call:
    """Let the next files have a name."""
    return Call("ChangeName", (base,))


def mode(name: str) -> Call:
    """Choose the imaging mode."""
    return control("ImagingModePopup_0", MASTER, 0, MODES[name])


def where(x_sensor: str, y_sensor: str, bias: str) -> tuple[Call, ...]:
    """Ask where the tip is: sensors, sensitivities, zeros, bias, what goes on."""
    calibration = ("XLVDTSens", "YLVDTSens", "XLVDTOffset", "YLVDTOffset")
    return td_read(x_sensor), td_read(y_sensor), *map(gv, calibration), gv(bias), status()


def frame_settings(scan: Scan, is_clockwise: bool) -> tuple[Setting, ...]:
    """Return what makes the next scan the one that is asked for."""
    frame = scan.frame
    size = max(frame.size)
    values = {
        "ScanSize": size,
        "FastRatio": frame.size[0] / size,
        "SlowRatio": frame.size[1] / size,
        "ScanPoints": frame.pixels[0],
        "ScanLines": frame.pixels[1],
        "ScanRate": scan.line_rate,
        "XOffset": frame.center[0],
        "YOffset": frame.center[1],
        "ScanAngle": -degrees(frame.angle) if is_clockwise else degrees(frame.angle),
    }
    return tuple(Setting(pv(name, value), name, value) for name, value in values.items())


def sweep_settings(triangle: Triangle, panel: str) -> tuple[Setting, ...]:
    """Return what makes the next spectrum the one that is asked for."""
    fields = (
        ("ARDoIVAmp", "ARDoIVAmpSetVar_1", triangle.amplitude),
        ("ARDoIVFrequency", "ARDoIVFrequencySetVar_1", triangle.frequency),
        ("ARDoIVCycles", "ARDoIVCyclesSetVar_1", triangle.cycles),
        ("ARDoIVArg2", "ARDoIVArg2SetVar_1", triangle.phase),
        ("NumPtsPerSec", "NumPtsPerSecSetVar_2", triangle.rate),
    )
    return tuple(Setting(control(field, panel, v), name, v) for name, field, v in fields)


def force_settings(curve: AcquireForceCurve, volts: float) -> tuple[Setting, ...]:
    """Return what makes the next force curve the one that is asked for.

    Args:
        curve: Asked for.
        volts: Deflection at which the tip turns back [V].
    """
    values = {
        "ForceDist": curve.distance,
        "ForceScanRate": curve.rate,
        "NumPtsPerSec": 2 * curve.points * curve.rate,
    }
    trigger = Setting(control("TriggerPointSetVar_1", MASTER, volts), "TriggerPoint", volts)
    return (*(Setting(pv(name, v), name, v) for name, v in values.items()), trigger)
