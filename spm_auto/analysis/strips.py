"""Strips: small scans by which a sample is found on a larger image, at a fraction of its time.

A strip has the pitch of its reference and is a part of its frame, so that the two are compared
pixel by pixel. Forward lines are compared with forward ones and backward with backward, and the
mean of both counts: what a scanner's hysteresis and the lag of its feedback add has opposite signs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import DataError
from ..instrument import FloatArray, ScanFrame, ScanImage
from .levelling import level_plane
from .strip_fit import Cells, fitted

_SMOOTH = 1.0  # [pixel] before slopes are looked at
_FLAT = 1e-9
_TRIED = 12  # parts that are looked at more closely
_APART = 4.0  # [pixel] by which the ways of a scanner with hysteresis may differ


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Where a strip was found.

    Attributes:
        shift: How far what it shows has moved on the scanner since the reference, x and y, besides
            the offset at which it was taken [m], shape (2,); NaN when it is not sure.
        covariance: Of that [m^2], shape (2, 2).
        likeness: Correlation with the reference there.
        channel: By which it was found.
        doubt: Why it is not sure; empty when it is.
    """

    shift: FloatArray
    covariance: FloatArray
    likeness: float
    channel: str
    doubt: str = ""

    @property
    def is_sure(self) -> bool:
        """Whether it may be believed."""
        return not self.doubt

    @property
    def uncertainty(self) -> float:
        """Standard deviation along the direction that is known worst [m]."""
        finite = np.isfinite(self.covariance).all()
        return math.sqrt(float(np.linalg.eigvalsh(self.covariance)[-1])) if finite else math.inf


@dataclass(frozen=True, slots=True)
class StripPlace:
    """A part of a reference by which the sample is found again.

    Attributes:
        line: First line of it.
        pixel: First pixel of it.
        lines: How many lines.
        pixels: How many pixels.
        expected: How well it tells where it is, along its worse axis [m].
    """

    line: int
    pixel: int
    lines: int
    pixels: int
    expected: float = math.nan

    def frame(self, reference: ScanFrame, offset: tuple[float, float] = (0.0, 0.0)) -> ScanFrame:
        """Return where it lies, shifted by an offset [m]."""
        x, y = reference.to_sample(
            self.line + (self.lines - 1) / 2, self.pixel + (self.pixels - 1) / 2
        )
        pitch = reference.pitch
        return replace(
            reference,
            center=(float(x) + offset[0], float(y) + offset[1]),
            size=(self.pixels * pitch[0], self.lines * pitch[1]),
            pixels=(self.pixels, self.lines),
        )

    def grown(self, shape: tuple[int, int], factor: int = 2) -> "StripPlace":
        """Return one that is larger by a factor each way, inside of a reference of a shape."""
        spans = []
        for first, n, of in (
            (self.line, self.lines, shape[0]),
            (self.pixel, self.pixels, shape[1]),
        ):
            wide = min(n * factor, of)
            spans.append((min(max(first - (wide - n) // 2, 0), of - wide), wide))
        (line, lines), (pixel, pixels) = spans
        return StripPlace(line, pixel, lines, pixels, self.expected)

    def time(self, reference: ScanImage) -> float:
        """Return when the reference's scan was in the middle of it [s]."""
        share = (self.line + self.lines / 2) / reference.frame.shape[0]
        return reference.start_time + share * (reference.end_time - reference.start_time)


def choose_strip(
    reference: ScanImage, lines: int, pixels: int, margin: int, channels: Sequence[str] = ()
) -> StripPlace:
    """Choose the part of an image that tells best where it is, along its worse axis.

    Each channel's slopes, squared and added up over the part, in units of the channel's noise, say
    how well a shift is known in each direction; the part counts by the worse one. Of the parts that
    tell most it is the first that is found without doubt, as the backward lines show it, on the
    forward lines: a lattice has slopes enough, but looks the same a period farther.

    Args:
        reference: The image.
        lines: Of the strip.
        pixels: Of the strip, on each line.
        margin: Pixels and lines that the image must go on around it.
        channels: Which channels to look at; empty for all.

    Raises:
        DataError: There is no room for it, nothing to be seen, or no such channel.

    Source:
        J. Shi, C. Tomasi, Good features to track (CVPR 1994); J. Immerkaer, Comput. Vis. Image
        Underst. 64, 300 (1996) for the noise.
    """
    from scipy import ndimage

    height, width = reference.frame.shape
    rooms = (height - 2 * margin - lines, width - 2 * margin - pixels)
    if min(rooms) < 0:
        raise DataError(
            f"a strip of {pixels} x {lines} pixels with {margin} around it does not fit in an "
            f"image of {width} x {height}; scan a larger one, or a smaller strip"
        )
    known = np.zeros((2, 2, height, width))
    for name in _names(reference, channels):
        for layer in _layers(reference, name, is_backward=False):
            noise = _noise(layer)
            if not noise > 0:
                noise = _FLAT + float(np.nanstd(layer)) * 1e-3
            smooth = ndimage.gaussian_filter(np.nan_to_num(layer), _SMOOTH)
            slopes = np.array(np.gradient(smooth)) / noise
            known += slopes[:, np.newaxis] * slopes[np.newaxis]
    sums = np.empty((2, 2, rooms[0] + 1, rooms[1] + 1))
    for i in range(2):
        for j in range(2):
            total = np.cumsum(np.cumsum(np.pad(known[i, j], ((1, 0), (1, 0))), axis=0), axis=1)
            part = (
                total[lines:, pixels:]
                - total[:-lines, pixels:]
                - total[lines:, :-pixels]
                + total[:-lines, :-pixels]
            )
            sums[i, j] = part[margin : margin + rooms[0] + 1, margin : margin + rooms[1] + 1]
    pitch = np.array(reference.frame.pitch[::-1])
    metric = np.moveaxis(sums, (0, 1), (2, 3)) / np.outer(pitch, pitch)
    worst = np.linalg.eigvalsh(metric)[..., 0]
    if not worst.max() > 0:
        raise DataError("the image has nothing by which a strip could be found again")
    found = [
        StripPlace(
            line + margin, pixel + margin, lines, pixels, 1 / math.sqrt(float(worst[line, pixel]))
        )
        for line, pixel in _promising(np.asarray(worst), np.array([lines, pixels]))
    ]
    return next((each for each in found if _is_told(reference, each, margin, channels)), found[0])


def _is_told(reference: ScanImage, place: StripPlace, margin: int, channels: Sequence[str]) -> bool:
    """Say whether a part as the backward lines show it is found on the forward lines."""
    window = (
        slice(place.line, place.line + place.lines),
        slice(place.pixel, place.pixel + place.pixels),
    )
    first, reach = (place.line, place.pixel), np.array([margin, margin])
    for name in _names(reference, channels):
        known = _layers(reference, name, is_backward=False)
        seen = [layer[window] for layer in _layers(reference, name, is_backward=True)]
        for by_line in (False, True) if _unit(reference, name) == "m" else (False,):
            if not fitted(known, seen, first, reach, by_line).doubt:
                return True
    return False


def _promising(worst: FloatArray, size: Cells) -> list[tuple[int, int]]:
    """Return parts that tell most, the best one first; none of them half within another one."""
    left, found = worst.copy(), []
    for _ in range(_TRIED):
        line, pixel = (int(n) for n in np.unravel_index(int(np.argmax(left)), left.shape))
        if not left[line, pixel] > 0:
            break
        found.append((line, pixel))
        near = tuple(
            slice(max(at - n // 2, 0), at + n // 2 + 1)
            for at, n in zip((line, pixel), size.tolist(), strict=True)
        )
        left[near] = 0.0
    return found


def place_strip(
    reference: ScanImage,
    strip: ScanImage,
    place: StripPlace,
    search: float,
    channels: Sequence[str] = (),
) -> Placed:
    """Find a strip on its reference.

    The correlation over all whole shifts that are searched says where; a least-squares fit with a
    gain and a tilt of its own says where to a fraction of a pixel, and how sure that is. Heights
    are tried without the mean of each line as well, which jumps.

    Args:
        reference: The image.
        strip: The strip, of the reference's pitch and angle.
        place: The part of the reference that it should show.
        search: How far from there it is sought, along each axis [m].
        channels: Which channels to compare; empty for all that both have. The one counts that is
            sure and has the smallest uncertainty.

    Raises:
        DataError: The strip has other pixels than its place, or no such channel.

    Source:
        B. D. Lucas, T. Kanade, IJCAI 1981, for the fit; K.-Y. Liang, S. L. Zeger, Biometrika 73, 13
        (1986) for the uncertainty.
    """
    if strip.frame.shape != (place.lines, place.pixels):
        raise DataError(
            f"a strip of {place.pixels} x {place.lines} pixels was expected, "
            f"got {strip.frame.pixels[0]} x {strip.frame.pixels[1]}"
        )
    found = []
    for name in _names(reference, channels):
        if name not in [channel.name for channel in strip.channels]:
            continue
        for by_line in (False, True) if _unit(reference, name) == "m" else (False,):
            found.append(_both_ways(reference, strip, place, search, name, by_line))
    if not found:
        raise DataError("a strip and its reference have no channel in common")
    sure = [each for each in found if each.is_sure]
    if sure:
        return min(sure, key=lambda each: each.uncertainty)
    return max(found, key=lambda each: each.likeness)


def _names(reference: ScanImage, channels: Sequence[str]) -> list[str]:
    have = [channel.name for channel in reference.channels]
    for name in channels:
        if name not in have:
            raise DataError(f"there is no channel {name!r} in the image; {', '.join(have)} are")
    return list(channels) or have


def _unit(image: ScanImage, name: str) -> str:
    (unit,) = (channel.unit for channel in image.channels if channel.name == name)
    return unit


def _layers(image: ScanImage, name: str, *, is_backward: bool) -> list[FloatArray]:
    """Return a channel as one image, or an angle as two: it wraps."""
    values = image.channel(name, is_backward)
    if _unit(image, name) == "rad":
        return [np.cos(values), np.sin(values)]
    return [level_plane(values)]


def _noise(layer: FloatArray) -> float:
    """Return the noise of a pixel."""
    bend = layer[1:-1] - (layer[:-2] + layer[2:]) / 2
    bend = bend[:, 1:-1] - (bend[:, :-2] + bend[:, 2:]) / 2
    left = bend[np.isfinite(bend)]
    return 1.4826 * float(np.median(np.abs(left))) / 1.5 if left.size else 0.0


def _both_ways(
    reference: ScanImage,
    strip: ScanImage,
    place: StripPlace,
    search: float,
    name: str,
    by_line: bool,
) -> Placed:
    """Compare forward with forward and backward with backward, and return the mean."""
    pitch = np.array(reference.frame.pitch[::-1])
    reach = np.maximum(np.ceil(search / pitch), 1).astype(int)
    ways = []
    for is_backward in (False, True):
        known = _layers(reference, name, is_backward=is_backward)
        seen = _layers(strip, name, is_backward=is_backward)
        ways.append(fitted(known, seen, (place.line, place.pixel), reach, by_line))
    likeness = min(way.likeness for way in ways)
    covariance = (ways[0].covariance + ways[1].covariance) / 4
    doubt = next((way.doubt for way in ways if way.doubt), "")
    apart = ways[0].shift - ways[1].shift
    if not doubt and (np.abs(apart) > _APART).any():
        doubt = f"forward and backward lines disagree by {np.abs(apart).max():.1f} pixels"
    scaled = covariance * np.outer(pitch, pitch)
    v, u = ((ways[0].shift + ways[1].shift) / 2 * pitch).tolist()
    frame = replace(reference.frame, center=(0.0, 0.0))
    cos, sin = math.cos(frame.angle), math.sin(frame.angle)
    turn = np.array([[-sin, cos], [cos, sin]])  # from (v, u) to (x, y)
    known_to = turn @ scaled @ turn.T if np.isfinite(scaled).all() else np.full((2, 2), np.inf)
    if not doubt and math.sqrt(float(np.linalg.eigvalsh(scaled)[-1])) > float(pitch.max()):
        doubt = f"it is not known to a pixel of {pitch.max():.2g} m"
    shift = np.full(2, np.nan)
    if not doubt:
        x, y = frame.from_frame(u, v)
        shift = np.array([float(x), float(y)])
    return Placed(shift, known_to, likeness, name, doubt)
