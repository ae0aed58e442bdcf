"""ZSpectroscopy: curves against the distance, where the microscope can measure them."""

from collections.abc import Callable

import numpy as np

from spm_auto.errors import InstrumentError, Unsupported
from spm_auto.instrument import AcquireForceCurve, ForceCurve
from spm_auto.wire.nanonis import Values

from .desk import Desk
from .spectra import FIXED, PARAMETERS, Measuring, table

AXIS = "Z rel (m)"
MOST = 1 << 16  # points


class ZSpectroscopy:
    """The Z spectroscopy module: a force curve that the auto-retract guard turns back."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._measuring = Measuring(desk, "ZSpectr")
        signals = desk.signals.signals
        self._known = tuple(signals[name] for name in ("force",) if name in signals)
        self._channels = list(self._known)

    def commands(self) -> dict[str, Callable[[Values], Values | None]]:
        """Return who answers what."""
        return {
            "ZSpectr.Open": lambda _: None,
            "ZSpectr.Start": self._start,
            "ZSpectr.Stop": lambda _: self._measuring.stop(),
            "ZSpectr.StatusGet": lambda _: {"running": int(self._measuring.is_running)},
            "ZSpectr.ChsSet": self._set_channels,
            "ZSpectr.ChsGet": self._get_channels,
            "ZSpectr.PropsGet": self._props,
        }

    def _set_channels(self, values: Values) -> None:
        self._require()
        signals = self._desk.signals
        self._channels = signals.measured(values["channels"], self._known, "a Z spectrum")

    def _get_channels(self, _: Values) -> Values:
        signals = self._desk.signals
        numbers = tuple(signals.number(signal) for signal in self._channels)
        return {"channels": numbers, "names": tuple(signals.names[i] for i in self._channels)}

    def _props(self, _: Values) -> Values:
        names = tuple(self._desk.signals.names[i] for i in self._channels)
        props = self._desk.panel.get("ZSpectr.Props")
        return {**props, "channels": names, "params": PARAMETERS, "fixed_params": FIXED}

    def _require(self) -> None:
        what = self._desk.station.capabilities
        if AcquireForceCurve not in what.instructions:
            raise Unsupported(f"{what.name} measures nothing against the distance")

    def _start(self, values: Values) -> Values:
        self._require()
        guard = self._desk.panel.get("ZSpectr.Retract")
        if not guard["enable"] or guard["signal"] not in self._known:
            raise InstrumentError(
                "the simulated microscope turns back at a force: enable the auto-retract of "
                f"Z spectroscopy with signal {self._known[0]}, Force (N), and a threshold"
            )
        return self._measuring.start(
            bool(values["get_data"]), lambda: self._measure(abs(guard["threshold"]))
        )

    def _measure(self, trigger: float) -> Values:
        props, reach = (self._desk.panel.get(f"ZSpectr.{n}") for n in ("Props", "Range"))
        if not 2 <= props["points"] <= MOST:
            raise ValueError(f"a curve has 2 to {MOST} points, got {props['points']}")
        if not (reach["z_distance"] < 0 and np.isclose(-reach["z_distance"], reach["z_offset"])):
            raise Unsupported(
                "the simulated curve goes down, and begins as far above the surface as it is long: "
                f"Z offset {reach['z_offset']:g} m, sweep distance {reach['z_distance']:g} m"
            )
        timing = self._desk.panel.get("ZSpectr.Timing")
        rate = 0.5 / (props["points"] * (timing["settle"] + timing["integrate"]))
        distance = abs(reach["z_distance"])
        curve = self._desk.station.force_curve(trigger, distance, props["points"], rate)
        return {**self._table(curve, bool(props["backward"])), "params": self._parameters(curve)}

    def _table(self, curve: ForceCurve, backward: bool) -> Values:
        signals, names = self._desk.signals, [channel.name for channel in curve.channels]
        rows = [(i, names.index(signals.channels[i].name)) for i in self._channels]
        there = [(signal, curve.approach[row]) for signal, row in rows]
        back = [(signal, curve.retract[row]) for signal, row in rows if backward]
        return table(signals, (AXIS, -curve.extension), there, back)  # up is positive

    def _parameters(self, curve: ForceCurve) -> tuple[float, ...]:
        timing = self._desk.panel.get("ZSpectr.Timing")
        ends = -curve.extension[0], -curve.extension[-1]
        times = timing["settle"], timing["integrate"]
        return (*ends, curve.x, curve.y, np.nan, 0.0, *times, 0.0, np.nan)
