"""RHK R9: the words of its TCP interface, for whoever speaks them and whoever answers.

A request is one line of text: a verb, names and perhaps a value, after a comma and a blank each.
The answer is a short text without an end: ``Done``, or a value, or whatever the program has to say.
A procedure is answered twice, when it was started and, unasked, when it has ended. All values are
in SI units, angles in degrees.

Source:
    Public clients of the R9 (pyxm, rhk-r9 scripts of several groups); there is no public manual.
"""

from dataclasses import dataclass
from math import isfinite

PORT = 12600
DONE = "Done"
END = b"\n"
LONGEST = 1024  # bytes of a line; the clients read no more

# how many names a parameter of each level has; None where a verb is used with two and with three
_LEVELS = {"SWParameter": 2, "SWSubItemParameter": 3, "HWParameter": 2, "HWSubParameter": None}

UNLIMIT, FREEZE, RETRACT = "Unlimit", "Freeze", "Retract"  # of the tip control
SINGLE = "Single"  # of the scan count mode
TOP_DOWN = "Top Down Only"  # of the slow scan
STEP_IN = "Pan Single Step In"
STEP_OUT = "Pan Single Step Out"
MOVE_TIP = "Move Tip"
IMAGE_SCAN = "Image Scan"
SPECTROSCOPY = "dI-dV Spectroscopy"
HEIGHT_SIGNAL = "z0-src"


@dataclass(frozen=True, slots=True)
class Parameter:
    """Something that is read and set.

    Attributes:
        level: What kind of parameter it is, as the verbs end.
        path: Its names, from the window or the unit down.
    """

    level: str
    path: tuple[str, ...]

    def get(self) -> str:
        """Return the request that reads it."""
        return ", ".join((f"Get{self.level}", *self.path))

    def set(self, value: float | str) -> str:
        """Return the request that sets it."""
        return ", ".join((f"Set{self.level}", *self.path, as_text(value)))


@dataclass(frozen=True, slots=True)
class Request:
    """What a line asks for.

    Attributes:
        verb: "Get", "Set", or the word itself for procedures and channels.
        parameter: What is read or set; None for procedures and channels.
        value: What it is set to, or the name of the procedure or channel.
    """

    verb: str
    parameter: Parameter | None
    value: str


BIAS = Parameter("SWParameter", ("STM Bias", "Value"))
SETPOINT = Parameter("SWParameter", ("STM Set Point", "Value"))
SCAN_WINDOW = "Scan Area Window"
SPECTRA_WINDOW = "dI/dV Spectroscopy"
CONTROLLER = "Z PI Controller 1"


def scan_area(item: str) -> Parameter:
    """Return a parameter of the scan area, such as ``X Offset`` or ``Line Time``."""
    return Parameter("SWParameter", (SCAN_WINDOW, item))


def scan_setting(item: str) -> Parameter:
    """Return one of the scan's settings, such as ``Lines Per Frame``."""
    return Parameter("SWSubItemParameter", (SCAN_WINDOW, "Scan Settings", item))


def saving(item: str, window: str = SCAN_WINDOW) -> Parameter:
    """Return what says where a window saves, such as ``File Name`` or ``Save Path``."""
    return Parameter("SWSubItemParameter", (window, "MeasureSave", item))


def controller(item: str, unit: str = CONTROLLER) -> Parameter:
    """Return a value of the z controller, such as ``Set Point`` or ``Upper Bound``."""
    return Parameter("HWSubParameter", (unit, item, "Value"))


def tip_control(unit: str = CONTROLLER) -> Parameter:
    """Return what says whether the tip is held, regulated or withdrawn."""
    return Parameter("HWParameter", (unit, "Tip Control"))


X_OFFSET, Y_OFFSET = scan_area("X Offset"), scan_area("Y Offset")
SIZE, ANGLE = scan_area("Scan Area Size"), scan_area("Rotate Angle")
LINE_TIME = scan_area("Line Time")
TIP_X, TIP_Y = scan_area("Tip X in scan coordinates"), scan_area("Tip Y in scan coordinates")
LINES, OVERSCAN = scan_setting("Lines Per Frame"), scan_setting("Over Scan Count")
COUNT_MODE, SLOW_SCAN = scan_setting("Scan Count Mode"), scan_setting("Alternate Slow Scan")


def start(procedure: str) -> str:
    """Return the request that starts a procedure."""
    return f"StartProcedure, {procedure}"


def stop(procedure: str) -> str:
    """Return the request that stops a procedure."""
    return f"StopProcedure, {procedure}"


def channel(name: str) -> str:
    """Return the request that reads a channel."""
    return f"ReadChannelValue, {name}"


def as_text(value: float | str) -> str:
    """Write a value so that it is read back as the same.

    Raises:
        ValueError: It is no finite number, or a text that would end the line or a field.
    """
    if isinstance(value, str):
        if "\n" in value or "\r" in value or "," in value:
            raise ValueError(f"a text with a comma or a line end cannot be sent, got {value!r}")
        return value
    if not isfinite(value):
        raise ValueError(f"only finite numbers can be sent, got {value}")
    return str(value) if isinstance(value, int) else repr(float(value))


def encode(request: str) -> bytes:
    """Return the bytes of a request, with its end."""
    return request.encode("utf-8") + END


def decode(answer: bytes) -> str:
    """Return an answer as text, whether it has an end or not; what is no text is replaced."""
    return answer.decode("utf-8", "replace").strip("\r\n\0 ")


def number(answer: str) -> float:
    """Read an answer as a number.

    Raises:
        ValueError: It is none, or not finite.
    """
    value = float(answer)
    if not isfinite(value):
        raise ValueError(f"{answer!r} is no finite number")
    return value


def parse(line: str) -> Request:
    """Read a request, as the program does.

    Raises:
        ValueError: It is none; the message says why.
    """
    verb, *fields = (field.strip() for field in line.split(","))
    if verb in ("StartProcedure", "StopProcedure", "ReadChannelValue"):
        if not fields or not fields[0]:
            raise ValueError(f"{verb} needs a name")
        return Request(verb, None, ", ".join(fields))
    level = verb[3:]
    if verb[:3] not in ("Get", "Set") or level not in _LEVELS:
        raise ValueError(f"the word {verb!r} is not known")
    names = _LEVELS[level]
    if verb.startswith("Get"):
        if names is not None and len(fields) != names:
            raise ValueError(f"{verb} needs {names} names, got {len(fields)}")
        return Request("Get", Parameter(level, tuple(fields)), "")
    names = len(fields) - 1 if names is None else names
    if names < 1 or len(fields) <= names:
        raise ValueError(f"{verb} needs names and a value, got {len(fields)} fields")
    return Request("Set", Parameter(level, tuple(fields[:names])), ", ".join(fields[names:]))
