"""A microscope over a picture that looks different however it is turned or mirrored.

For every driver: what it scans of this must come out upright, at any angle of the frame.
"""

import numpy as np

from spm_auto.clock import Clock, InstantClock
from spm_auto.instrument import (
    AcquireSpectrum,
    Capabilities,
    Channel,
    FloatArray,
    ScanFrame,
    SetFeedback,
    Spectrum,
)
from spm_auto.simulator import Timing
from spm_auto.simulator.clocked import ClockedMicroscope

RANGE = (-500e-9, 500e-9)
IMAGE = (Channel("height", "m"), Channel("current", "A"))
SPECTRUM = (Channel("current", "A"), Channel("didv", "S"))


def height(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return the picture [m]: a slope, an island left below the middle, a pit right above it."""
    island = np.hypot(x + 60e-9, y + 40e-9) < 25e-9
    pit = np.hypot(x - 70e-9, y - 20e-9) < 15e-9
    return 2e-3 * x + 5e-3 * y + 2e-9 * island - 1.5e-9 * pit


class MarkedMicroscope(ClockedMicroscope):
    """Shows the picture without any artefact; the way back is 0.1 nm higher."""

    def __init__(self, clock: Clock | None = None) -> None:
        timing = Timing(sample_change=0.0, tuning=1.0, speed=1e-6)
        super().__init__(timing, clock or InstantClock())
        self.scanned: list[ScanFrame] = []
        self.motions: list[tuple[float, float]] = []

    @property
    def capabilities(self) -> Capabilities:
        """A small scanner."""
        return Capabilities("marked", IMAGE, SPECTRUM, RANGE, RANGE, (-10.0, 10.0), 1e-12, True)

    @property
    def feedback(self) -> SetFeedback:
        """A junction as usual."""
        return SetFeedback(bias=0.1, setpoint=100e-12, gain=100.0)

    def reading(self, bias: float | None = None) -> dict[str, float]:
        """Return what is under the probe."""
        if bias is not None:
            return {"current": 1e-9 * bias, "didv": 1e-9}
        here = float(height(*(np.array(v) for v in self._position)))
        return {"height": here, "current": 100e-12}

    def _moved(self, start, end, began):  # type: ignore[no-untyped-def]
        self.motions.append(end)

    def _resting_bias(self) -> float:
        return 0.1

    def _lines(self, scan, number):  # type: ignore[no-untyped-def]
        self.scanned.append(scan.frame)
        chosen = [IMAGE.index(c) for c in self.capabilities.channels_of(scan)]

        def read(line, began):  # type: ignore[no-untyped-def]
            there = height(*scan.frame.line_positions(line))
            flat = np.full_like(there, 100e-12)
            return np.stack([there, flat])[chosen], np.stack([there + 1e-10, flat])[chosen]

        return read

    def _spectrum(self, at, instruction: AcquireSpectrum, number, start) -> Spectrum:  # type: ignore[no-untyped-def]
        bias = instruction.waveform.bias
        data = np.stack([1e-9 * bias, np.full_like(bias, 1e-9)])
        return Spectrum(*at, bias, SPECTRUM, data, start, start)
