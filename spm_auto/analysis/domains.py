"""Domains: how large a domain on an image is, and where the film around it is poled one way.

What is read is the signed response: positive around the domain and negative inside of it. Where a
film answers less, it is smaller on both sides of a wall, but the wall stays where it is zero.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..instrument import FloatArray, ScanFrame, ScanImage

_FEWEST = 4.0  # pixels that a domain has at least
_INTERPOLATED = 0.15  # of a pixel: how well a wall lies between two of them
_ONE_WAY = 0.98  # share of a piece of film that answers alike, when it counts as poled one way


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain as an image shows it.

    Attributes:
        diameter: Of the disc of its area [m]; 0 where there is none, infinite where it leaves the
            image.
        uncertainty: Standard deviation [m].
        smallest: Diameter below which none would be seen [m].
    """

    diameter: float
    uncertainty: float
    smallest: float


def signed_response(
    image: ScanImage, phase: str, amplitude: str = "", backward: bool = False
) -> FloatArray:
    """Return the response with its sign, shape [line, pixel]; positive along the image's edge.

    The two directions of polarisation answer in antiphase, wherever the phase is zero. A channel
    that is not in radians has its sign already.

    Args:
        image: The image.
        phase: Its channel with the phase [rad], or with the signed response.
        amplitude: Its channel with the amplitude; empty for none.
        backward: Whether the way back is wanted.

    Raises:
        ValueError: The image has no such channel.
    """
    values = image.channel(phase, backward)
    unit = next(c.unit for c in image.channels if c.name == phase) if phase else ""
    if unit == "rad":
        size = image.channel(amplitude, backward) if amplitude else np.ones_like(values)
        answer = size * np.exp(1j * values)
        axis = np.angle(np.nansum(answer**2)) / 2
        values = np.real(answer * np.exp(-1j * axis))
    edge = np.concatenate([values[0], values[-1], values[1:-1, 0], values[1:-1, -1]])
    return np.asarray(-values if np.nanmedian(edge) < 0 else values)


def measure_domain(
    image: ScanImage, phase: str, amplitude: str = "", resolution: float = 0.0
) -> Domain:
    """Measure the domain in the middle of an image.

    The wall is where the signed response goes through zero between pixels; of the ways there and
    back the mean is taken. A tip that sees an area wider than the wall shows a round domain smaller
    than it is, and one that is too small not at all; that is undone.

    Args:
        image: Small, the domain somewhere in it; some lines may be missing at its end.
        phase: Its channel with the phase [rad], or with the signed response.
        amplitude: Its channel with the amplitude; empty for none.
        resolution: Standard deviation of the Gaussian area that the tip sees [m]; 0 for a sharp
            one.

    Raises:
        ValueError: The image has no such channel, or lines are missing.
    """
    pitch, best = image.frame.pitch, seen_at_best(image.frame, resolution)
    ways = []
    for backward in (False, True):
        area = _flipped_area(signed_response(image, phase, amplitude, backward), pitch)
        ways.append(2 * _true_radius(math.sqrt(area / math.pi), resolution) if area else 0.0)
    if min(ways) < best.smallest:  # where only one way shows it, it was a trick of noise
        return best
    if not math.isfinite(max(ways)):
        return replace(best, diameter=math.inf)
    apart = (ways[0] - ways[1]) / 2
    return replace(best, diameter=sum(ways) / 2, uncertainty=math.hypot(apart, best.uncertainty))


def seen_at_best(frame: ScanFrame, resolution: float) -> Domain:
    """Return how well domains are measured on an image of a frame, as one that is not there.

    Args:
        frame: Of the image.
        resolution: Standard deviation of the Gaussian area that the tip sees [m].
    """
    pixel = math.sqrt(frame.pitch[0] * frame.pitch[1])
    least = _true_radius(pixel * math.sqrt(_FEWEST / math.pi), resolution)
    return Domain(0.0, _INTERPOLATED * pixel, 2 * least)


def poled_sites(
    image: ScanImage,
    phase: str,
    amplitude: str,
    area: ScanFrame,
    size: tuple[float, float],
    spacing: float,
) -> FloatArray:
    """Return places in rows with nothing but film around them that is poled one way.

    Args:
        image: Of the film.
        phase: Its channel with the phase [rad], or with the signed response.
        amplitude: Its channel with the amplitude; empty for none.
        area: Where the places may lie, with what is around them.
        size: Of what is around a place, along the axes of the area [m].
        spacing: Between neighbours [m].

    Returns:
        x and y of each place [m], shape (n, 2), there and back row by row; all of them poled the
        way that most are.

    Raises:
        ValueError: The image has no such channel.
    """
    from scipy.ndimage import uniform_filter

    signs = np.sign(signed_response(image, phase, amplitude))
    pixels = [max(round(s / p), 1) for s, p in zip(size, image.frame.pitch, strict=True)]
    mean = uniform_filter(np.nan_to_num(signs), size=(pixels[1], pixels[0]), mode="constant")
    places = []
    along = [_along(a, s, spacing) for a, s in zip(area.size, size, strict=True)]
    for row, v in enumerate(along[1]):
        for u in along[0][:: 1 if row % 2 == 0 else -1]:
            places.append(area.from_frame(u, v))
    points = np.array(places, dtype=float).reshape(-1, 2)
    points = points[image.frame.contains(*points.T)]
    line, pixel = np.rint(image.frame.to_pixel(*points.T)).astype(int)
    line = np.minimum(np.maximum(line, 0), image.frame.shape[0] - 1)
    pixel = np.minimum(np.maximum(pixel, 0), image.frame.shape[1] - 1)
    around = mean[line, pixel]
    least = 2 * _ONE_WAY - 1
    up, down = around >= least, around <= -least
    return np.asarray(points[up if up.sum() >= down.sum() else down])


def _along(extent: float, size: float, spacing: float) -> FloatArray:
    """Return places along an axis, as many as fit, centred [m]."""
    room = extent - size
    if room < 0:
        return np.empty(0)
    n = math.floor(room / spacing * (1 + 1e-9)) + 1
    return np.asarray((np.arange(n) - (n - 1) / 2) * spacing)


def _flipped_area(signed: FloatArray, pitch: tuple[float, float]) -> float:
    """Return the largest area that is negative [m^2]; 0 for none, infinite if it is not whole."""
    from skimage.measure import find_contours, label

    if not np.isfinite(signed).all():
        raise ValueError("lines of the image are missing, and with them perhaps a domain")
    regions = label(signed < 0, connectivity=1)  # type: ignore[no-untyped-call]
    edge = np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]])
    if edge.any() and _cut_off(regions, edge):
        return math.inf
    areas = [0.0]
    for contour in find_contours(signed, 0.0):  # type: ignore[no-untyped-call]
        y, x = contour.T
        enclosed = float(np.sum(x[1:] * y[:-1] - x[:-1] * y[1:])) / 2
        if np.array_equal(contour[0], contour[-1]):  # around what is positive it is negative
            areas.append(enclosed)
    return max(areas) * pitch[0] * pitch[1]


def _cut_off(regions: NDArray[np.intp], edge: NDArray[np.intp]) -> bool:
    """Say whether one of the regions along an edge is more than noise."""
    sizes = np.bincount(regions.ravel())
    return bool((sizes[np.unique(edge[edge > 0])] > _FEWEST).any())


def _true_radius(seen: float, resolution: float) -> float:
    """Return the radius of a disc whose Gaussian blur is half gone at a radius [m].

    The share of a disc of radius r seen from a distance s is P(chi'^2 <= r^2 / w^2) with two
    degrees of freedom and non-centrality s^2 / w^2.
    """
    from scipy.stats import ncx2

    if resolution == 0 or not math.isfinite(seen):
        return seen
    return resolution * math.sqrt(float(ncx2.ppf(0.5, 2, (seen / resolution) ** 2)))
