"""PyMeasure's SR830 against the emulated one: each of its calls, and whether the value was right.

Once over its own SerialAdapter, once over pyvisa-py where the port is a device.
"""

import json
import math
import sys
import time
from collections.abc import Callable
from typing import Any

import serial
from pymeasure.adapters import SerialAdapter
from pymeasure.instruments.srs import SR830

ADDRESS = json.loads(sys.argv[1])
# what the junction shows with the sine at 0.5 V over a divider of 100 and 1e8 V/A [V]
SIGNAL = 0.5 / 100 * 1e8 * ADDRESS["slope"]

# property, what is set, what must be read back
SETTINGS: list[tuple[str, Any]] = [
    ("sine_voltage", 0.5),
    ("frequency", 1234.5),
    ("phase", -12.5),
    ("sensitivity", 200e-3),
    ("time_constant", 10e-3),
    ("filter_slope", 12),
    ("filter_synchronous", True),
    ("harmonic", 2),
    ("input_config", "I (1 MOhm)"),
    ("input_grounding", "Ground"),
    ("input_coupling", "DC"),
    ("input_notch_config", "Both"),
    ("reference_source", "External"),
    ("reference_source_trigger", "NEG EDGE"),
    ("aux_out_1", 0.25),
    ("aux_out_4", -1.5),
    ("reserve", "Low Noise"),
    ("sample_frequency", 64),
    ("channel1", "R"),
    ("channel2", "Theta"),
]
BACK = {"harmonic": 1, "phase": 0.0, "filter_synchronous": False, "reference_source": "Internal"}


def report(call: str, right: bool, why: str = "") -> None:
    """Say what came of a call."""
    sys.stdout.write("\n" + json.dumps({"call": call, "right": bool(right), "why": why}) + "\n")
    sys.stdout.flush()


def check(call: str, run: Callable[[], Any], expected: Any, tolerance: float = 1e-4) -> None:
    """Run a call and compare what it returns."""
    try:
        got = run()
    except Exception as error:  # noqa: BLE001  whatever a client raises is its answer
        report(call, False, f"{type(error).__name__}: {error}")
        return
    report(call, same(got, expected, tolerance), f"{got!r}, expected {expected!r}")


def same(got: Any, expected: Any, tolerance: float) -> bool:
    """Compare numbers closely, lists by item, and everything else exactly."""
    if isinstance(expected, list | tuple):
        return len(got) == len(expected) and all(
            same(g, e, tolerance) for g, e in zip(got, expected, strict=True)
        )
    if isinstance(expected, float):
        return math.isclose(float(got), expected, rel_tol=tolerance, abs_tol=1e-6)
    return bool(got == expected)


def exercise(over: str, lock_in: Any) -> None:
    """Make every call of the driver that needs no data buffer."""

    def name(call: str) -> str:
        return f"{call} ({over})"

    def set_and_read(what: str, value: Any) -> Any:
        setattr(lock_in, what, value)
        return getattr(lock_in, what)

    def after(action: Callable[[], Any], read: Callable[[], Any]) -> Callable[[], Any]:
        def run() -> Any:
            action()
            return read()

        return run

    lock_in.reset()
    lock_in.write("OUTX 0")
    identity = "Stanford_Research_Systems,SR830,s/n00001,ver1.07"
    check(name("id"), lambda: lock_in.id, identity)
    for what, value in SETTINGS:
        check(name(what), lambda what=what, value=value: set_and_read(what, value), value)
    for what, value in BACK.items():
        setattr(lock_in, what, value)
    lock_in.ask("SNAP?1,2")
    time.sleep(0.1)  # the output settles
    check(name("x"), lambda: lock_in.x, SIGNAL)
    check(name("y"), lambda: lock_in.y, 0.0)
    check(name("magnitude"), lambda: lock_in.magnitude, SIGNAL)
    check(name("theta"), lambda: lock_in.theta, 0.0)
    check(name("xy"), lambda: lock_in.xy, [SIGNAL, 0.0])
    check(
        name("snap of six"),
        lambda: lock_in.snap("X", "Y", "R", "Theta", "Frequency", "CH1"),
        [SIGNAL, 0.0, SIGNAL, 0.0, 1234.5, SIGNAL],
    )
    check(name("aux_in_1"), lambda: lock_in.aux_in_1, 0.0)
    check(name("err_status"), lambda: int(lock_in.err_status), 0)
    check(name("lia_status"), after(lambda: lock_in.lia_status, lambda: lock_in.lia_status), 0)
    check(name("is_out_of_range"), lock_in.is_out_of_range, False)
    check(name("status"), lambda: int(lock_in.status) & 2, 2)
    check(name("clear"), after(lock_in.clear, lambda: int(lock_in.lia_status)), 0)

    def overloaded() -> int:
        lock_in.sensitivity = 1e-6
        _ = lock_in.x
        return int(lock_in.lia_status)

    check(name("lia_status of an overload"), overloaded, 4)
    check(
        name("quick_range"),
        after(lock_in.quick_range, lambda: lock_in.sensitivity >= SIGNAL),
        True,
    )
    lock_in.phase = 90.0
    time.sleep(0.1)
    check(name("auto_phase"), after(lock_in.auto_phase, lambda: round(lock_in.theta, 2)), 0.0)
    check(name("auto_gain"), after(lock_in.auto_gain, lambda: lock_in.x), SIGNAL)
    check(
        name("set_scaling"),
        after(lambda: lock_in.set_scaling("X", 50.0, 10), lambda: lock_in.get_scaling("X")),
        [50.0, 10],
    )
    check(
        name("auto_offset"),
        after(lambda: lock_in.auto_offset("X"), lambda: lock_in.output_conversion("X")(0.0)),
        SIGNAL,
        1e-2,
    )
    lock_in.save_setup(3)
    lock_in.frequency = 77.0
    check(
        name("load_setup"), after(lambda: lock_in.load_setup(3), lambda: lock_in.frequency), 1234.5
    )


def main() -> None:
    """Exercise the driver over each adapter."""
    port = ADDRESS["port"]
    line = serial.serial_for_url(port, 19200, timeout=2.0)
    adapter = SerialAdapter(line, write_termination="\r", read_termination="\r")
    exercise("SerialAdapter", SR830(adapter))
    line.close()
    if "://" not in port:
        lock_in = SR830(
            f"ASRL{port}::INSTR",
            visa_library="@py",
            write_termination="\r",
            read_termination="\r",
            baud_rate=19200,
            timeout=2000,
        )
        exercise("pyvisa-py", lock_in)
        lock_in.adapter.close()


main()
