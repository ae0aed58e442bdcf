"""A microscope of which a test says what it feels, and that notes in which order things happen."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

from spm_auto.instrument import (
    AcquireSpectrum,
    Capabilities,
    Channel,
    Instruction,
    InstrumentState,
    Load,
    PositionProbe,
    Scan,
    ScanLine,
    Spectrum,
    Status,
    Vitals,
)

WELL = Vitals(0.0, 1e-10, "A", 5e-8, 0.0, (-5e-7, 5e-7), True, 0.0, True, "SafeTip at 10 nA")


class Felt:
    """Stands in for a microscope outside.

    Attributes:
        calls: What it was told, in order.
        vitals_now: What it feels: a value, or an error that reading it raises.
        stopping: What each emergency stop raises, in order; afterwards they are confirmed.
        resort: What the last resort raises; None when it works.
        state: Where it stands.
    """

    def __init__(self, time: Callable[[], float] = lambda: 0.0, has_last_resort: bool = False):
        self.calls: list[str] = []
        self.vitals_now: Vitals | Exception = WELL
        self.stopping: list[Exception] = []
        self.resort: Exception | None = None
        self.state = InstrumentState.READY
        self.status_error: Exception | None = None
        self._time, self._has_last_resort = time, has_last_resort

    @property
    def capabilities(self) -> Capabilities:
        reach, height = (-1e-5, 1e-5), (Channel("height", "m"),)
        return Capabilities(
            "bench", height, height, reach, reach, (-10.0, 10.0), 2e-9, True,
            has_vitals=True, has_last_resort=self._has_last_resort,
        )  # fmt: skip

    def vitals(self) -> Vitals:
        if isinstance(self.vitals_now, Exception):
            raise self.vitals_now
        return replace(self.vitals_now, time=self._time() + self.vitals_now.time)

    def feel(self, **values: object) -> None:
        """Feel something else than it does when it is well."""
        self.vitals_now = replace(WELL, **values)  # type: ignore[arg-type]

    def status(self) -> Status:
        if self.status_error is not None:
            raise self.status_error
        is_engaged = self.state in (InstrumentState.READY, InstrumentState.LOST)
        return Status(self.state, (math.nan, math.nan), 0.0, is_engaged, self._time())

    def duration(self, instruction: Instruction) -> float:
        return 1.0

    def load(self, instruction: Load) -> None:
        self.calls.append("load")
        self.state = InstrumentState.READY

    def scan(self, instruction: Scan) -> Iterator[ScanLine]:
        self.calls.append("scan")
        return iter(())

    def position_probe(self, instruction: PositionProbe) -> None:
        self.calls.append("position probe")

    def acquire_spectrum(self, instruction: AcquireSpectrum) -> Spectrum:
        raise NotImplementedError

    def interrupt(self) -> None:
        self.calls.append("interrupt")

    def emergency_stop(self) -> None:
        self.calls.append("emergency stop")
        if self.stopping:
            raise self.stopping.pop(0)
        self.state = InstrumentState.LATCHED

    def last_resort(self) -> None:
        self.calls.append("last resort")
        if self.resort is not None:
            raise self.resort

    def close(self) -> None:
        self.calls.append("close")
