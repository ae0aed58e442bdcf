"""An image that looks different however it is turned or mirrored: for every format that stores one.

The frame is not square, not centred and turned; each channel is a tilted plane with a bright block
in its lower left corner and a dark one along its upper edge, and the way back differs from the way
there.
"""

from math import radians

import numpy as np

from spm_auto.instrument import BiasWaveform, Channel, ScanFrame, ScanImage, Spectrum

FRAME = ScanFrame(
    center=(120e-9, -75e-9), size=(300e-9, 200e-9), pixels=(48, 32), angle=radians(20)
)
CHANNELS = (Channel("height", "m"), Channel("current", "A"))
SCALES = (1e-9, 1e-12)  # what one unit of `look` is in each channel


def look(backward: bool = False) -> np.ndarray:
    """Return the picture in units of its own, shape [line, pixel], line 0 at the lower edge."""
    pixels, lines = FRAME.pixels
    up, right = np.mgrid[0:lines, 0:pixels] / np.array([[[lines]], [[pixels]]])
    picture = up + 0.3 * right
    picture[2:8, 3:12] += 2.0  # lower left
    picture[-4:-2, 30:44] -= 1.5  # upper edge, right of the middle
    return picture + 0.05 * right if backward else picture


def image() -> ScanImage:
    """Return the image with two channels."""
    return ScanImage(
        FRAME,
        CHANNELS,
        np.stack([scale * look() for scale in SCALES]),
        np.stack([scale * look(backward=True) for scale in SCALES]),
        start_time=10.0,
        end_time=42.0,
    )


def spectrum(x: float = 35e-9, y: float = -20e-9) -> Spectrum:
    """Return a spectrum on an uneven sweep that runs down first and comes back."""
    bias = BiasWaveform.sweep(1.5, -0.5, 21, backward=True).bias ** 3
    data = np.stack([1e-9 * (bias + 0.2), np.linspace(3e-12, 7e-12, len(bias))])
    channels = (Channel("current", "A"), Channel("dI/dV", "A/V"))
    return Spectrum(x, y, bias, channels, data, start_time=50.0, end_time=52.5)
