"""The probe as something that moves: along x, along y, and to a point at once."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import LimitExceeded
from ..instrument import Limits, PositionProbe
from ..script import Quantity, Run
from ..units import quantity
from .status import Status, Worker

Now = Callable[[], float]
Reading = dict[str, Any]


class Place:
    """Where the probe was sent last, which both axes share; and what sends it.

    Args:
        run: The run that the instrument belongs to.
        worker: Its instrument thread.
        now: Time of day [s since 1970, UTC].

    Attributes:
        run: As given.
        worker: As given.
        now: As given.
        target: Where the probe was sent last (x, y) [m]; it begins where the probe stands.
    """

    def __init__(self, run: Run, worker: Worker, now: Now = time.time) -> None:
        self.run, self.worker, self.now = run, worker, now
        self.target = self.position

    @property
    def position(self) -> tuple[float, float]:
        """Where the probe stands, read back [m]."""
        return self.run.runner.instrument.status().position

    @property
    def limits(self) -> Limits:
        """What the laboratory allows."""
        guard = self.run.runner.guard
        if guard is not None:
            return guard.limits
        return Limits().within(self.run.runner.instrument.capabilities)

    def go(self, x: float, y: float) -> Status:
        """Send the probe to a point [m], guarded and recorded."""
        self.target = (x, y)
        return self.worker.submit(lambda: self.run.runner.perform(PositionProbe(x, y)))


class Device:
    """What all devices of a microscope have in common.

    Args:
        name: Its name, from which those of its data are made.
        place: Where the probe is.

    Attributes:
        name: As given.
        parent: None: it can be used alone.
    """

    parent = None

    def __init__(self, name: str, place: Place) -> None:
        self.name = name
        self._place = place

    def stop(self, success: bool = True) -> None:
        """End what goes on; it may be done again, and the run goes on.

        Args:
            success: Whether that was planned, so that it counts as a success.
        """
        self._place.worker.halt(success, "stop" if success else "stop: something went wrong")

    def pause(self) -> None:
        """End what goes on; the RunEngine does it again when the plan goes on."""
        self._place.worker.halt(True, "pause of the plan")

    def resume(self) -> None:
        """Go on: there is nothing to be done."""

    def read_configuration(self) -> dict[str, Reading]:
        """Return what does not change from point to point."""
        return {}

    def describe_configuration(self) -> dict[str, Mapping[str, Any]]:
        """Say what `read_configuration` returns."""
        return {}

    def _readings(self, values: Mapping[str, Any], when: float | None = None) -> dict[str, Reading]:
        time = self._place.now() if when is None else when
        return {name: {"value": value, "timestamp": time} for name, value in values.items()}

    def _number(self, quantity: str, unit: str) -> dict[str, Any]:
        """Describe a number; its source is the instrument, by name."""
        source = f"{self._place.run.runner.instrument.capabilities.name}: {quantity}"
        key: dict[str, Any] = {"source": source, "dtype": "number", "shape": []}
        return {**key, "dtype_numpy": "<f8", "units": unit}


class Axis(Device):
    """The probe along x or y. It moves at once, the other coordinate staying where it was sent.

    Args:
        name: Its name.
        place: Where the probe is.
        index: 0 for x, 1 for y.
    """

    def __init__(self, name: str, place: Place, index: int) -> None:
        super().__init__(name, place)
        self._index = index

    @property
    def hints(self) -> dict[str, Any]:
        """What is worth a look: where the probe stands."""
        return {"fields": [self.name]}

    @property
    def limits(self) -> tuple[float, float]:
        """Between which positions it may stand [m]."""
        limits = self._place.limits
        return limits.y if self._index else limits.x

    @property
    def position(self) -> float:
        """Where it stands, read back [m]."""
        return self._place.position[self._index]

    def check_value(self, value: Quantity) -> None:
        """Refuse a position that is out of reach or not allowed; nothing moves.

        Args:
            value: The position [m], or text with a unit.

        Raises:
            LimitExceeded: It is.
        """
        low, high = self.limits
        asked = quantity(value, "m")
        if not low <= asked <= high:
            raise LimitExceeded("xy"[self._index], asked, (low, high), "m")

    def set(self, value: Quantity) -> Status:
        """Move to a position [m], or text with a unit; the guard may refuse it."""
        target = [*self._place.target]
        target[self._index] = quantity(value, "m")
        return self._place.go(*target)

    def locate(self) -> dict[str, float]:
        """Return where it was sent and where it is [m]."""
        return {"setpoint": self._place.target[self._index], "readback": self.position}

    def read(self) -> dict[str, Reading]:
        """Return where it is, and where it was sent [m]."""
        return self._readings(
            {self.name: self.position, f"{self.name}_setpoint": self._place.target[self._index]}
        )

    def describe(self) -> dict[str, Mapping[str, Any]]:
        """Say what `read` returns."""
        axis, (low, high) = "xy"[self._index], self.limits
        control = {"limits": {"control": {"low": low, "high": high}}}
        return {
            self.name: self._number(f"{axis} read back", "m"),
            f"{self.name}_setpoint": self._number(axis, "m") | control,
        }


class Probe(Device):
    """The probe as a whole: it is sent to a point (x, y) in one movement."""

    @property
    def hints(self) -> dict[str, Any]:
        """What is worth a look: where the probe stands."""
        return {"fields": [f"{self.name}_x", f"{self.name}_y"]}

    def check_value(self, value: tuple[Quantity, Quantity]) -> None:
        """Refuse a point that is out of reach or not allowed; nothing moves.

        Args:
            value: The point (x, y) [m], or texts with units.

        Raises:
            LimitExceeded: It is.
        """
        x, y = value
        self._place.limits.check_point(quantity(x, "m"), quantity(y, "m"))

    def set(self, value: tuple[Quantity, Quantity]) -> Status:
        """Move to a point (x, y) [m], or texts with units; the guard may refuse it."""
        x, y = value
        return self._place.go(quantity(x, "m"), quantity(y, "m"))

    def locate(self) -> dict[str, tuple[float, float]]:
        """Return where it was sent and where it is [m]."""
        return {"setpoint": self._place.target, "readback": self._place.position}

    def read(self) -> dict[str, Reading]:
        """Return where it is [m]."""
        x, y = self._place.position
        return self._readings({f"{self.name}_x": x, f"{self.name}_y": y})

    def describe(self) -> dict[str, Mapping[str, Any]]:
        """Say what `read` returns."""
        return {f"{self.name}_{axis}": self._number(f"{axis} read back", "m") for axis in "xy"}
