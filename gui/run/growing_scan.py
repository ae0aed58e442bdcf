"""GrowingScan: a scan while its lines come in. It knows nothing of Qt."""

import math
from dataclasses import dataclass

import numpy as np

from spm_auto.data import ScanStarted
from spm_auto.instrument import ScanFrame, ScanImage


@dataclass(slots=True)
class GrowingScan:
    """A scan while its lines come in.

    Attributes:
        index: Which scan of the run, counted from 0.
        started: What was asked for.
        start_time: Instrument time at its start [s].
        utc: When it began [s since 1970].
        forward: Images, shape [channel, line, pixel]; NaN where nothing was measured yet. None
            where the model has let go of it; `Rereading` reads it again from the journal.
        backward: The same of the way back.
        n_lines: How many lines have come.
        last_line: Index of the newest one; -1 before the first.
        end_time: Instrument time of the newest line [s].
        is_over: Whether it has ended, complete or not.
        is_aside: Whether it shows the tip or a drift, and is none of the run's images.
        stage: Where the coarse stage stood (x, y) [m]; None where there is none.
        preview: Of the first channel's forward image, once the model has let go of it: every so
            many pixels, shape [line, pixel]; None before.
    """

    index: int
    started: ScanStarted
    start_time: float
    utc: float
    forward: np.ndarray | None
    backward: np.ndarray | None
    n_lines: int = 0
    last_line: int = -1
    end_time: float = math.nan
    is_over: bool = False
    is_aside: bool = False
    stage: tuple[float, float] | None = None
    preview: np.ndarray | None = None

    @property
    def frame(self) -> ScanFrame:
        """Where it lies."""
        return self.started.instruction.frame

    @property
    def is_complete(self) -> bool:
        """Whether every line has come."""
        return self.n_lines >= self.frame.pixels[1]

    def image(self) -> ScanImage | None:
        """Return what has come so far; the arrays are those that grow. None where let go of."""
        if self.forward is None or self.backward is None:
            return None
        return ScanImage(
            self.frame,
            self.started.channels,
            self.forward,
            self.backward,
            self.start_time,
            self.end_time,
        )
