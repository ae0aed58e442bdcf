"""PatternCommands: a grid of points with a spectrum at each."""

import math
from collections.abc import Callable

import numpy as np

from spm_auto.errors import InstrumentError, Unsupported
from spm_auto.instrument import ScanFrame
from spm_auto.wire.nanonis import Values

from .bias_spectroscopy import BiasSpectroscopy
from .desk import Desk
from .scan_settings import ScanSettings

EXPERIMENTS = ("Bias Spectroscopy",)
EXPERIMENT = "the pattern experiment"
KEEP, GRID = 0, 1
MOST = 1_000_000  # points


class PatternCommands:
    """The pattern module; spectra are saved one by one, where autosave is on."""

    def __init__(self, desk: Desk, settings: ScanSettings, spectroscopy: BiasSpectroscopy) -> None:
        self._desk, self._settings, self._spectroscopy = desk, settings, spectroscopy
        self._is_stopped = False

    def commands(self) -> dict[str, Callable[[Values], Values | None]]:
        """Return who answers what."""
        return {
            "Pattern.ExpOpen": lambda _: None,
            "Pattern.ExpStart": self._start,
            "Pattern.ExpPause": self._pause,
            "Pattern.ExpStop": self._stop,
            "Pattern.ExpStatusGet": lambda _: {
                "running": int(self._desk.jobs.is_running(EXPERIMENT))
            },
            "Pattern.GridSet": self._set_grid,
            "Pattern.PropsSet": self._set_props,
            "Pattern.PropsGet": lambda _: {
                **self._desk.panel.get("Pattern.Props"),
                "experiments": EXPERIMENTS,
            },
        }

    def _set_grid(self, values: Values) -> None:
        nx, ny = values["nx"], values["ny"]
        if not (nx >= 1 and ny >= 1 and nx * ny <= MOST):
            raise ValueError(f"a grid has 1 to {MOST} points, got {nx} x {ny}")
        self._desk.panel.set("Pattern.Grid", values)
        if values.get("as_frame"):
            self._desk.panel.put("Pattern.Grid", **self._desk.panel.get("Scan.Frame"))

    def _set_props(self, values: Values) -> None:
        if values["experiment"] not in ("", *EXPERIMENTS):
            raise Unsupported(f"experiments are {', '.join(EXPERIMENTS)}; {values['experiment']!r}")
        self._desk.panel.set("Pattern.Props", {**values, "selected": values["experiment"]})

    def _start(self, values: Values) -> None:
        if values["pattern"] not in (KEEP, GRID):
            raise Unsupported("the simulated controller runs grids, pattern 1")
        self._desk.require_loop(EXPERIMENT)
        self._is_stopped = False
        points = self._points()
        for x, y in points:
            self._desk.reach.check_point(x, y)

        def run() -> None:
            for x, y in points:
                self._desk.move(x, y)
                if self._is_stopped or self._desk.jobs.ending.is_set():
                    return
                self._spectroscopy.measure()

        self._desk.jobs.start(EXPERIMENT, run)

    def _points(self) -> list[tuple[float, float]]:
        grid = self._desk.panel.get("Pattern.Grid")
        frame = ScanFrame((grid["cx"], grid["cy"]), (1.0, 1.0), angle=-math.radians(grid["angle"]))
        u, v = (
            np.linspace(-0.5, 0.5, n) * size if n > 1 else np.zeros(1)
            for n, size in ((grid["nx"], grid["width"]), (grid["ny"], grid["height"]))
        )
        x, y = frame.from_frame(np.tile(u, len(v)), np.repeat(v, len(u)))
        return list(zip(np.ravel(x).tolist(), np.ravel(y).tolist(), strict=True))

    def _pause(self, values: Values) -> None:
        if values["pause"]:
            raise InstrumentError("the simulated experiment cannot pause")

    def _stop(self, _: Values) -> None:
        self._is_stopped = True
        if self._desk.jobs.is_running(EXPERIMENT):
            self._desk.station.halt()
            self._desk.jobs.join(EXPERIMENT, 10.0)
