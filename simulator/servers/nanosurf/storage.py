"""Storage: where the emulated Studio puts measurements, under the names that it was told."""

import threading
from dataclasses import dataclass, field
from itertools import pairwise
from math import degrees
from pathlib import Path

import numpy as np

from spm_auto.instrument import Spectrum
from spm_auto.wire.nanosurf import (
    IMAGE,
    SPECTROSCOPY,
    Measurement,
    Segment,
    Signal,
)

from ..picture import Picture
from .measurement_writer import write_measurement

TIP_VOLTAGE = "Tip Voltage"
_NAMES = {"height": "Topography", "current": "Tip Current", "bias": TIP_VOLTAGE}


def studio_name(channel: str) -> str:
    """Return what Studio calls a channel of ours."""
    return _NAMES.get(channel, channel.replace("_", " ").title())


@dataclass(slots=True)
class Storage:
    """The folder of measurements.

    Attributes:
        folder: Where.
        version: Format of the files.
        rotation_sign: Of a frame's angle.
        basename: What the next file is called, placeholders in brackets.
        index: Number of the next file.
    """

    folder: Path
    version: int = 2
    rotation_sign: int = 1
    basename: str = "[ITEM_NAME]_[INDEX]"
    index: int = 1
    keeps_partial: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def store_image(self, picture: Picture) -> None:
        """Write a raster, both directions."""
        frame = picture.frame
        ways = (("Forward", picture.forward), ("Backward", picture.backward))
        segments = tuple(
            Segment(
                name,
                tuple(
                    Signal(studio_name(channel.name), channel.unit, stack[index].ravel())
                    for index, channel in enumerate(picture.channels)
                ),
            )
            for name, stack in ways
        )
        rotation = self.rotation_sign * degrees(frame.angle)
        points, lines = frame.pixels
        said = {"image_scan_direction": "up" if picture.upwards else "down"}
        self._write(
            Measurement(
                f"Image {self.index}",
                IMAGE,
                (lines, points),
                frame.size,
                frame.center,
                rotation,
                segments,
                picture.lines_done,
                said,
            )
        )

    def store_spectra(
        self,
        spectra: list[Spectrum],
        segments: list[int],
        shape: tuple[int, int],
        size: tuple[float, float],
        center: tuple[float, float],
    ) -> None:
        """Write the spectra of a grid, row by row, each cut into the cycle's segments.

        Args:
            spectra: What was measured.
            segments: Points of each segment.
            shape: Rows and columns.
            size: Of the grid [m].
            center: Of the grid [m].
        """
        ends = np.cumsum([0, *segments])
        parts = []
        for number, (start, end) in enumerate(pairwise(ends.tolist())):
            bias = Signal(TIP_VOLTAGE, "V", np.concatenate([s.bias[start:end] for s in spectra]))
            measured = [
                Signal(
                    studio_name(channel.name),
                    channel.unit,
                    np.concatenate([s.data[index, start:end] for s in spectra]),
                )
                for index, channel in enumerate(spectra[0].channels)
            ]
            blocks = (end - start,) * len(spectra)
            parts.append(Segment(f"Segment {number + 1}", (bias, *measured), blocks))
        self._write(
            Measurement(
                f"Spectroscopy {self.index}",
                SPECTROSCOPY,
                shape,
                size,
                center,
                0.0,
                tuple(parts),
                shape[0],
            )
        )

    def _write(self, measurement: Measurement) -> None:
        with self._lock:
            name = self.basename
            filled = {"[INDEX]": f"{self.index:05d}", "[ITEM_NAME]": measurement.name}
            filled |= {"[DATE]": "2026-01-01", "[TIME]": "00-00-00"}
            for placeholder, text in filled.items():
                name = name.replace(placeholder, text)
            path = self.folder / f"{Path(name).name}.nhf"
            if path.exists():
                path = path.with_stem(f"{path.stem}_{self.index:05d}")
            self.index += 1
            half = path.with_suffix(".part")
            write_measurement(half, measurement, self.version)
            half.replace(path)
