"""Commands that move the probe in the plane, and the coarse motors."""

from collections.abc import Callable

from spm_auto.errors import InstrumentError, Unsupported
from spm_auto.wire.nanonis import Values

from .desk import Desk
from .z_loop import SAME

MOTION = "a motion"
MOVE = "FolMe.XYPosSet"
AXES = "xyz"
UP, DOWN = 4, 5  # directions of the coarse motor
SAMPLES_PER_SECOND = 50.0
POINT_AND_SHOOT = ("Bias Spectroscopy", "Z Spectroscopy")


class MotionCommands:
    """The follow-me module and the motor module."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._steps = [0, 0, 0]
        self._drives = {axis: {"freq": 1000.0, "amp": 100.0} for axis in (1, 2, 3)}
        self._oversampling, self._experiment = 10, 0

    def commands(self) -> dict[str, Callable[[Values], Values | None]]:
        """Return who answers what."""
        return {
            MOVE: self._move,
            "FolMe.XYPosGet": self._position,
            "Scan.XYPosGet": self._position,
            "FolMe.OversamplSet": self._set_oversampling,
            "FolMe.OversamplGet": self._get_oversampling,
            "FolMe.Stop": self._stop,
            "FolMe.PSExpGet": lambda _: {"exp": self._experiment, "list": POINT_AND_SHOOT},
            "FolMe.PSExpSet": self._set_experiment,
            "TipRec.BufferClear": lambda _: None,
            "Motor.StartMove": self._step,
            "Motor.StartClosedLoop": self._no_sensor,
            "Motor.PosGet": self._no_sensor,
            "Motor.StopMove": lambda _: None,
            "Motor.StepCounterGet": self._counters,
            "Motor.FreqAmpGet": lambda v: dict(self._drives[_axes(v)[0]]),
            "Motor.FreqAmpSet": self._set_drive,
        }

    def _move(self, values: Values) -> None:
        desk, x, y = self._desk, values["x"], values["y"]
        desk.reach.check_point(x, y)
        if desk.stick(MOVE):
            if values.get("wait", 1):
                desk.wait_stuck(MOVE)
            return
        desk.require_loop(MOTION)
        if values.get("wait", 1):
            desk.move(x, y)
        elif desk.station.is_busy:
            raise InstrumentError("a scan, a sweep or a motion is still going on")
        else:
            desk.jobs.start(MOTION, lambda: desk.move(x, y))

    def _position(self, _: Values) -> Values:
        x, y = self._desk.station.position
        return {"x": x, "y": y}

    def _stop(self, _: Values) -> None:
        self._desk.release(MOVE)
        if self._desk.jobs.is_running(MOTION) or self._is_moving:
            self._desk.station.halt()

    @property
    def _is_moving(self) -> bool:
        station = self._desk.station
        scans = station.picture is not None and station.picture.is_running
        return station.is_busy and not scans

    def _set_oversampling(self, values: Values) -> None:
        if values["oversampling"] < 1:
            raise ValueError(f"the oversampling is at least 1, got {values['oversampling']}")
        self._oversampling = values["oversampling"]

    def _get_oversampling(self, _: Values) -> Values:
        rate = 10 * SAMPLES_PER_SECOND / self._oversampling
        return {"oversampling": self._oversampling, "rate": rate}

    def _set_experiment(self, values: Values) -> None:
        if values["exp"] >= len(POINT_AND_SHOOT):
            raise ValueError(f"there are {len(POINT_AND_SHOOT)} experiments, got {values['exp']}")
        self._experiment = values["exp"]

    def _step(self, values: Values) -> None:
        direction, steps, z = values["direction"], values["steps"], self._desk.z
        if not 0 <= direction <= DOWN:
            raise ValueError(f"a direction is 0 to {DOWN}, got {direction}")
        is_leaving = direction == UP and z.lift > SAME  # the last resort of a tip that is stuck
        if (self._desk.station.is_engaged and not is_leaving) or z.is_on:
            raise InstrumentError("the coarse motor moves with the tip withdrawn only")
        if direction == DOWN and steps > z.gap:
            raise InstrumentError(
                f"{steps} steps down would drive the tip into the sample, which is {z.gap} steps "
                "below the reach of the piezo"
            )
        axis, sign = direction // 2, 1 - 2 * (direction % 2)
        self._steps[axis] += sign * steps
        if axis == UP // 2:
            z.gap += sign * steps

    def _counters(self, values: Values) -> Values:
        counted = dict(zip(AXES, self._steps, strict=True))
        for number, axis in enumerate(AXES):
            if values.get(f"reset_{axis}", 0):
                self._steps[number] = 0
        return counted

    def _no_sensor(self, _: Values) -> None:
        raise Unsupported("the simulated coarse motor has no position sensor")

    def _set_drive(self, values: Values) -> None:
        for name in ("freq", "amp"):
            if not 0 < values[name] < 1e6:
                raise ValueError(f"{name} of a motor must be positive, got {values[name]}")
        for number in _axes(values):
            self._drives[number] = {"freq": values["freq"], "amp": values["amp"]}


def _axes(values: Values) -> tuple[int, ...]:
    """Return the axes of a request; 0 stands for all, and the first of them."""
    axis = values.get("axis", 0)
    if not 0 <= axis <= len(AXES):
        raise ValueError(f"an axis is 0 to {len(AXES)}, got {axis}")
    return (axis,) if axis else (1, 2, 3)
