"""Registration: how far the sample has moved between two images of the same frame."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..instrument import FloatArray, ScanFrame, ScanImage
from .levelling import level_plane

FARTHEST = 1 / 3  # of the frame: farther apart too little of the sample is on both images
DISTINCT = 3.0  # spreads of the correlation, by which the shift must stand out from all others
_SEARCHED = 1 / 2  # of the frame: what lies beyond the farthest shift must be seen to be refused
_FEWEST = 8  # lines and pixels
_SMOOTH = 2.0  # [pixel] what is wider is no fine structure
_STEPS = 50  # of the shift in a pixel
_BLOCKS = 4  # along each axis, for the uncertainty
_FLAT = 1e-9  # of the largest value; less than that is rounding

Image = NDArray[np.inexact[Any]]  # complex for what is an angle


@dataclass(frozen=True, slots=True)
class Shift:
    """How far the sample has moved: what was at (x, y) is now at (x + dx, y + dy).

    Attributes:
        dx: In sample coordinates [m]; NaN when it is not sure.
        dy: In sample coordinates [m]; NaN when it is not sure.
        uncertainty: Standard deviation along the direction that is known worst [m].
        quality: By how much the images are more alike at this shift than at any other, 0 to 1: the
            correlation, weighed by the root of the share that is on both, less that of the next
            best shift. 0 for noise, for a lattice and for what could not be compared.
        channel: The channel that it was found with; empty when none was any good.
        doubt: Why it is not sure; empty when it is.
    """

    dx: float
    dy: float
    uncertainty: float
    quality: float
    channel: str
    doubt: str = ""

    @property
    def is_sure(self) -> bool:
        """Whether it may be believed."""
        return not self.doubt


@dataclass(frozen=True, slots=True)
class _Match:
    """How one channel of two images fits together.

    Attributes:
        shift: Along lines and pixels [pixel], shape (2,).
        covariance: Of the shift [pixel squared], shape (2, 2).
        quality: See `Shift`.
        doubt: See `Shift`.
    """

    shift: FloatArray
    covariance: FloatArray
    quality: float = 0.0
    doubt: str = ""

    @classmethod
    def none(cls, doubt: str) -> "_Match":
        return cls(np.full(2, np.nan), np.full((2, 2), np.inf), doubt=doubt)


def register(before: ScanImage, after: ScanImage, channel: str = "") -> Shift:
    """Find how far the sample has moved between two images of the same frame.

    The correlation of the two, over the part of the sample that both show, is worked out for all
    whole shifts; so it is known how the best one compares with all others, and noise, lattices and
    images without anything to hold on to are found out. What both show at that shift is then
    registered to a fiftieth of a pixel. When that is in doubt it is tried again with the fine
    structure alone: a step outshines what says how far it moved along itself. The forward lines are
    used, of them the longest run that both images have. A tilt is taken out; an angle is taken as a
    complex number, as it wraps.

    Args:
        before: The first image.
        after: The second image. It may have fewer pixels and lines over the same area; the finer of
            both is then averaged to the pixels of the coarser.
        channel: Which channel to compare; empty for each that both have, of which the one counts
            that is sure and has the smallest uncertainty.

    Returns:
        The shift, in doubt when it is beyond a third of the frame, when another one fits nearly as
        well, or when it is not known to a pixel.

    Raises:
        DataError: The images are of different frames, or have no such channel in common.

    Source:
        M. Guizar-Sicairos, S. T. Thurman, J. R. Fienup, Opt. Lett. 33, 156 (2008) for the fractions
        of a pixel; D. Padfield, IEEE Trans. Image Process. 21, 2706 (2012) for the correlation over
        what overlaps; K.-Y. Liang, S. L. Zeger, Biometrika 73, 13 (1986) for the uncertainty.
    """
    frame = _common(before.frame, after.frame)
    names = _channels(before, after, channel)
    pairs = {n: [_prepared(image, n, frame) for image in (before, after)] for n in names}
    found = [_shift(_matched(*pair), name, frame) for name, pair in pairs.items()]
    if not any(shift.is_sure for shift in found):
        found += [_shift(_matched(*map(_fine, pair)), n, frame) for n, pair in pairs.items()]
    sure = [shift for shift in found if shift.is_sure]
    if sure:
        return min(sure, key=lambda shift: shift.uncertainty)
    return max(found, key=lambda shift: shift.quality)


def _common(before: ScanFrame, after: ScanFrame) -> ScanFrame:
    """Return the frame of both, with the fewer lines and pixels of the two."""
    off = [a - b for a, b in zip(after.corners(), before.corners(), strict=True)]
    if np.max(np.abs(off)) > 1e-6 * max(before.size):
        raise DataError(
            f"images of two frames cannot be registered: {before.size} m around {before.center} m "
            f"turned by {before.angle:g}, and {after.size} m around {after.center} m turned by "
            f"{after.angle:g}"
        )
    pixels, lines = (min(pair) for pair in zip(before.pixels, after.pixels, strict=True))
    return replace(before, pixels=(pixels, lines))


def _channels(before: ScanImage, after: ScanImage, channel: str) -> list[str]:
    common = [c.name for c in before.channels if c in after.channels]
    if not common:
        raise DataError("two images without a common channel cannot be registered")
    if channel and channel not in common:
        raise DataError(f"there is no channel {channel!r} in both images; {', '.join(common)} are")
    return [channel] if channel else common


def _prepared(image: ScanImage, name: str, frame: ScanFrame) -> Image:
    """Return a channel on the frame's grid, without its tilt; flat is exactly 0."""
    (unit,) = (channel.unit for channel in image.channels if channel.name == name)
    values = _averaged(image.channel(name), frame.shape)
    level = _levelled(np.exp(1j * values) if unit == "rad" else values)
    return np.where(np.abs(level) <= _FLAT * np.nanmax(np.abs(values), initial=0.0), 0.0, level)


def _levelled(image: Image) -> Image:
    """Return an image without its tilt; an angle has none."""
    if np.iscomplexobj(image):
        return np.asarray(image - np.mean(image, where=np.isfinite(image)))
    return level_plane(np.asarray(image, dtype=np.float64))


def _fine(image: Image) -> Image:
    """Return an image without what is smooth; a line that is missing takes its neighbours along."""
    from scipy import ndimage

    return np.asarray(image - ndimage.gaussian_filter(image, _SMOOTH, mode="nearest"))


def _averaged(image: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """Return an image on a coarser grid of the same area; a pixel that is partly known is not."""
    up, across = (_shares(n, of) for n, of in zip(shape, image.shape, strict=True))
    known = np.isfinite(image)
    sums = up @ np.where(known, image, 0.0) @ across.T
    whole = up @ known @ across.T > 1 - 1e-9
    return np.where(whole, sums, np.nan)


def _shares(n: int, of: int) -> FloatArray:
    """Return how much of each new pixel each old one covers, shape (n, of)."""
    new, old = (np.linspace(0.0, n, count + 1) for count in (n, of))
    low = np.maximum(new[:-1, None], old[None, :-1])
    high = np.minimum(new[1:, None], old[None, 1:])
    return np.asarray(np.maximum(high - low, 0.0))


def _matched(before: Image, after: Image) -> _Match:
    rows = _longest_run(np.isfinite(before + after).all(axis=1))
    before, after = before[rows], after[rows]
    if min(before.shape) < _FEWEST:
        lines, pixels = before.shape
        return _Match.none(f"both images have only {lines} lines of {pixels} pixels in common")
    if not (np.ptp(np.abs(before)) and np.ptp(np.abs(after))):
        return _Match.none("there is nothing to be seen")
    score = _correlation(before, after)
    middle = np.array(before.shape) - 1
    best = np.array(np.unravel_index(np.argmax(score), score.shape)) - middle
    lead, spread = _standing(score)
    if (np.abs(best) > FARTHEST * np.array(before.shape)).any():
        return _Match.none("the images fit best when shifted by more than a third of the frame")
    refined = _refined(before, after, best)
    if (np.abs(refined - best) > 1.0).any():
        return _Match.none("the correlation has no clear maximum")
    doubt = ""
    if lead < DISTINCT * spread:
        doubt = (
            f"other shifts fit as well: the best one leads by {lead:.2f}, chance by {spread:.2f}"
        )
    return _Match(refined, _covariance(before, after, refined), lead, doubt)


def _longest_run(is_good: NDArray[np.bool_]) -> slice:
    """Return the longest run of lines that are good; of equals the first."""
    edges = np.flatnonzero(np.diff(np.r_[False, is_good, False]))
    if edges.size == 0:
        return slice(0, 0)
    starts, stops = edges[::2], edges[1::2]
    longest = int(np.argmax(stops - starts))
    return slice(int(starts[longest]), int(stops[longest]))


def _correlation(before: Image, after: Image) -> FloatArray:
    """Return the correlation coefficient over what overlaps, weighed by the root of its share.

    So weighed, it scatters equally at all shifts where there is nothing but noise.

    Returns:
        For each whole shift from minus to plus the shape less 1; 0 beyond what is searched.
    """
    from scipy import signal

    def sums(first: Image, second: Image) -> Image:
        return np.asarray(signal.fftconvolve(second, np.conj(first[::-1, ::-1])))

    ones = np.ones(before.shape)
    shape = np.array(before.shape)
    n = np.outer(*(s - np.abs(np.arange(-s + 1, s)) for s in shape)).astype(float)
    first, second = np.conj(sums(before, ones)), sums(ones, after)
    own = sums(np.abs(before) ** 2, ones) - np.abs(first) ** 2 / n
    others = sums(ones, np.abs(after) ** 2) - np.abs(second) ** 2 / n
    shared = (sums(before, after) - np.conj(first) * second / n).real
    is_searched = np.outer(*(np.abs(np.arange(-s + 1, s)) <= _SEARCHED * s for s in shape))
    # where only what is flat overlaps, what is left of it is rounding
    is_searched &= (own > 1e-9 * own.max()) & (others > 1e-9 * others.max())
    with np.errstate(invalid="ignore", divide="ignore"):
        score = shared / np.sqrt(own * others) * np.sqrt(n / n.max())
    return np.where(is_searched, score, 0.0)


def _standing(score: FloatArray) -> tuple[float, float]:
    """Return by how much the highest peak is higher than the next one, and the spread beside it."""
    from scipy import ndimage

    highest = float(score.max())
    labels, _ = ndimage.label(score > highest / 2)
    beside = (labels != labels.flat[np.argmax(score)]) & (score != 0)
    if highest <= 0 or not beside.any():
        return 0.0, math.inf
    is_peak = beside & (score == ndimage.maximum_filter(score, 3))
    rival = max(0.0, float(score[is_peak].max(initial=0.0)))
    return highest - rival, float(np.std(score[beside]))


def _overlap(before: Image, after: Image, shift: NDArray[np.int64]) -> tuple[Image, Image]:
    """Return what both show when the second is shifted back by whole pixels."""
    here = tuple(slice(max(0, -s), n - max(0, s)) for s, n in zip(shift, before.shape, strict=True))
    there = tuple(slice(max(0, s), n + min(0, s)) for s, n in zip(shift, after.shape, strict=True))
    return before[here], after[there]


def _refined(before: Image, after: Image, shift: NDArray[np.int64]) -> FloatArray:
    """Return the shift to a fraction of a pixel."""
    from scipy import signal
    from skimage.registration import phase_cross_correlation

    parts = [_levelled(part) for part in _overlap(before, after, shift)]
    # towards the edges there is less and less, as the two do not go on alike beyond them
    window = np.outer(*(signal.windows.hann(n + 2)[1:-1] for n in parts[0].shape))
    back, _, _ = phase_cross_correlation(  # type: ignore[no-untyped-call]
        *(part * window for part in parts),
        upsample_factor=_STEPS,
        normalization=None,
    )
    return np.asarray(shift - back, dtype=float)


def _covariance(before: Image, after: Image, shift: FloatArray) -> FloatArray:
    """Return the covariance of a least-squares shift [pixel squared], shape (2, 2).

    What is left between the images pulls the shift in each block of the frame another way; how much
    the blocks differ says how uncertain the shift is, whether that is noise, correlated along lines
    or not, or that the sample moved while it was scanned.
    """
    from scipy import ndimage

    whole = np.round(shift).astype(np.int64)
    here, there = _overlap(before, after, whole)
    there = ndimage.shift(there, whole - shift, order=3, mode="nearest")
    here, there = (part[1:-1, 1:-1] - part[1:-1, 1:-1].mean() for part in (here, there))
    slopes, others = (np.array(np.gradient(part)) for part in (here, there))
    # each image's slopes have noise of its own, which their products do not have
    known = np.einsum("iab,jab->ij", np.conj(slopes), others).real
    gain = np.vdot(here, there).real / np.vdot(here, here).real
    pulls = (np.conj(slopes) * (there - gain * here)).real
    blocks = [
        block.sum(axis=(1, 2))
        for band in np.array_split(pulls, _BLOCKS, axis=1)
        for block in np.array_split(band, _BLOCKS, axis=2)
    ]
    if np.linalg.eigvalsh((known + known.T) / 2)[0] <= 0:
        return np.full((2, 2), np.inf)
    inverse = np.linalg.inv(known)
    covariance = inverse @ np.einsum("ki,kj->ij", blocks, blocks) @ inverse.T
    return np.asarray(covariance + np.eye(2) / (12 * _STEPS**2))


def _shift(match: _Match, channel: str, frame: ScanFrame) -> Shift:
    """Return what a match of a channel says of the sample [m]."""
    pitch = np.array(frame.pitch[::-1])
    covariance = match.covariance * np.outer(pitch, pitch)
    uncertainty = math.inf
    if np.isfinite(covariance).all():
        uncertainty = float(np.sqrt(np.linalg.eigvalsh(covariance)[-1]))
    doubt = match.doubt
    if not doubt and uncertainty > max(pitch):
        doubt = f"it is known to {uncertainty:.2g} m only, with pixels of {max(pitch):.2g} m"
    if doubt:
        return Shift(math.nan, math.nan, uncertainty, match.quality, channel, doubt)
    v, u = (match.shift * pitch).tolist()
    x, y = frame.from_frame(u, v)
    dx, dy = float(x) - frame.center[0], float(y) - frame.center[1]
    return Shift(dx, dy, uncertainty, match.quality, channel)
