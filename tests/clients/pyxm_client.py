"""pyxm's STM class against the emulated R9: each of its calls, and whether the value arrived."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

try:
    from core.vector2 import Vector2
    from lib.stm import STM
except ImportError as missing:
    sys.stdout.write(json.dumps({"call": "import", "right": False, "why": str(missing)}))
    sys.exit(0)

ADDRESS = json.loads(sys.argv[1])
AREA = "GetSWParameter, Scan Area Window, "
SETTINGS = "GetSWSubItemParameter, Scan Area Window, Scan Settings, "


def report(call: str, right: bool, why: str = "") -> None:
    """Say what came of a call."""
    sys.stdout.write("\n" + json.dumps({"call": call, "right": right, "why": why}) + "\n")
    sys.stdout.flush()


def check(call: str, run: Callable[[], object], *read: tuple[str, float]) -> None:
    """Run a call that must be answered with Done, and read back what it set."""
    try:
        said = run()
        wrong = [] if said in ("Done", None) else [f"answered {said!r}"]
        for request, expected in read:
            got = STM_.send(request + "\n", float)
            if abs(got - expected) > 1e-9 * abs(expected):
                wrong.append(f"{request} is {got!r}, not {expected!r}")
    except (OSError, ValueError) as error:
        wrong = [repr(error)]
    report(call, not wrong, "; ".join(wrong))


STM_ = STM(ADDRESS["host"], ADDRESS["port"])

check("set_bias", lambda: STM_.set_bias(0.25), ("GetSWParameter, STM Bias, Value", 0.25))
check(
    "set_setpoint",
    lambda: STM_.set_setpoint(8e-11),
    ("GetSWParameter, STM Set Point, Value", 8e-11),
    ("GetHWSubParameter, Z PI Controller 1, Set Point, Value", 8e-11),
)
check("set_bias (negative)", lambda: STM_.set_bias(-0.3),
      ("GetSWParameter, STM Set Point, Value", -8e-11))  # fmt: skip
check("set_scan_size", lambda: STM_.set_scan_size(2e-8), (AREA + "Scan Area Size", 2e-8))
check(
    "set_scan_pos",
    lambda: STM_.set_scan_pos(Vector2(3e-9, -4e-9)),
    (AREA + "X Offset", 3e-9),
    (AREA + "Y Offset", -4e-9),
)
check("set_line_time", lambda: STM_.set_line_time(0.01), (AREA + "Line Time", 0.01))
check(
    "set_lines_per_frame",
    lambda: STM_.set_lines_per_frame(16),
    (SETTINGS + "Lines Per Frame", 16),
)
check("set_scan_count", lambda: STM_.set_scan_count(1), (SETTINGS + "Scan Count", 1))
report("peek", STM_.peek() is True)

path = STM_.get_save_path()
report("get_save_path", path == os.path.normpath(ADDRESS["save_path"]), path)

STM_.send("SetHWParameter, Z PI Controller 1, Tip Control, Unlimit\n")
for line in ("Enable, 1", "File Name, pyxm"):
    STM_.send(f"SetSWSubItemParameter, Scan Area Window, MeasureSave, {line}\n")
STM_.send("SetSWSubItemParameter, Scan Area Window, Scan Settings, Lines Per Frame, 16\n")
end = time.monotonic() + 20
while STM_.send("ReadChannelValue, z0-src\n", float) > 0.9e-6 and time.monotonic() < end:
    pass
STM_.start_procedure("Image Scan")
while not (saved := [f.name for f in Path(path).glob("pyxm_*")]):
    if time.monotonic() > end:
        break
report("start_procedure", len(saved) == 1, f"saved {saved}")
