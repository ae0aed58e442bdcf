"""What Asylum's software saves: waiting for the file that is ours, and what is in it."""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spm_auto.data import DataFile, open_file
from spm_auto.errors import DataError, InstrumentError, OutOfStep
from spm_auto.instrument import (
    BiasWaveform,
    Channel,
    FloatArray,
    ForceCurve,
    ScanFrame,
    ScanImage,
    Spectrum,
)

if TYPE_CHECKING:
    from .settings import ChannelSettings, SpectrumChannelSettings

SAME = 1e-5  # of a frame's size: numbers of the note have six digits
ANGLE = 1e-3  # [rad]


class Expected:
    """A wave that is to be saved under a name that nobody else uses.

    Args:
        folder: Where.
        base: Beginning of its name; the software adds a number.
    """

    def __init__(self, folder: Path, base: str) -> None:
        self.folder = folder
        self.base = base
        self._name = re.compile(re.escape(base) + r"\d*\.ibw", re.IGNORECASE)
        self._size = -1
        self.why = "there is no such file"

    def look(self) -> DataFile | None:
        """Return what it holds, once it is there, has stopped growing and can be read.

        Raises:
            OutOfStep: There are two.
        """
        try:
            found = [path for path in self.folder.iterdir() if self._name.fullmatch(path.name)]
            size = found[0].stat().st_size if found else -1
        except OSError as error:  # the folder or the file is locked, or not reachable now
            self.why = str(error)
            return None
        if len(found) > 1:
            names = ", ".join(sorted(path.name for path in found))
            raise OutOfStep(f"{self.folder}: one file {self.base}*.ibw was expected, got {names}")
        before, self._size = self._size, size
        if size <= 0 or size != before:
            return None
        try:
            return open_file(found[0])
        except (DataError, OSError) as error:  # half-written, or locked
            self.why = str(error)
            return None


def image_of(file: DataFile, frame: ScanFrame) -> ScanImage:
    """Return the image of a file, if it is of the frame that was asked for.

    Raises:
        OutOfStep: It is of another one.
    """
    if len(file.images) != 1:
        raise OutOfStep(f"{file.source} holds {len(file.images)} images, expected 1")
    (image,) = file.images
    size = max(frame.size)
    same = image.frame.pixels == frame.pixels
    for theirs, ours in ((image.frame.center, frame.center), (image.frame.size, frame.size)):
        same = same and math.dist(theirs, ours) <= SAME * size
    turn = (image.frame.angle - frame.angle + math.pi) % (2 * math.pi) - math.pi
    if not (same and abs(turn) <= ANGLE):
        raise OutOfStep(f"{file.source} is of {image.frame}, expected {frame}")
    return image


def stacks(
    image: ScanImage, channels: "Sequence[ChannelSettings]"
) -> tuple[FloatArray, FloatArray]:
    """Return forward and backward images, shape [channel, line, pixel].

    Raises:
        InstrumentError: The file lacks one, or has it in another unit.
    """
    rows = [
        _row([(c.name, c.unit) for c in image.channels], setting.label, setting.unit)
        for setting in channels
    ]
    return image.forward[rows], image.backward[rows]


def sweep_of(
    file: DataFile, waveform: BiasWaveform, channels: "Sequence[SpectrumChannelSettings]"
) -> FloatArray:
    """Return the channels of a spectrum, its cycles averaged, shape [channel, point].

    Raises:
        OutOfStep: The bias in the file is not the one that was asked for.
        InstrumentError: The file lacks a channel.
    """
    if len(file.spectra) != 1:
        raise OutOfStep(f"{file.source} holds {len(file.spectra)} spectra, expected 1")
    (spectrum,) = file.spectra
    asked = np.tile(waveform.bias, waveform.cycles)
    during = np.flatnonzero(np.isfinite(spectrum.bias))[: len(asked)]
    if len(during) < len(asked):
        raise OutOfStep(f"{file.source} has {len(during)} points, expected {len(asked)}")
    # a quarter of the largest step tells neighbouring points apart
    allowed = 0.25 * float(np.max(np.abs(np.diff(asked))))
    off = float(np.max(np.abs(spectrum.bias[during] - asked)))
    if not off <= allowed:
        raise OutOfStep(
            f"{file.source}: the bias is up to {off:g} V away from the one asked for, allowed "
            f"{allowed:g} V; is the panel set to a triangle?"
        )
    rows = [_column(spectrum, setting)[during] for setting in channels]
    cycles = np.reshape(rows, (len(rows), waveform.cycles, len(waveform.values)))
    return np.asarray(cycles.mean(axis=1))


def curve_of(file: DataFile, points: int, stiffness: float) -> ForceCurve:
    """Return a force curve with so many points each way.

    Args:
        file: What was saved.
        points: Of each way; what the file has is put on so many extensions.
        stiffness: Of the cantilever [N/m].

    Raises:
        OutOfStep: The file holds no curve whose extension grows.
        InstrumentError: It does not show the deflection.
    """
    if len(file.curves) != 1:
        raise OutOfStep(f"{file.source} holds {len(file.curves)} force curves, expected 1")
    (curve,) = file.curves
    there = curve.extension
    if len(there) < 2 or not (np.diff(there) >= 0).all():
        raise OutOfStep(f"{file.source}: the extension does not grow on the way down")
    extension = np.linspace(0.0, there[-1], points)
    row = _row([(c.name, c.unit) for c in curve.channels], "Defl", "m")
    down, up = (
        stiffness * np.interp(extension, there, way[row])[np.newaxis]
        for way in (curve.approach, curve.retract)
    )
    return ForceCurve(curve.x, curve.y, extension, (Channel("force", "N"),), down, up, 0.0, 0.0)


def _column(spectrum: Spectrum, setting: "SpectrumChannelSettings") -> FloatArray:
    names = [(channel.name, channel.unit) for channel in spectrum.channels]
    values: FloatArray = spectrum.data[_row(names, setting.label, setting.unit)]
    if not setting.phase:
        return values
    return np.asarray(values * np.cos(spectrum.data[_row(names, setting.phase, "rad")]))


def _row(names: list[tuple[str, str]], label: str, unit: str) -> int:
    for index, (name, theirs) in enumerate(names):
        if name == label:
            if theirs not in (unit, "a.u."):
                raise InstrumentError(f"channel {label} is in {theirs}, expected {unit}")
            return index
    known = ", ".join(name for name, _ in names)
    raise InstrumentError(f"the file has no channel {label}; it has {known}")
