"""Domain walls of a piezoresponse image: where the response turns over, and how far that is.

The response of two domains differs by its sign: amplitude times cosine of the phase, once the phase
offset of the instrument is taken out and what does not come from the sample's polarisation is taken
off. Its zero lines, found to a fraction of a pixel, are the walls.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..instrument import FloatArray, ScanFrame, ScanImage

SMOOTHING = 0.6  # width of the Gaussian that takes the noise out [pixel]
SHORTEST = 12.0  # walls shorter than so many pixels are noise
LEAST_ALIKE = 0.5  # mean of twice the phase as a vector: below, the phase is noise
CLEAR = 0.7  # cosine from which on a pixel clearly belongs to a domain
LEAST_SHARE = 0.005  # of the area, that the smaller domains take together
LEAST_APART = 4.0  # what two domains on a strong background must differ by, in spreads of one
_ROUNDS = 50  # until the two domains are told apart; a few are enough
_STEP = 0.25  # between the points that a wall is made of [pixel]


@dataclass(frozen=True, slots=True, eq=False)
class Distances:
    """How far some places are from the nearest wall.

    Attributes:
        value: Distance [m], infinite where there is no wall, shape (n,).
        deviation: Standard deviation, from where the walls are [m], shape (n,).
        is_bound: Whether the frame ends before the nearest wall that is seen: a nearer one may lie
            outside, and the distance is only the most that it can be; shape (n,).
        side: 1 or -1, the domain that each place lies in, 0 outside of the frame; shape (n,).
    """

    value: FloatArray
    deviation: FloatArray
    is_bound: NDArray[np.bool_]
    side: NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class DomainWalls:
    """The walls that an image shows.

    Attributes:
        frame: Of the image.
        response: Signed response, smoothed, 0 on the walls and about 1 or -1 within domains, shape
            [line, pixel]; NaN where nothing was measured. Which sign is which polarisation, a phase
            alone does not say.
        lines: Each wall as points on the sample [m], shape (n, 2).
        deviations: Standard deviation of each of these points across the wall [m], shape (n,).
        phase_offset: What was taken off the phase, within half a turn [rad].
    """

    frame: ScanFrame
    response: FloatArray
    lines: tuple[FloatArray, ...]
    deviations: tuple[FloatArray, ...]
    phase_offset: float

    @property
    def length(self) -> float:
        """Length of all walls [m]."""
        return float(
            sum(np.hypot(*np.diff(line, axis=0).T).sum() for line in self.lines if len(line) > 1)
        )

    @property
    def deviation(self) -> float:
        """Median standard deviation of where a wall is [m]; NaN where there is none."""
        return float(np.median(np.concatenate(self.deviations))) if self.lines else math.nan

    @property
    def share(self) -> float:
        """Share of the area whose response is positive."""
        known = self.response[np.isfinite(self.response)]
        return float(np.mean(known > 0)) if known.size else math.nan

    @cached_property
    def _points(self) -> tuple[FloatArray, FloatArray]:
        """Points densely on all walls [m], shape (n, 2), and their deviations, shape (n,)."""
        step = _STEP * min(self.frame.pitch)
        places, deviations = [], []
        for line, spread in zip(self.lines, self.deviations, strict=True):
            along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
            at = np.linspace(0.0, along[-1], max(2, math.ceil(along[-1] / step) + 1))
            places.append(np.column_stack([np.interp(at, along, line[:, k]) for k in (0, 1)]))
            deviations.append(np.interp(at, along, spread))
        return np.concatenate(places), np.concatenate(deviations)

    def distances(self, x: ArrayLike, y: ArrayLike) -> Distances:
        """Say how far places are from the nearest wall.

        Args:
            x: Sample coordinates [m], shape (n,).
            y: Sample coordinates [m], shape (n,).
        """
        x, y = np.atleast_1d(np.asarray(x, dtype=float)), np.atleast_1d(np.asarray(y, dtype=float))
        half = np.array(self.frame.size) / 2
        to_edge = np.min(half[:, None] - np.abs(self.frame.to_frame(x, y)), axis=0)
        side = self._side(x, y)
        if not self.lines:
            return Distances(
                np.full(x.shape, np.inf), np.zeros(x.shape), np.ones(x.shape, dtype=bool), side
            )
        from scipy.spatial import cKDTree

        places, deviations = self._points
        distance, nearest = cKDTree(places).query(np.column_stack([x, y]))
        return Distances(distance, deviations[nearest], distance > to_edge, side)

    def distance_map(self) -> FloatArray:
        """Return the distance of each pixel from the nearest wall [m], shape [line, pixel]."""
        lines, pixels = np.indices(self.frame.shape)
        x, y = self.frame.to_sample(lines.ravel(), pixels.ravel())
        return self.distances(x, y).value.reshape(self.frame.shape)

    def _side(self, x: FloatArray, y: FloatArray) -> NDArray[np.int8]:
        inside = self.frame.contains(x, y)
        height, width = self.frame.shape
        rows, columns = self.frame.to_pixel(x[inside], y[inside])
        line = np.clip(np.rint(rows).astype(int), 0, height - 1)
        pixel = np.clip(np.rint(columns).astype(int), 0, width - 1)
        side = np.zeros(x.shape, dtype=np.int8)
        side[inside] = np.sign(np.nan_to_num(self.response[line, pixel]))
        return side


def find_walls(
    image: ScanImage,
    phase: str = "phase",
    amplitude: str = "amplitude",
    backward: bool = False,
    smoothing: float = SMOOTHING,
    shortest: float = SHORTEST,
) -> DomainWalls:
    """Find the domain walls of a piezoresponse image.

    Args:
        image: The image.
        phase: Name of its channel with the phase [rad or deg].
        amplitude: Name of its channel with the amplitude; empty to go by the phase alone, which
            sees walls less finely.
        backward: Whether the way back is looked at.
        smoothing: Width of the Gaussian that takes the noise out [pixel].
        shortest: Length below which a wall is taken for noise [pixel].

    Returns:
        The walls; none where the response is that of one domain.

    Raises:
        ValueError: The image has no such channel, or nothing was measured in it.
    """
    unit = {channel.name: channel.unit for channel in image.channels}.get(phase, "rad")
    if unit not in ("rad", "deg"):
        raise ValueError(f"the channel {phase!r} is no phase: its unit is {unit!r}")
    turn = 1.0 if unit == "rad" else math.pi / 180
    angles = image.channel(phase, backward) * turn
    sizes = image.channel(amplitude, backward) if amplitude else np.ones_like(angles)
    known = np.isfinite(angles) & np.isfinite(sizes)
    if not known.any():
        raise ValueError(f"nothing was measured in the channel {phase!r}")
    vectors = np.where(known, sizes * np.exp(1j * angles), 0.0)
    signed, offset, is_two = _signed(vectors, known)
    smooth = _smooth(signed, known, smoothing)
    lines: list[FloatArray] = []
    deviations: list[FloatArray] = []
    for row_column in _contours(smooth, known, shortest) if is_two else ():
        x, y = image.frame.to_sample(*row_column.T)
        lines.append(np.column_stack([x, y]))
        deviations.append(_deviation(signed, smooth, known, smoothing, row_column, image.frame))
    return DomainWalls(
        image.frame, np.where(known, smooth, np.nan), tuple(lines), tuple(deviations), offset
    )


def _signed(
    vectors: NDArray[np.complex128], known: NDArray[np.bool_]
) -> tuple[FloatArray, float, bool]:
    """Return the response along the axis on which the domains differ, from about -1 to 1.

    And the phase of that axis [rad], and whether there are two domains. What both have in common,
    such as an electrostatic background, is taken off.
    """
    z = vectors[known]
    size = np.abs(z)
    doubled = np.divide(z, size, out=np.zeros_like(z), where=size > 0) ** 2
    # twice the phase is the same for both of two opposite domains
    is_axis = abs(np.mean(doubled)) > LEAST_ALIKE
    angle = float(np.angle(np.sum(z**2 if is_axis else (z - z.mean()) ** 2))) / 2
    along = np.real(z * np.exp(-1j * angle))
    clear = np.abs(along) > CLEAR * size
    shares = [float(np.mean(clear & (sign * along > 0))) for sign in (1, -1)]
    middle, is_two = 0.0, is_axis and min(shares) > LEAST_SHARE
    if not is_two:  # a background may be stronger than the domains are
        middle, is_two = _between(along)
    if not is_two:
        level = float(np.median(np.abs(along))) or 1.0
        signed = np.real(vectors * np.exp(-1j * angle)) / level
        return np.where(known, signed, 0.0), angle, False
    high, low = np.median(along[along > middle]), np.median(along[along <= middle])
    half = float(high - low) / 2
    signed = (np.real(vectors * np.exp(-1j * angle)) - float(high + low) / 2) / half
    return np.where(known, signed, 0.0), angle, True


def _between(along: FloatArray) -> tuple[float, bool]:
    """Return the middle between two groups of values, and whether there are two groups."""
    middle = float(np.mean(along))
    for _ in range(_ROUNDS):
        above, below = along[along > middle], along[along <= middle]
        if not (len(above) and len(below)):
            return middle, False
        before, middle = middle, float(np.median(above) + np.median(below)) / 2
        if middle == before:
            break
    above, below = along[along > middle], along[along <= middle]
    if not (len(above) and len(below)):
        return middle, False
    apart = float(np.median(above) - np.median(below))
    return middle, apart > LEAST_APART * max(_spread(above), _spread(below))


def _spread(values: FloatArray) -> float:
    """Return the standard deviation of most values: walls and failed pixels are left out."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def _smooth(values: FloatArray, known: NDArray[np.bool_], width: float) -> FloatArray:
    """Smooth what is known, with a Gaussian of some pixels."""
    from scipy.ndimage import gaussian_filter, median_filter

    if width <= 0:
        return values
    # single pixels that failed would be smeared over their neighbours
    middle = median_filter(values, size=3, mode="nearest")
    failed = np.abs(values - middle) > 1.5
    values = np.where(failed, middle, values)
    weight = gaussian_filter(known.astype(float), width, mode="nearest")
    sums = gaussian_filter(np.where(known, values, 0.0), width, mode="nearest")
    return np.asarray(np.divide(sums, weight, out=np.zeros_like(sums), where=weight > 1e-6))


def _contours(
    smooth: FloatArray, known: NDArray[np.bool_], shortest: float
) -> list[NDArray[np.float64]]:
    """Return the zero lines that are long enough, as line and pixel, each of shape (n, 2)."""
    from skimage.measure import find_contours

    find: Any = find_contours  # which has no types
    found = find(smooth, 0.0, mask=known)
    return [c for c in found if np.hypot(*np.diff(c, axis=0).T).sum() >= shortest]


def _deviation(
    signed: FloatArray,
    smooth: FloatArray,
    known: NDArray[np.bool_],
    smoothing: float,
    contour: FloatArray,
    frame: ScanFrame,
) -> FloatArray:
    """Return how well each point of a wall is known across it [m].

    Noise over slope, and a place that is known to within a pixel: a tip and pixels of finite size
    round the walls off.
    """
    from scipy.ndimage import map_coordinates

    left = (signed - smooth)[known]
    noise = _spread(left)
    if smoothing > 0:  # what a Gaussian leaves of the noise, and what it took of it
        kept = 1 / (2 * math.sqrt(math.pi) * smoothing)
        noise *= min(kept, 1.0)
    up, across = np.gradient(smooth)
    slope = np.hypot(up / frame.pitch[1], across / frame.pitch[0])
    at = map_coordinates(slope, contour.T, order=1, mode="nearest")
    pixel = float(np.max(frame.pitch))
    from_noise = np.minimum(noise / np.maximum(at, 1e-30), 10 * pixel)
    return np.asarray(np.hypot(from_noise, pixel / math.sqrt(12)))
