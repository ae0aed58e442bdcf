"""bluesky: the instrument of a run as devices that a RunEngine moves, triggers and reads.

>>> with start_run("lab.toml", out="runs/grid") as run, Microscope(run, waveform) as microscope:
...     RE(grid_scan([microscope.spectrum], microscope.y, 0, 1e-7, 5, microscope.x, 0, 1e-7, 5))

Nothing here needs ophyd, and the devices do not import bluesky: they are what its protocols say.
"""

from .detectors import ImageDetector, SpectrumDetector
from .devices import Microscope
from .plans import explore
from .probe import Axis, Probe
from .status import Status

__all__ = [
    "Axis",
    "ImageDetector",
    "Microscope",
    "Probe",
    "SpectrumDetector",
    "Status",
    "explore",
]
