"""The scanner: from the place that the tip is sent to, to the place where it really is."""

from typing import Any, Self

import numpy as np
from pydantic import BaseModel, ConfigDict

from spm_auto.instrument import ScanFrame

from ..path import Path
from ..randomness import RandomStreams

__all__ = ["Scanner", "ScannerSettings"]


class ScannerSettings(BaseModel):
    """How imperfect the scanner is."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @classmethod
    def perfect(cls) -> Self:
        """Return the scanner that goes where it is sent."""
        return cls()

    @classmethod
    def room_temperature_afm(cls) -> Self:
        """Return a closed-loop scanner in air."""
        return cls()


class Scanner:
    """A scanner that goes where it is sent."""

    def __init__(
        self, settings: ScannerSettings, full_range: float, streams: RandomStreams
    ) -> None:
        self._position = (0.0, 0.0)

    def line(
        self, frame: ScanFrame, line: int, start: float, line_time: float, number: int
    ) -> Path:
        """Return the path of one line."""
        x, y = frame.line_positions(line)
        width = frame.pixels[0]
        return Path(
            x=np.concatenate([x, x[::-1]]),
            y=np.concatenate([y, y[::-1]]),
            z=np.zeros(2 * width),
            start=start,
            dt=line_time / 1.1 / (2 * width),
            pixels=width,
        )

    def move(self, target: tuple[float, float], start: float, end: float) -> None:
        """Go to a point."""
        self._position = target

    def true_position(self, time: float) -> tuple[float, float]:
        """Return where the probe really is."""
        return self._position

    def engage(self, time: float, number: int) -> None:
        """Begin anew."""

    def snapshot(self) -> Any:
        """Return the state."""
        return self._position

    def restore(self, snapshot: Any) -> None:
        """Go back to a state."""
        self._position = snapshot
