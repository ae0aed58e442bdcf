"""The official packages (nanosurf and nanosurf-core 2.0.7) against an emulated Studio.

Runs in an environment of its own: the package writes what it knows of the tree into its own folder.
"""

import contextlib
import io
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ADDRESS = json.loads(sys.argv[1])
HOST, PORT, SESSION = ADDRESS["host"], ADDRESS["port"], ADDRESS["session"]


def say(call: str, right: bool, why: str = "") -> None:
    """Print what came of a call."""
    line = {"call": call, "right": bool(right), "why": "" if right else why}
    sys.__stdout__.write(json.dumps(line) + "\n")
    sys.__stdout__.flush()


def attempt(call: str, run: Callable[[], Any], expected: Any) -> Any:
    """Make a call and hold what it gives against what is right."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            found = run()
    except Exception as error:  # noqa: BLE001  whatever a client does is told
        say(call, False, f"{type(error).__name__}: {error}")
        return None
    right = expected(found) if callable(expected) else found == expected
    say(call, right, f"got {found!r}, expected {expected!r}")
    return found


def near(value: float) -> Callable[[Any], bool]:
    """Return whether something is this number."""
    return lambda found: isinstance(found, float) and math.isclose(found, value, rel_tol=1e-9)


def setting(owner: Any, name: str, value: Any) -> Callable[[], Any]:
    """Return a call that sets a property and reads it again."""

    def run() -> Any:
        setattr(owner, name, value)
        return getattr(owner, name)

    return run


def raised(run: Callable[[], Any]) -> Callable[[], str]:
    """Return a call that gives the text of the error which another one raises."""
    from nanosurf.studio import StudioScriptError

    def text() -> str:
        try:
            run()
        except StudioScriptError as error:
            return str(error)
        return "no error"

    return text


def contexts() -> None:
    """The older way: a context compiles the tree itself."""
    from nanosurf.studio import ScriptContext, StudioScriptContext

    main = StudioScriptContext()
    attempt(
        "StudioScriptContext.connect(Main)",
        lambda: main.connect("", ScriptContext.Main, HOST, PORT),
        True,
    )
    attempt("session.list()", lambda: main.root.session.list(), [SESSION])
    spm = StudioScriptContext()
    attempt(
        "StudioScriptContext.connect(SPM)",
        lambda: spm.connect(SESSION, ScriptContext.SPM, HOST, PORT),
        True,
    )
    imaging = "root.workflow.imaging"
    attempt("get(value)", lambda: spm.get(f"{imaging}.line_rate.value"), near(1.0))
    attempt("set(value)", lambda: spm.set(f"{imaging}.line_rate.value", 2.5), True)
    attempt("get after set", lambda: spm.get(f"{imaging}.line_rate.value"), near(2.5))
    attempt("call(value_get)", lambda: spm.call(f"{imaging}.line_rate.value_get"), near(2.5))
    attempt("tree.line_rate.value", lambda: spm.root.workflow.imaging.line_rate.value, near(2.5))
    attempt("tree.line_rate.unit", lambda: spm.root.workflow.imaging.line_rate.unit, "Hz")

    def through_tree() -> int:
        spm.root.workflow.imaging.points_per_line.value = 64
        return int(spm.root.workflow.imaging.points_per_line.value)

    attempt("tree.points_per_line.value = 64", through_tree, 64)
    attempt(
        "tree.scan_mode.value (a choice)",
        lambda: spm.root.workflow.imaging.scan_mode.value.name.lower(),
        "single_frame",
    )
    attempt(
        "call of what is not there",
        raised(lambda: spm.call("root.workflow.nothing")),
        lambda text: "attempt to call a nil value" in text,
    )
    attempt(
        "set out of range",
        raised(lambda: spm.set(f"{imaging}.line_rate.value", -1.0)),
        lambda text: "out of range" in text,
    )
    attempt(
        "not of the language",
        raised(lambda: spm.get("os.getenv('HOME')")),
        lambda text: "nil value" in text,
    )
    attempt(
        "an unknown session",
        raised(lambda: spm.call("root.session.select", "nobody", 1)),
        lambda text: "not found" in text,
    )


def application() -> None:
    """The way of now: the measurement session, as the examples of the package use it."""
    from nanosurf.studio import Studio

    studio = Studio(HOST, PORT)
    session = attempt(
        "Studio.select_measurement_session()", studio.select_measurement_session, bool
    )
    attempt("Studio.version()", studio.version, (18, 14))
    if session is None:
        return
    work = session.workflow
    attempt("device.controller.name", lambda: work.device.controller.name, "emulated controller")
    imaging, storage = work.imaging, work.data.storage
    for name, value in (
        ("scan_range_fast_axis", 2e-7),
        ("scan_range_slow_axis", 1e-7),
        ("line_rate", 100.0),
        ("rotation", 30.0),
        ("frame_center_offset_x", 1e-8),
        ("frame_center_offset_y", -2e-8),
    ):
        attempt(f"imaging.{name}", setting(imaging, name, value), near(value))
    attempt("imaging.points_per_line", setting(imaging, "points_per_line", 24), 24)
    attempt("imaging.lines_per_frame", setting(imaging, "lines_per_frame", 16), 16)
    single = imaging.scan_mode_enum.single_frame
    attempt("imaging.scan_mode", setting(imaging, "scan_mode", single), single)
    attempt("imaging.line_rate_unit", lambda: imaging.line_rate_unit, "Hz")
    attempt(
        "imaging.scan_range_fast_axis_max", lambda: imaging.scan_range_fast_axis_max, near(2e-6)
    )
    attempt("imaging.scan_range_fast_axis_units", lambda: imaging.scan_range_fast_axis_units, ["m"])
    attempt("z_control.setpoint_unit", lambda: work.z_control.setpoint_unit, "N")
    attempt(
        "imaging.acquire() before the approach",
        raised(imaging.acquire),
        lambda text: "not approached" in text,
    )
    attempt("approach.approach()", lambda: work.approach.approach()["message"], "approached")
    attempt(
        "z_control.actual_feedback_value",
        lambda: work.z_control.actual_feedback_value == work.z_control.setpoint,
        True,
    )
    attempt("storage.file_basename", setting(storage, "file_basename", "theirs"), "theirs")
    attempt("imaging.acquire()", lambda: imaging.acquire()["message"], "finished")
    image()
    attempt("imaging.start()", lambda: imaging.start()["message"], "imaging started")
    attempt("imaging.stop()", lambda: imaging.stop()["message"], "imaging stopped")
    axes = work.axis_manager
    attempt("axis_manager.offset_x_target", setting(axes, "offset_x_target", 5e-8), near(5e-8))
    attempt("axis_manager.offset_y_target", setting(axes, "offset_y_target", 2e-8), near(2e-8))
    attempt("axis_manager.move_to_xy_target()", axes.move_to_xy_target, None)
    attempt("axis_manager.offset_x", lambda: axes.offset_x, near(5e-8))
    attempt("axis_manager.offset_y", lambda: axes.offset_y, near(2e-8))
    spectroscopy(work)
    attempt("nec.tip_voltage", lambda: work.nec.tip_voltage, near(0.1))
    attempt("approach.withdraw()", lambda: work.approach.withdraw()["message"], "withdrawn")


def spectroscopy(work: Any) -> None:
    """Select a cycle and run it on a grid."""
    spectra = work.spectroscopy
    attempt("spectroscopy.cycle_count()", spectra.cycle_count, 3)
    attempt("spectroscopy.select_cycle(0)", lambda: spectra.select_cycle(0), None)
    attempt("spectroscopy.selected_cycle", lambda: spectra.selected_cycle, 0)
    attempt("spectroscopy.grid_columns", setting(spectra, "grid_columns", 2), 2)
    attempt("spectroscopy.grid_rows", setting(spectra, "grid_rows", 1), 1)
    work.data.storage.file_basename = "spectra"
    attempt("spectroscopy.acquire()", lambda: spectra.acquire()["message"], "finished")
    from nanosurf.utils.io.nhf_reader import NHFFileReader

    def read() -> list[float]:
        with NHFFileReader(newest("spectra")) as reader:
            measurement = reader.measurements[0]
            segment = measurement.segments[0]
            data = segment.read_channel("Tip Voltage").dataset
            return [float(data[0]), float(data[15]), float(len(data))]

    attempt(
        "NHFFileReader: tip voltage of the first segment",
        read,
        lambda found: (
            abs(found[0]) < 1e-6 and abs(found[1] - 8.5 * 15 / 16) < 1e-6 and found[2] == 32
        ),
    )


def newest(name: str) -> str:
    """Return the file of a name."""
    (path,) = Path(ADDRESS["data_folder"]).glob(f"{name}*.nhf")
    return str(path)


def image() -> None:
    """Read the file of the image with the package's own reader."""
    from nanosurf.utils.io.nhf_reader import NHFFileReader

    def read() -> list[float]:
        with NHFFileReader(newest("theirs")) as reader:
            measurement = reader.measurements[0]
            forward = next(s for s in measurement.segments if s.name == "Forward")
            channel = forward.read_channel("Topography", as_matrix=True)
            data = channel.dataset
            size = (forward.dataset_size_x, forward.dataset_size_y)
            return [*map(float, size), float(data[-1, 0]), float(data[0, -1]), channel.unit]

    low, high = ADDRESS["corners"]
    attempt(
        "NHFFileReader: size and corners of the image",
        read,
        lambda found: (
            found[:2] == [24, 16]
            and abs(found[2] - low) < 1e-15
            and abs(found[3] - high) < 1e-15
            and found[4] == "m"
        ),
    )


contexts()
application()
