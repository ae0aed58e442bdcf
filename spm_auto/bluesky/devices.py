"""Microscope: all devices of one run."""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from .. import plugins
from ..instrument import BiasWaveform, Scan
from ..script import Run
from .detectors import ImageDetector, SpectrumDetector
from .probe import Axis, Now, Place, Probe
from .status import WHO, Worker


class Microscope:
    """The instrument of a run as bluesky devices: what they are told is guarded and recorded by it.

    One thread of its own gives the instructions, so that a RunEngine can be paused meanwhile.

    Args:
        run: The run; `start_run` makes it.
        waveform: What a spectrum sweeps; None where no spectra are wanted.
        scan: What an image scans; None where no images are wanted.
        worth: Scalarizers, by name, whose numbers go with each spectrum.
        name: Before the names of all devices, as in ``afm_x``; empty for none.
        now: Time of day [s since 1970, UTC].

    Attributes:
        run: As given.
        x: The probe along x.
        y: The probe along y.
        probe: The probe as a whole, for moving to a point at once.
    """

    def __init__(
        self,
        run: Run,
        waveform: BiasWaveform | None = None,
        scan: Scan | None = None,
        worth: Sequence[str] = (),
        name: str = "",
        now: Now = time.time,
    ) -> None:
        first = f"{name}_" if name else ""
        named = {each: plugins.load("scalarizers", each) for each in worth}
        self.run = run
        self._worker = Worker(run.runner)
        place = Place(run, self._worker, now)
        self.x, self.y = Axis(f"{first}x", place, 0), Axis(f"{first}y", place, 1)
        self.probe = Probe(f"{first}probe", place)
        self._spectrum: SpectrumDetector | None = None
        if waveform is not None:
            self._spectrum = SpectrumDetector(f"{first}spectrum", place, waveform, named)
        self._image: ImageDetector | None = None
        if scan is not None:
            self._image = ImageDetector(f"{first}image", place, scan)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def spectrum(self) -> SpectrumDetector:
        """The detector of spectra.

        Raises:
            ValueError: No waveform was given.
        """
        if self._spectrum is None:
            raise ValueError("the microscope was made without a waveform: it takes no spectra")
        return self._spectrum

    @property
    def image(self) -> ImageDetector:
        """The detector of images.

        Raises:
            ValueError: No scan was given.
        """
        if self._image is None:
            raise ValueError("the microscope was made without a scan: it takes no images")
        return self._image

    def emergency_stop(self, why: str = "") -> None:
        """Withdraw the tip first, and end the run; the plan ends by its next instruction.

        Args:
            why: Why, in words.

        Raises:
            NotConfirmed: The instrument does not say that the tip is up.
        """
        self.run.runner.emergency_stop(WHO, why)

    def close(self) -> None:
        """End what goes on, and the thread; the run is ended by whoever began it."""
        self._worker.halt(True, "the end of the devices")
        self._worker.close()
