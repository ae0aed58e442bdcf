"""Spectra and force curves with noise and with faults, for tests of the curves' views."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from spm_auto.data import Event, ForceCurveAcquired, SpectraDoubted, SpectrumAcquired
from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    Channel,
    ForceCurve,
    QualityFlag,
    Spectrum,
)

UP, DOWN, HEIGHT, OFFSET = 2.5, -1.5, 3e-12, 4e-13  # of the loops [V], [V], [m], [m]


def loop(number: int, flags: tuple[QualityFlag, ...] = (), points: int = 64) -> Spectrum:
    """Return a noisy loop: a response that switches, and a current."""
    noise = np.random.default_rng(number)
    bias = BiasWaveform.triangle(8.0, points).bias
    rising = np.roll(np.append(np.diff(bias) > 0, True), 1)
    response = OFFSET + HEIGHT * np.tanh((bias - np.where(rising, UP, DOWN)) / 0.8)
    response = response + 2e-13 * noise.standard_normal(points)
    current = 2e-12 * bias + 5e-13 * noise.standard_normal(points)
    channels = (Channel("response", "m"), Channel("current", "A"))
    start = 1000.0 + number
    x, y = 1e-7 + 1e-8 * number, -2e-7
    return Spectrum(
        x, y, bias, channels, np.stack([response, current]), start, start + 0.5, flags=flags
    )


def taken(spectrum: Spectrum) -> SpectrumAcquired:
    """Return that a spectrum was taken."""
    waveform = BiasWaveform(tuple(float(bias) for bias in spectrum.bias))
    return SpectrumAcquired(AcquireSpectrum(spectrum.x, spectrum.y, waveform), spectrum)


def loops(n: int, flagged: tuple[int, ...] = ()) -> Iterator[Event]:
    """Tell of so many loops; those that are named were saturated."""
    for number in range(n):
        flags = (QualityFlag.SATURATED,) if number in flagged else ()
        yield taken(loop(number, flags))


def doubted(first: int, last: int) -> SpectraDoubted:
    """Tell that the loops from one to another, both among them, are doubted."""
    return SpectraDoubted(1000.0 + first, 1000.5 + last, "the tip had changed")


def force_curve(number: int) -> ForceCurveAcquired:
    """Tell of a force curve: contact below, adhesion on the way up."""
    noise = np.random.default_rng(number)
    extension = np.linspace(0.0, 100e-9, 128)
    contact = np.where(extension > 80e-9, 0.5 * (extension - 80e-9), 0.0)
    pulled = np.where((extension > 60e-9) & (extension < 80e-9), 0.5 * (extension - 80e-9), 0.0)
    down = contact + 5e-11 * noise.standard_normal(128)
    up = contact + pulled + 5e-11 * noise.standard_normal(128)
    start = 5000.0 + number
    curve = ForceCurve(
        x=2e-7,
        y=1e-7,
        extension=extension,
        channels=(Channel("force", "N"),),
        approach=down[None],
        retract=up[None],
        start_time=start,
        end_time=start + 1.0,
    )
    return ForceCurveAcquired(AcquireForceCurve(2e-7, 1e-7, 1e-8, 1e-7), curve)


def with_offset(spectrum: Spectrum, offset: float) -> Spectrum:
    """Return a spectrum with another offset of its bias [V]."""
    return replace(spectrum, bias=spectrum.bias + offset)
