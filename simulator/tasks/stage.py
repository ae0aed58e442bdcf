"""Stage: a loaded microscope with its truth, on a clock of its own, for one episode."""

from dataclasses import dataclass

import numpy as np

from spm_auto.clock import InstantClock
from spm_auto.instrument import FloatArray, Load, Scan, ScanFrame, ScanImage

from ..instrument import SimulatedMicroscope
from ..settings import SimulatorSettings, simulate
from ..truth import Truth


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """What an episode plays on.

    Attributes:
        microscope: Loaded.
        truth: About it; for the score only.
        clock: Of the microscope.
    """

    microscope: SimulatedMicroscope
    truth: Truth
    clock: InstantClock

    def image(self, scan: Scan) -> ScanImage:
        """Scan a frame to its end."""
        start = self.clock.now()
        lines = list(self.microscope.scan(scan))
        return ScanImage(
            frame=scan.frame,
            channels=self.microscope.capabilities.channels_of(scan),
            forward=np.stack([line.forward for line in lines], axis=1),
            backward=np.stack([line.backward for line in lines], axis=1),
            start_time=start,
            end_time=self.clock.now(),
        )


def mount(settings: SimulatorSettings, seed: int) -> Stage:
    """Make the microscope of these settings and load it."""
    clock = InstantClock()
    microscope, truth = simulate(settings, seed, clock)
    microscope.load(Load())
    return Stage(microscope, truth, clock)


def sites(frame: ScanFrame) -> FloatArray:
    """Return x and y of the pixels' middles [m], line by line, shape (n, 2)."""
    x, y = frame.positions()
    return np.column_stack([x.ravel(), y.ravel()])


def site_labels(points: FloatArray) -> list[str]:
    """Name places by their coordinates in nanometres, for people."""
    return [f"({1e9 * x:.1f}, {1e9 * y:.1f}) nm" for x, y in points[:, :2].tolist()]
