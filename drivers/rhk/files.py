"""The files of the R9: found by the name that was asked for, read when they are whole."""

import math
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from spm_auto.data import DataFile, open_file
from spm_auto.errors import DataError, InstrumentError, OutOfStep
from spm_auto.instrument import BiasWaveform, Channel, FloatArray, ScanFrame, ScanImage

from ..transport import SLICE, Patience
from .settings import ImageChannelSettings, SpectrumChannelSettings

ENDING = ".sm4"
SAME = 1e-5  # relative to the frame: files keep places as 32-bit floats
SAME_TURN = 1e-5  # [rad]
SAME_BIAS = 2e-3  # [V]


def wait_for(folder: Path, name: str, patience: Patience) -> DataFile:
    """Wait for the file that a procedure saves under a name, and read it.

    It is there when its size stays as it is and it can be read to its end. Only the name counts,
    never the time: another file that is newer is somebody else's.

    Args:
        folder: Where it comes.
        name: With which its name begins; no other file has it.
        patience: How long it may take.

    Raises:
        NoReply: It did not come, or cannot be read; the message says what is there.
        OutOfStep: More than one came.
    """
    size, wrong = -1, "no such file"
    while True:
        found = _named(folder, name)
        if len(found) > 1:
            raise OutOfStep(
                f"{folder}: {len(found)} files begin with {name}; one measurement saves one file"
            )
        if found:
            before, size = size, _size(found[0])
            wrong = f"{found[0].name} has {size} bytes and grows"
            if size == before:
                try:
                    return open_file(found[0])
                except DataError as error:
                    wrong = str(error)
        patience.check(f"the file {name}*{ENDING} in {folder} ({wrong})")
        threading.Event().wait(SLICE / 5)


def image_of(
    file: DataFile, frame: ScanFrame, channels: Sequence[ImageChannelSettings]
) -> tuple[FloatArray, FloatArray]:
    """Return the images of a scan there and back, each of shape [channel, line, pixel].

    Args:
        file: What was saved.
        frame: Which was scanned, its angle as the file counts it.
        channels: Which are wanted, in this order.

    Raises:
        OutOfStep: The file shows another frame.
        InstrumentError: It has not all channels in both directions, or in another unit.
    """
    there, back = [], []
    for wanted in channels:
        image = next((i for i in file.images if wanted.label in _labels([i])), None)
        if image is None:
            raise InstrumentError(
                f"{file.source} has no image {wanted.label!r} for the channel {wanted.name!r}; "
                f"it has {', '.join(_labels(file.images))}"
            )
        _check_frame(file.source, image.frame, frame)
        _check_unit(file.source, image.channels, wanted)
        ways = [image.channel(wanted.label, backward) for backward in (False, True)]
        if any(np.isnan(way).all() for way in ways):
            raise InstrumentError(
                f"{file.source} has {wanted.label!r} in one direction only; both must be saved"
            )
        there.append(ways[0])
        back.append(ways[1])
    return np.stack(there), np.stack(back)


def sweep_of(
    file: DataFile,
    waveform: BiasWaveform,
    is_both: bool,
    channels: Sequence[SpectrumChannelSettings],
) -> FloatArray:
    """Return what a sweep measured, its cycles averaged: shape [channel, point].

    A curve of the way back is stored along the same axis as the one before it.

    Args:
        file: What was saved.
        waveform: Which was run.
        is_both: Whether it goes there and back.
        channels: Which are wanted, in this order.

    Raises:
        OutOfStep: The file has another sweep.
        InstrumentError: It has not all channels, or in another unit.
    """
    ways = 1 + is_both
    points = len(waveform.values) // ways
    rows = []
    for wanted in channels:
        curves = [s for s in file.spectra if wanted.label in [c.name for c in s.channels]]
        if not curves:
            labels = sorted({c.name for s in file.spectra for c in s.channels})
            raise InstrumentError(
                f"{file.source} has no curve {wanted.label!r} for the channel {wanted.name!r}; "
                f"it has {', '.join(labels)}"
            )
        _check_unit(file.source, curves[0].channels, wanted)
        if len(curves) != ways * waveform.cycles:
            raise OutOfStep(
                f"{file.source} has {len(curves)} curves of {wanted.label!r}; the sweep that the "
                f"lab file tells of gives {ways * waveform.cycles}"
            )
        for curve in curves:
            bias, asked = curve.bias, waveform.bias[:points]
            if len(bias) != points or not np.allclose(bias, asked, rtol=0.0, atol=SAME_BIAS):
                raise OutOfStep(
                    f"{file.source} goes from {bias[0]:g} to {bias[-1]:g} V in {len(bias)} points; "
                    f"the lab file says {asked[0]:g} to {asked[-1]:g} V in {points}"
                )
        stack = np.stack([curve.channel(wanted.label) for curve in curves])
        mean = stack.reshape(waveform.cycles, ways, points).mean(axis=0)
        rows.append(np.concatenate([mean[0], mean[1, ::-1]]) if is_both else mean[0])
    return np.stack(rows)


def _named(folder: Path, name: str) -> list[Path]:
    try:
        entries = list(folder.iterdir())
    except OSError as error:
        raise DataError(f"the folder of the R9's files, {folder}, is not there: {error}") from error
    return [e for e in entries if e.name.startswith(name) and e.suffix.lower() == ENDING]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # it is being put in place
        return -1


def _labels(images: Iterable[ScanImage]) -> list[str]:
    return sorted({channel.name for image in images for channel in image.channels})


def _check_frame(source: str, got: ScanFrame, asked: ScanFrame) -> None:
    allowed = SAME * (max(asked.size) + max(abs(v) for v in asked.center))
    turn = math.remainder(got.angle - asked.angle, math.tau)
    places = zip((*got.center, *got.size), (*asked.center, *asked.size), strict=True)
    if (
        got.pixels != asked.pixels
        or abs(turn) > SAME_TURN
        or any(abs(a - b) > allowed for a, b in places)
    ):
        raise OutOfStep(f"{source} shows {got}, asked for was {asked}; it is thrown away")


def _check_unit(source: str, there: Iterable[Channel], wanted: ImageChannelSettings) -> None:
    unit = next(channel.unit for channel in there if channel.name == wanted.label)
    if unit != wanted.unit:
        raise InstrumentError(
            f"{source}: {wanted.label!r} is in {unit!r}; the lab file says {wanted.unit!r}"
        )
