"""Commands of the Z controller, the safe tip and the approach."""

from collections.abc import Callable

from spm_auto.errors import InstrumentError
from spm_auto.wire.nanonis import Values

from .desk import Desk, seconds
from .z_loop import DECAY

RELATIVE = 1
TIME_CONSTANT = 100e-6  # [s] at first; the integral gain is the proportional one over it


class ZCommands:
    """What brings the tip up and down, and what keeps it safe."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._time_constant = TIME_CONSTANT

    def commands(self) -> dict[str, Callable[[Values], Values | None]]:
        """Return who answers what."""
        z = self._desk.z
        return {
            "ZCtrl.ZPosSet": lambda v: z.set_height(v["z"]),
            "ZCtrl.ZPosGet": self._height,
            "ZCtrl.OnOffSet": lambda v: z.switch(bool(v["on"])),
            "ZCtrl.OnOffGet": lambda _: {"on": int(z.is_on)},
            "ZCtrl.SetpntSet": lambda v: z.hold(setpoint=v["setpoint"]),
            "ZCtrl.SetpntGet": lambda _: {"setpoint": z.held("setpoint")},
            "ZCtrl.GainSet": self._set_gain,
            "ZCtrl.GainGet": self._gain,
            "ZCtrl.Home": self._home,
            "ZCtrl.ActiveCtrlSet": self._activate,
            "ZCtrl.CtrlListGet": lambda _: {"names": (self._name,), "active_index": 0},
            "ZCtrl.Withdraw": lambda v: z.withdraw(bool(v.get("wait", 1)), seconds(v)),
            "ZCtrl.LimitsSet": lambda v: z.set_limits(v["high"], v["low"]),
            "ZCtrl.LimitsGet": lambda _: dict(zip(("high", "low"), z.limits, strict=True)),
            "ZCtrl.StatusGet": self._status,
            "SafeTip.SignalGet": lambda _: {"value": self._desk.probe.felt()},
            "AutoApproach.Open": lambda _: None,
            "AutoApproach.OnOffSet": lambda v: z.approach(bool(v["run"])),
            "AutoApproach.OnOffGet": lambda _: {"running": int(z.is_approaching)},
        }

    @property
    def _name(self) -> str:
        return "log Current" if self._desk.probe.has_current else "simulated loop"

    def _height(self, _: Values) -> Values:
        station, probe = self._desk.station, self._desk.probe
        return {"z": float(probe.levelled(self._desk.z.height, *station.position))}

    def _set_gain(self, values: Values) -> None:
        p, time_constant = values["p"], values["time_const"]
        if not (p >= 0 and time_constant > 0):
            raise ValueError(f"a gain needs P >= 0 and T > 0, got {p} m and {time_constant} s")
        self._desk.z.hold(gain=DECAY * p / time_constant)
        self._time_constant = time_constant

    def _gain(self, _: Values) -> Values:
        i = self._desk.z.held("gain") / DECAY
        return {"p": i * self._time_constant, "time_const": self._time_constant, "i": i}

    def _home(self, _: Values) -> None:
        z, props = self._desk.z, self._desk.panel.get("ZCtrl.HomeProps")
        if not self._desk.station.is_engaged:
            raise InstrumentError("the tip is withdrawn; there is no home to go to")
        target = props["home"] + (z.height if props["mode"] == RELATIVE else 0.0)
        if self._desk.station.has_feedback:
            z.switch(False)
            self._desk.jobs.until(lambda: not z.is_on)
        z.set_height(target)

    def _activate(self, values: Values) -> None:
        if values["index"] != 0:
            raise ValueError(f"there is one controller, number 0; got {values['index']}")

    def _status(self, _: Values) -> Values:
        if self._desk.panel.value("SafeTip.OnOff", "state"):
            self._desk.probe.look()
        return {"status": self._desk.z.status}
