"""Stage: a loaded microscope with its truth, on a clock of its own, for one episode."""

from dataclasses import dataclass

import numpy as np

from spm_auto.clock import InstantClock
from spm_auto.instrument import FloatArray, Instrument, Load, Scan, ScanFrame, ScanImage

from ..instrument import SimulatedMicroscope
from ..samples.stm import Superconductor
from ..settings import SimulatorSettings, simulate
from ..truth import Truth

FILM_PIXELS = 128  # of an overview, along each side, where nothing else is said
CALM = {"response_wander": 0.03}  # of the readout's noise: a contact that was left to settle
WIDE_DOMAINS = {"thickness": "150 nm"}  # of a film, for tasks that need room within a domain
FILM_RATE = 2.0  # lines per second of an overview [Hz]


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

    @property
    def superconductor(self) -> Superconductor:
        """The sample, where it is a superconductor.

        Raises:
            TypeError: It is none.
        """
        sample = self.truth.sample
        if not isinstance(sample, Superconductor):
            raise TypeError(f"{sample.name} is no superconductor")
        return sample

    def image(self, scan: Scan) -> ScanImage:
        """Scan a frame to its end."""
        return scanned(self.microscope, self.clock, scan)


def scanned(instrument: Instrument, clock: InstantClock, scan: Scan) -> ScanImage:
    """Scan a frame to its end, on an instrument whose time this clock is."""
    start = clock.now()
    lines = list(instrument.scan(scan))
    return ScanImage(
        frame=scan.frame,
        channels=instrument.capabilities.channels_of(scan),
        forward=np.stack([line.forward for line in lines], axis=1),
        backward=np.stack([line.backward for line in lines], axis=1),
        start_time=start,
        end_time=clock.now(),
    )


def mount(settings: SimulatorSettings, seed: int) -> Stage:
    """Make the microscope of these settings and load it."""
    clock = InstantClock()
    microscope, truth = simulate(settings, seed, clock)
    microscope.load(Load())
    return Stage(microscope, truth, clock)


def grid_over(stage: Stage, pixels: int) -> ScanFrame:
    """Return the frame of all that the scanner reaches, with this many pixels along each side."""
    (left, right), (low, high) = (
        stage.microscope.capabilities.x_range,
        stage.microscope.capabilities.y_range,
    )
    center = ((left + right) / 2, (low + high) / 2)
    return ScanFrame(center, (right - left, high - low), (pixels, pixels))


def film_overview(stage: Stage, pixels: int = FILM_PIXELS) -> ScanImage:
    """Image the domains of a film."""
    frame = grid_over(stage, pixels)
    return stage.image(Scan(frame, ("amplitude", "phase"), FILM_RATE))


def sites(frame: ScanFrame) -> FloatArray:
    """Return x and y of the pixels' middles [m], line by line, shape (n, 2)."""
    x, y = frame.positions()
    return np.column_stack([x.ravel(), y.ravel()])


def site_labels(points: FloatArray) -> list[str]:
    """Name places by their coordinates in nanometres, for people."""
    return [f"({1e9 * x:.1f}, {1e9 * y:.1f}) nm" for x, y in points[:, :2].tolist()]
