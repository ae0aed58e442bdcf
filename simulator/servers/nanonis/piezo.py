"""Commands of the piezos: range, sensitivity and drift compensation."""

from collections.abc import Callable

import numpy as np

from spm_auto.errors import Unsupported
from spm_auto.wire.nanonis import Values

from .desk import Desk

VOLTS = 20.0  # from end to end, before the amplifier
GAIN = 1.0


class PiezoCommands:
    """What the scanner is, and how it follows the sample."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._drift = {"on": 0, "vx": 0.0, "vy": 0.0, "vz": 0.0, "sat_limit": 10.0}

    def commands(self) -> dict[str, Callable[[Values], Values | None]]:
        """Return who answers what."""
        return {
            "Piezo.RangeGet": lambda _: self._ranges(1.0),
            "Piezo.RangeSet": lambda v: self._same(v, 1.0),
            "Piezo.SensGet": lambda _: self._ranges(1 / VOLTS),
            "Piezo.SensSet": lambda v: self._same(v, 1 / VOLTS),
            "Piezo.CalibrGet": lambda _: self._ranges(1 / VOLTS / GAIN),
            "Piezo.HVAInfoGet": lambda _: {
                **dict.fromkeys(("aux", "x", "y", "z"), GAIN),
                **{"xy_on": 1, "z_on": 1, "aux_on": 0},
            },
            "Piezo.HVAStatusLEDGet": lambda _: dict.fromkeys(
                ("overheated", "hv_supply", "high_temp", "connector"), 0
            ),
            "Piezo.DriftCompSet": self._follow,
            "Piezo.DriftCompGet": lambda _: {
                **self._drift,
                **dict.fromkeys(("x_sat", "y_sat", "z_sat"), 0),
            },
        }

    def _ranges(self, factor: float) -> Values:
        x, y = self._desk.ranges
        return {"x": factor * x, "y": factor * y, "z": factor * self._desk.z_range}

    def _same(self, values: Values, factor: float) -> None:
        for axis, has in self._ranges(factor).items():
            if not np.isclose(values[axis], has, rtol=1e-6):
                raise Unsupported(f"the range of the simulated scanner is fixed: {axis} {has:g}")

    def _follow(self, values: Values) -> None:
        new = dict(self._drift)
        for name in ("vx", "vy", "vz", "sat_limit"):
            if name in values and np.isfinite(values[name]):
                new[name] = values[name]
        if new["vz"] != 0:
            raise Unsupported("the simulated microscope follows a drift in x and y only")
        state = values.get("state", values.get("on", 0))
        if "on" in values:  # old releases
            new["on"] = int(bool(state))
        elif state:
            new["on"] = int(state == 1)
        moving = (new["vx"], new["vy"]) if new["on"] else (0.0, 0.0)
        if moving != self._desk.station.drift:
            self._desk.station.follow(moving)
        self._drift = new
