"""Tips: how sharp a tip is, told from an image of a lattice.

Atoms show whether a tip resolves. A blunt tip shows them less high. A tip with two ends shows them
as high as ever, and yet everything twice: on a lattice that is a lattice again. What gives it away
is that the two copies add up in one direction of rows and cancel in another, where the surface
itself has all its directions alike; or has them as the first tip showed them. So the direction that
is weakest is what a tip is judged by.
"""

import math
from dataclasses import dataclass

import numpy as np

from ..instrument import FloatArray, ScanFrame, ScanImage
from .quality import straightened

RING = 0.15  # half-width around a lattice's wave number that counts as its own
WEDGE = math.radians(20)  # half-width around one of its directions, likewise
SPOT = 0.1  # power of a spot over that of the strongest, above which it is one
_NEAR = 3  # [bins] across which the power of a spot is spread by the window
_LONG = 2.0  # waves in an image, up to which a wave is no row of atoms


@dataclass(frozen=True, slots=True)
class Sharpness:
    """What a tip shows of a lattice.

    Attributes:
        corrugation: rms height of the rows of all directions together, noise left out
            [the channel's unit].
        weakest: The same if all directions were as weak as the weakest.
        evenness: Amplitude of the weakest direction over that of the strongest, from 0 to 1.
    """

    corrugation: float
    weakest: float
    evenness: float


@dataclass(frozen=True, slots=True)
class Likeness:
    """What a tip shows of what a first one showed.

    Attributes:
        weakest: Amplitude of the wave that is weakest, for what it was at first: 1 for the same
            tip, less for a blunt one.
        evenness: Of the weakest for the strongest: 1 for a single end, however blunt; less where
            two ends cancel in one direction.
    """

    weakest: float
    evenness: float


def sharpness(
    image: ScanImage, spacing: float, directions: int = 3, channel: str = ""
) -> Sharpness:
    """Say how well an image shows a lattice.

    What there and back share is taken for real, so noise counts as nothing. The directions are
    those of the strongest rows and of what a lattice has besides: a drift or a scanner that turns
    it does no harm.

    Args:
        image: Some rows of the lattice, there and back.
        spacing: Distance of its rows [m]: 0.213 nm for graphite, whose equal atoms are 0.246 nm
            apart.
        directions: Of its rows: 3 for a hexagonal lattice, 2 for a square one.
        channel: The channel that shows it; empty for the first one.

    Returns:
        Zeros for an image with a hole in it.

    Raises:
        ValueError: The frame is smaller than two rows, or its pixels too coarse for one.
    """
    check_rows(image.frame, spacing)
    power = _shared_power(image, channel)
    if power is None:
        return Sharpness(0.0, 0.0, 0.0)
    slow, fast = _wave_numbers(image)
    ring = np.abs(np.hypot(slow, fast) * spacing - 1) < RING
    angle = np.arctan2(slow, fast)
    ringed = np.where(ring, power, 0.0)
    strongest = float(angle[np.unravel_index(np.argmax(ringed), ringed.shape)])
    turns = strongest + math.pi * np.arange(directions) / directions
    powers = [_in_wedge(ringed, angle, turn) for turn in turns.tolist()]
    if not max(powers) > 0:
        return Sharpness(0.0, 0.0, 0.0)
    return Sharpness(
        corrugation=math.sqrt(sum(powers)),
        weakest=math.sqrt(directions * min(powers)),
        evenness=math.sqrt(min(powers) / max(powers)),
    )


def check_rows(frame: ScanFrame, spacing: float) -> None:
    """Refuse a frame on which rows so far apart cannot be judged.

    Args:
        frame: That is scanned.
        spacing: Distance of the rows [m].

    Raises:
        ValueError: The frame is smaller than two rows, or its pixels too coarse for one.
    """
    finest, widest = 2 * max(frame.pitch) * (1 + RING), min(frame.size) / 2
    if not finest < spacing <= widest:
        raise ValueError(
            f"with {frame.pixels} pixels on {frame.size} m rows can be judged from {finest:.3g} to "
            f"{widest:.3g} m apart, got {spacing:g} m"
        )


def likeness(image: ScanImage, first: ScanImage, channel: str = "") -> Likeness:
    """Say how much of the rows of a first image another one of the same frame shows.

    The waves of the first image that stand out are looked for in the other, wherever it lies: drift
    only moves them.

    Args:
        image: Of any tip.
        first: Of a good one.
        channel: The channel that shows them; empty for the first one.

    Returns:
        NaN where the first image shows no waves, or one of the two has a hole.
    """
    from scipy.ndimage import maximum_filter, uniform_filter

    then, now = _shared_power(first, channel), _shared_power(image, channel)
    if then is None or now is None or then.shape != now.shape:
        return Likeness(math.nan, math.nan)
    lines, pixels = then.shape
    waves = np.hypot(*np.meshgrid(_waves(lines), _waves(pixels), indexing="ij"))
    before = uniform_filter(np.where(waves > _LONG, then, 0.0), _NEAR, mode="wrap")
    after = maximum_filter(uniform_filter(now, _NEAR, mode="wrap"), _NEAR, mode="wrap")
    is_spot = (before == maximum_filter(before, 2 * _NEAR - 1, mode="wrap")) & (waves > _LONG)
    is_spot &= before > SPOT * before.max()
    if not is_spot.any() or not before.max() > 0:
        return Likeness(math.nan, math.nan)
    shown = np.sqrt(after[is_spot] / before[is_spot])
    strongest = float(shown.max())
    return Likeness(float(shown.min()), float(shown.min()) / strongest if strongest > 0 else 0.0)


def _shared_power(image: ScanImage, channel: str) -> FloatArray | None:
    """Return the power that there and back share for each wave, shape [line, pixel].

    Its sum is the mean square of what they share. What they share at a wave may come late,
    so that its phase says nothing; what they do not share averages out over neighbouring waves.
    """
    from scipy.ndimage import uniform_filter

    there, back = image.channel(channel), image.channel(channel, backward=True)
    if not (np.isfinite(there).all() and np.isfinite(back).all()):
        return None
    window = np.outer(*(np.hanning(n + 2)[1:-1] for n in there.shape))
    one, other = (np.fft.fft2(straightened(each) * window) for each in (there, back))
    cross = one * other.conj()
    near = uniform_filter(cross.real, _NEAR, mode="wrap") + 1j * uniform_filter(
        cross.imag, _NEAR, mode="wrap"
    )
    known = np.abs(near) / np.maximum(uniform_filter(np.abs(cross), _NEAR, mode="wrap"), 1e-300)
    floor = 1 / _NEAR  # of what is not shared
    share = np.clip((known - floor) / (1 - floor), 0.0, 1.0)
    return np.asarray(np.abs(cross) * share / (there.size * float(np.sum(window**2))))


def _waves(n: int) -> FloatArray:
    """Return how many waves of each kind an image of so many pixels holds."""
    return np.asarray(np.fft.fftfreq(n) * n)


def _wave_numbers(image: ScanImage) -> tuple[FloatArray, FloatArray]:
    """Return the wave numbers along the slow and the fast axis [1/m], shape [line, pixel]."""
    along = (
        np.fft.fftfreq(n, pitch)
        for n, pitch in zip(image.frame.shape, image.frame.pitch[::-1], strict=True)
    )
    slow, fast = np.meshgrid(*along, indexing="ij")
    return slow, fast


def _in_wedge(power: FloatArray, angle: FloatArray, turn: float) -> float:
    """Return the power around a direction [rad], both ways."""
    away = np.abs((angle - turn + math.pi / 2) % math.pi - math.pi / 2)
    return float(power[away < WEDGE].sum())
