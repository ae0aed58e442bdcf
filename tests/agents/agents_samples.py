"""Overviews, loops and truths that the tests of agents share."""

import numpy as np
from scipy.ndimage import gaussian_filter

from spm_auto.agents import Candidates
from spm_auto.instrument import BiasWaveform, Channel, FloatArray, ScanFrame, ScanImage, Spectrum


def make_overview(seed: int = 0, pixels: tuple[int, int] = (24, 20)) -> ScanImage:
    """Make a smooth random image on a frame that is turned and not square."""
    rng = np.random.default_rng(seed)
    frame = ScanFrame((1e-6, -2e-6), (pixels[0] * 1e-8, pixels[1] * 1e-8), pixels, angle=0.3)
    image = gaussian_filter(rng.standard_normal(frame.shape), 1.5)[None]
    return ScanImage(frame, (Channel("amplitude", "m"),), image, image, 0.0, 1.0)


def make_truth(candidates: Candidates) -> FloatArray:
    """Return a value for each candidate that its image patch and its place predict, not its rank.

    It is highest where the image has a middling level and a steep slope: no single descriptor and
    no ranking by distance from the median finds it.
    """
    z = candidates.descriptors
    u, _ = candidates.frame.to_frame(*candidates.positions.T)
    truth = z[:, 5] - (z[:, 3] - 0.5) ** 2 + u / candidates.frame.size[0]
    return np.repeat(truth, len(candidates.levels))


def make_spectrum(
    response: FloatArray, bias: FloatArray | None = None, unit: str = "m"
) -> Spectrum:
    """Make a spectrum of one channel; without a bias that of an 8.5 V triangle."""
    if bias is None:
        bias = BiasWaveform.triangle(8.5, points=len(response)).bias
    return Spectrum(0.0, 0.0, bias, (Channel("response", unit),), response[None], 0.0, 1.0)


def hysteresis(
    bias: FloatArray, up: float, down: float, width: float = 0.0, amplitude: float = 1.0
) -> FloatArray:
    """Return a loop that switches up at one bias and down at another.

    Args:
        bias: A closed triangular sweep [V].
        up: Where the rising branch is in its middle [V].
        down: Where the falling branch is [V].
        width: Of the transition, a hyperbolic tangent [V]; zero for an abrupt one.
        amplitude: Half the difference of the saturations.
    """
    rises = np.roll(bias, -1) - np.roll(bias, 1) > 0
    distance = bias - np.where(rises, up, down)
    return amplitude * (np.tanh(distance / width) if width else np.sign(distance))
