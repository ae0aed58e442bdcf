"""Commands of the signals: names, ranges and values."""

from collections.abc import Callable

from spm_auto.errors import Unsupported
from spm_auto.wire.nanonis import Values

from .desk import Desk
from .signal_map import BIAS, X, Y, Z


class SignalCommands:
    """What the Signals Manager tells."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._added = [0, 0]

    def commands(self) -> dict[str, Callable[[Values], Values | None]]:
        """Return who answers what."""
        signals, probe = self._desk.signals, self._desk.probe
        return {
            "Signals.NamesGet": lambda _: {"names": signals.names},
            "Signals.CalibrGet": self._calibration,
            "Signals.RangeGet": self._range,
            "Signals.ValGet": lambda v: {"value": probe.value(v["index"])},
            "Signals.ValsGet": lambda v: {"values": [probe.value(i) for i in v["indexes"]]},
            "Signals.MeasNamesGet": lambda _: {
                "names": tuple(signals.names[i] for i in signals.channels)
            },
            "Signals.AddRTGet": self._extra,
            "Signals.AddRTSet": self._set_extra,
            "Signals.InSlotSet": self._set_slot,
            "Signals.InSlotsGet": lambda _: {
                "names": tuple(signals.names[i] for i in signals.slots),
                "indexes": signals.slots,
            },
        }

    def _limits(self, index: int) -> tuple[float, float]:
        what, half = self._desk.station.capabilities, self._desk.z_range / 2
        known = {
            **{BIAS: what.bias_range, X: what.x_range, Y: what.y_range},
            Z: (-half, half),
        }
        name = self._desk.signals.names[self._desk.signals.check(index)]
        if index not in known:
            raise Unsupported(f"the range of {name} is not known")
        return known[index]

    def _range(self, values: Values) -> Values:
        low, high = self._limits(values["index"])
        return {"max": high, "min": low}

    def _calibration(self, values: Values) -> Values:
        low, high = self._limits(values["index"])
        return {"per_volt": (high - low) / 20.0, "offset": 0.0}

    def _extra(self, _: Values) -> Values:
        names = self._desk.signals.names
        return {"names": names, "rt1": names[self._added[0]], "rt2": names[self._added[1]]}

    def _set_extra(self, values: Values) -> None:
        self._added = [self._desk.signals.check(values[name]) for name in ("rt1", "rt2")]

    def _set_slot(self, values: Values) -> None:
        signal = self._desk.signals.check(values["signal"])
        if (values["slot"], signal) not in enumerate(self._desk.signals.slots):
            raise Unsupported("the signals stay in their slots")
