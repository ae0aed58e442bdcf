"""ScanSettings: frame, buffer, speed and properties of a scan."""

import math
from collections.abc import Callable

from spm_auto.instrument import Scan, ScanFrame
from spm_auto.wire.nanonis import Values

from .desk import Desk
from .recorder import check_name

STEP = 16  # pixels on a line are a multiple of it
MOST = 4096
HOLD_SPEED, HOLD_TIME = 0, 1
RATIOS = 0.1, 10.0


class ScanSettings:
    """What the next scan will be."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.channels = list(desk.signals.images)
        self.pixels = self.lines = 256

    def commands(self) -> dict[str, Callable[[Values], Values | None]]:
        """Return who answers what."""
        return {
            "Scan.FrameSet": self._set_frame,
            "Scan.BufferSet": self._set_buffer,
            "Scan.BufferGet": self._buffer,
            "Scan.SpeedSet": self._set_speed,
            "Scan.PropsSet": self._set_props,
            "Scan.PropsGet": self._props,
        }

    @property
    def scan(self) -> Scan:
        """The scan as it is set."""
        frame, speed = self._desk.panel.get("Scan.Frame"), self._desk.panel.get("Scan.Speed")
        where = ScanFrame(
            center=(frame["cx"], frame["cy"]),
            size=(frame["width"], frame["height"]),
            pixels=(self.pixels, self.lines),
            angle=-math.radians(frame["angle"]),  # counted clockwise on the wire
        )
        names = tuple(self._desk.signals.channels[i].name for i in self.channels)
        return Scan(where, names, 1 / (speed["fwd_time"] + speed["bwd_time"]), "scan")

    def _set_frame(self, values: Values) -> None:
        for name in ("width", "height"):
            if not 0 < values.get(name, 1.0) < math.inf:
                raise ValueError(f"the {name} of a frame must be positive, got {values[name]} m")
        self._desk.panel.set("Scan.Frame", values)
        self._couple(self._desk.panel.get("Scan.Speed"))

    def _set_buffer(self, values: Values) -> None:
        signals = self._desk.signals
        if values.get("channels"):
            chosen = signals.measured(values["channels"], signals.images, "a scan")
            self.channels = list(dict.fromkeys(chosen))
        pixels, lines = values.get("pixels", 0), values.get("lines", -1)
        if pixels > 0:
            self.pixels = min(max(STEP, STEP * round(pixels / STEP)), MOST)
        if lines > 0:
            self.lines = min(max(2, lines), MOST)
        elif lines == 0:
            frame = self._desk.panel.get("Scan.Frame")
            self.lines = min(max(2, round(self.pixels * frame["height"] / frame["width"])), MOST)

    def _buffer(self, _: Values) -> Values:
        numbers = tuple(self._desk.signals.number(signal) for signal in self.channels)
        return {"channels": numbers, "pixels": self.pixels, "lines": self.lines}

    def _set_speed(self, values: Values) -> None:
        old = self._desk.panel.get("Scan.Speed")
        new = {**old, **{k: v for k, v in values.items() if k in old and k != "keep"}}
        for name, value in new.items():
            if name != "keep" and not 0 < value < math.inf:
                new[name] = old[name]
        if values.get("keep", 0):
            new["keep"] = values["keep"] - 1
        new["ratio"] = min(max(new["ratio"], RATIOS[0]), RATIOS[1])
        self._couple(new)

    def _couple(self, speed: Values) -> None:
        """Let speed and time of a line follow from the one that is held, and back from there."""
        width = self._desk.panel.value("Scan.Frame", "width")
        if speed["keep"] == HOLD_SPEED:
            speed["fwd_time"] = width / speed["fwd_speed"]
        else:
            speed["fwd_speed"] = width / speed["fwd_time"]
        speed["bwd_speed"] = speed["ratio"] * speed["fwd_speed"]
        speed["bwd_time"] = speed["fwd_time"] / speed["ratio"]
        self._desk.panel.put("Scan.Speed", **speed)

    def _set_props(self, values: Values) -> None:
        check_name(values.get("series", ""))
        self._desk.panel.set("Scan.Props", values)

    def _props(self, _: Values) -> Values:
        props = self._desk.panel.get("Scan.Props")
        return {**props, "n_params": (0,) * len(props["modules"]), "params": ()}
