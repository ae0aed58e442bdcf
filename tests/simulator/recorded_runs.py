"""Recorded runs written by hand, for the tests of their replay."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spm_auto.clock import InstantClock
from spm_auto.data import (
    FILE_NAME,
    Event,
    Journal,
    LineAcquired,
    RunStarted,
    ScanFinished,
    ScanStarted,
    SpectrumAcquired,
)
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Channel,
    Load,
    QualityFlag,
    Scan,
    ScanFrame,
    ScanImage,
    ScanLine,
    Spectrum,
)
from spm_auto.settings import validate
from spm_auto.simulator import ReplayRunMicroscope, ReplayRunSettings

WAVEFORM = BiasWaveform((0.0, -3.0, 2.0), dwell=0.01, cycles=2)


def record(folder: Path, *events: Sequence[Event]) -> Path:
    """Write what happened in a run that was killed after it."""
    journal = Journal(folder / FILE_NAME, InstantClock().now)
    journal.append(RunStarted("uid-1", "by hand", "", "", "bench", 7))
    for event in (event for each in events for event in each):
        journal.append(event)
    journal.close()
    return folder


def opened(run: Path) -> ReplayRunMicroscope:
    """Open the replay of a run, and load."""
    settings = validate(ReplayRunSettings, {"kind": "replay_run", "run": str(run)}, "lab.toml")
    microscope = settings.open(InstantClock(), seed=0)
    microscope.load(Load())
    return microscope


def flat(
    frame: ScanFrame, value: float, channels: tuple[Channel, ...] = (Channel("height", "m"),)
) -> ScanImage:
    """Return an image of one value on the way there, and half of it on the way back."""
    stack = np.full((len(channels), *frame.shape), value)
    return ScanImage(frame, channels, stack, stack / 2, 0.0, 1.0)


def scanned(image: ScanImage, lines: int | None = None) -> list[Event]:
    """Say what a scan says; with a number of lines, of one that was killed after so many."""
    names = tuple(channel.name for channel in image.channels)
    events: list[Event] = [ScanStarted(Scan(image.frame, names), image.channels)]
    for index in range(image.frame.pixels[1] if lines is None else lines):
        line = ScanLine(index, image.forward[:, index], image.backward[:, index], float(index))
        events.append(LineAcquired(line))
    return events if lines is not None else [*events, ScanFinished(is_complete=True)]


def taken(
    x: float,
    y: float,
    value: float = 0.0,
    waveform: BiasWaveform = WAVEFORM,
    flags: tuple[QualityFlag, ...] = (),
    off: float = 0.0,
    channels: tuple[Channel, ...] = (Channel("current", "A"),),
) -> list[Event]:
    """Say that a spectrum was taken, which tells by its values which one it is.

    Args:
        x: Where it was asked for [m].
        y: Where it was asked for [m].
        value: Its first value; the next are larger by 0.1 each.
        waveform: What was run; the bias measured is 0.1 mV above it.
        flags: What the instrument found wrong with it.
        off: How far to the right of it the position was read back [m].
        channels: What was measured.
    """
    bias = waveform.bias + 1e-4
    data = np.tile(value + 0.1 * np.arange(len(bias)), (len(channels), 1))
    spectrum = Spectrum(x + off, y, bias, channels, data, value, value + 1.0, flags)
    return [SpectrumAcquired(AcquireSpectrum(x, y, waveform), spectrum)]


def image_of(microscope: ReplayRunMicroscope, scan: Scan) -> ScanImage:
    """Scan a frame and put its lines together."""
    lines = list(microscope.scan(scan))
    forward, backward = (
        np.stack([getattr(line, way) for line in lines], axis=1) for way in ("forward", "backward")
    )
    channels = microscope.capabilities.channels_of(scan)
    return ScanImage(scan.frame, channels, forward, backward, 0.0, lines[-1].time)
