"""Commands of the bias source, the current amplifier and the tip shaper."""

from collections.abc import Callable

from spm_auto.errors import Unsupported
from spm_auto.wire.nanonis import Values

from .desk import Desk, seconds

PULSE, SHAPING = "a bias pulse", "the tip shaper"


class BiasCommands:
    """What sets and reads bias and current, and conditions the tip."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def commands(self) -> dict[str, Callable[[Values], Values | None]]:
        """Return who answers what."""
        return {
            "Bias.Set": self._set,
            "Bias.Get": lambda _: {"bias": self._desk.z.bias},
            "Bias.RangeSet": lambda v: _only(v["range_index"], "range"),
            "Bias.RangeGet": lambda _: {"ranges": (self._range,), "range_index": 0},
            "Bias.CalibrSet": self._calibrate,
            "Bias.Pulse": self._pulse,
            "Current.Get": lambda _: {"current": self._desk.probe.current()},
            "Current.GainSet": lambda v: _only(v["gain_index"], "gain"),
            "Current.GainsGet": lambda _: _GAINS,
            "Current.CalibrSet": self._calibrate,
            "Current.CalibrGet": lambda _: {"calibration": 1.0, "offset": 0.0},
            "TipShaper.Start": self._shape,
        }

    @property
    def _range(self) -> str:
        return f"{self._desk.station.capabilities.bias_range[1]:g} V"

    def _set(self, values: Values) -> None:
        self._desk.z.hold(bias=values["bias"])

    def _calibrate(self, values: Values) -> None:
        if values["calibration"] != 1 or values["offset"] != 0:
            raise Unsupported("the simulated source is calibrated: 1 without an offset")

    def _pulse(self, values: Values) -> None:
        bias = values["bias"] + (self._desk.z.bias if values.get("abs_rel") == 1 else 0.0)
        self._condition(PULSE, values["wait"], None, bias=bias, duration=values["width"])

    def _shape(self, values: Values) -> None:
        props = self._desk.panel.get("TipShaper.Props")
        depth = max(-props["tip_lift"], 0.0)
        if props["change_bias"] and depth:
            raise Unsupported("the simulated tip is poked or pulsed, not both at once")
        if props["change_bias"]:
            how = {"bias": props["bias"]}
        elif depth:
            how = {"depth": depth}
        else:
            raise Unsupported("nothing to do: the tip is not lowered and the bias not changed")
        duration = max(props["lift_time1"], 1e-3)
        self._condition(SHAPING, values["wait"], seconds(values), **how, duration=duration)

    def _condition(self, what: str, wait: int, timeout: float | None, **how: float) -> None:
        station = self._desk.station
        self._desk.require_loop(what)
        if wait and timeout is None:
            station.condition(**how)
            return
        self._desk.jobs.start(what, lambda: station.condition(**how))
        if wait:
            self._desk.jobs.join(what, timeout)


_GAINS = {"gains": ("fixed",), "gain_index": 0, "filters": ("none",), "filter_index": 0}


def _only(index: int, what: str) -> None:
    if index not in (0, -1):
        raise ValueError(f"there is one {what}, number 0; got {index}")
