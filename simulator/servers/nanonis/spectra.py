"""What bias and Z spectroscopy have in common: one that runs, and tables of curves."""

import contextlib
from collections.abc import Callable, Iterator

import numpy as np

from spm_auto.errors import InstrumentError
from spm_auto.instrument import FloatArray
from spm_auto.wire.nanonis import Values

from .desk import Desk
from .signal_map import SignalMap
from .z_loop import SAME

FIXED = ("Sweep Start", "Sweep End")
PARAMETERS = (
    *("X (m)", "Y (m)", "Z (m)", "Z offset (m)", "Settling time (s)", "Integration time (s)"),
    *("Z-Ctrl hold", "Final Z (m)"),
)
NOTHING: Values = {"names": (), "data": np.zeros((0, 0)), "params": ()}


class Measuring:
    """One kind of spectroscopy: whether it runs, and how it is started and stopped."""

    def __init__(self, desk: Desk, name: str) -> None:
        self._desk, self._name = desk, name
        self._command = f"{name}.Start"
        self._is_running = False

    @property
    def is_running(self) -> bool:
        """Whether a curve is being measured."""
        return self._is_running or self._desk.is_stuck(self._command)

    def start(self, get_data: bool, measure: Callable[[], Values]) -> Values:
        """Measure, and give the data, or let it be measured and give nothing yet."""
        if self._desk.stick(self._command):
            if get_data:
                self._desk.wait_stuck(self._command)
                raise InstrumentError(f"{self._name} was stopped")
            return NOTHING
        with self._begun():
            if get_data:
                return self._measured(measure)
            self._desk.jobs.start(self._name, lambda: self._run(measure))
        return NOTHING

    def stop(self) -> None:
        """End the curve that is being measured."""
        self._desk.release(self._command)
        if self._is_running:
            self._desk.station.halt()

    def _run(self, measure: Callable[[], Values]) -> None:
        self._measured(measure)

    def _measured(self, measure: Callable[[], Values]) -> Values:
        self._is_running = True
        try:
            return measure()
        finally:
            self._is_running = False

    @contextlib.contextmanager
    def _begun(self) -> Iterator[None]:
        if self.is_running or self._desk.jobs.is_running(self._name):
            raise InstrumentError(f"{self._name} is still going on")
        if self._desk.z.lift > SAME:
            raise InstrumentError("the tip is lifted; the simulated microscope measures nothing")
        if self._desk.station.picture is not None and self._desk.station.picture.is_running:
            raise InstrumentError("a scan is going on")
        yield


def table(
    signals: SignalMap,
    axis: tuple[str, FloatArray],
    chosen: list[tuple[int, FloatArray]],
    backward: list[tuple[int, FloatArray]],
) -> Values:
    """Return names and rows: the axis, the channels, and the channels of the way back."""
    names = [axis[0], *(signals.title(signal) for signal, _ in chosen)]
    names += [signals.title(signal, "[bwd]") for signal, _ in backward]
    rows = [axis[1], *(row for _, row in chosen), *(row for _, row in backward)]
    return {"names": tuple(names), "data": np.stack(rows)}
