"""What images of round bumps say of the tip that took them: its radius, and whether it is double.

A tip with a paraboloid apex of radius R shows a paraboloid bump of radius B as one of radius R + B
and of the true height: the image alone cannot tell the two apart. It becomes knowledge with what is
known of bumps, here that they are between 0.2 and 0.5 times as high as they are wide.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from spm_auto.instrument import FloatArray, ScanImage

FLATNESS = (0.2, 0.5)  # height of a bump, in units of its radius at the base
RADII = (5e-9, 60e-9)  # between which a tip's radius lies, evenly on a logarithmic scale [m]
DISTANCES = (40e-9, 100e-9)  # between which the second end of a double tip lies [m]
DROP = 6e-9  # by which it ends higher than the first one, at most [m]

GRID = np.geomspace(*RADII, 160)  # [m]
SHAPES = np.linspace(*FLATNESS, 24)
OUTLIER = 0.02  # share of bumps that are something else
SCATTER = 0.05  # of an apparent radius beyond what noise explains, relative
LEAST = 1e-9  # height that makes a bump [m]
JUMP = 0.3e-9  # uncertainty of a height [m]
GROUND = 0.95  # of half an image's size that the base of a bump can take
FEWEST = 9  # pixels of a bump that its radius can be read from
TOP = 20e-9  # distance within which nothing is higher than a top [m]
PARTS = (0.5, 0.65, 0.8, 0.9)  # of a bump's height, from which on up it is read
SAME = 15e-9  # distance within which two bumps are one [m]
ALIKE = 0.12  # difference of two apparent radii of one bump seen twice, of the logarithm
CHANCE = 0.08  # that two different bumps look alike


@dataclass(frozen=True, slots=True)
class Bump:
    """A bump as an image shows it.

    Attributes:
        x: Of its top [m].
        y: Of its top [m].
        height: Above the ground [m].
        radius: Of curvature of its top [m].
        error: Standard deviation of that [m].
        room: Distance to the edge of the image [m].
    """

    x: float
    y: float
    height: float
    radius: float
    error: float
    room: float

    @property
    def reach(self) -> float:
        """Radius of its upper half [m]."""
        return math.sqrt(self.radius * self.height)

    def is_at(self, other: "Bump") -> bool:
        """Say whether two bumps are one."""
        return math.hypot(self.x - other.x, self.y - other.y) < SAME

    def merged(self, other: "Bump") -> "Bump":
        """Return what two readings of one bump say together."""
        weights = np.array([self.error**-2, other.error**-2])
        share = weights / weights.sum()
        return replace(
            self,
            height=float(share @ [self.height, other.height]),
            radius=float(share @ [self.radius, other.radius]),
            error=float(weights.sum() ** -0.5),
            room=max(self.room, other.room),
        )


@dataclass(frozen=True, slots=True)
class Belief:
    """What is believed of a tip; a value that is replaced after each image.

    Attributes:
        bumps: That were seen, each once.
        odds: Logarithm of the odds for a double tip.
    """

    bumps: tuple[Bump, ...] = ()
    odds: float = 0.0
    _told: tuple[FloatArray, ...] = field(default=(), repr=False)

    @property
    def of_radii(self) -> FloatArray:
        """Probability of each radius of `GRID`, shape (n,)."""
        total = np.sum(self._told, axis=0) if self._told else np.zeros(len(GRID))
        weights = np.exp(total - np.max(total))
        return np.asarray(weights / weights.sum())

    @property
    def radius(self) -> float:
        """Best guess of the radius [m]: the mean of its logarithm."""
        return math.exp(float(self.of_radii @ np.log(GRID)))

    @property
    def double(self) -> float:
        """Probability that the tip is double."""
        return 1 / (1 + math.exp(-self.odds))

    @property
    def entropy(self) -> float:
        """What is not known yet, of radius and number of ends together."""
        of_radii, both = self.of_radii, np.array([self.double, 1 - self.double])
        parts = (p[p > 0] for p in (of_radii, both))
        return float(sum(-np.sum(p * np.log(p)) for p in parts))

    def spread_around(self, radius: float) -> float:
        """Return the root mean square of what is believed around a radius, of the logarithm."""
        off = np.log(GRID / radius)
        return math.sqrt(float(self.of_radii @ off**2))

    def after(self, seen: Sequence[Bump]) -> "Belief":
        """Return the belief after one more image with some bumps."""
        belief, echoes = self._after_pairs(seen)
        bumps, told = list(belief.bumps), list(belief._told)
        for number, bump in enumerate(seen):
            if number in echoes:
                continue
            known = next((i for i, other in enumerate(bumps) if other.is_at(bump)), None)
            if known is None:
                bumps.append(bump)
                told.append(likelihood(bump))
            else:
                bumps[known] = bumps[known].merged(bump)
                told[known] = likelihood(bumps[known])
        return replace(belief, bumps=tuple(bumps), _told=tuple(told))

    def _after_pairs(self, seen: Sequence[Bump]) -> tuple["Belief", set[int]]:
        """Look for the highest bump's echo; return the belief, and which bumps are echoes."""
        if not seen:
            return self, set()
        first = max(range(len(seen)), key=lambda i: seen[i].height)
        top, echo = seen[first], None
        for number, bump in enumerate(seen):
            apart = math.hypot(bump.x - top.x, bump.y - top.y)
            fits = DISTANCES[0] < apart < DISTANCES[1] and top.height - bump.height < 1.2 * DROP
            if number != first and fits and abs(math.log(bump.radius / top.radius)) < ALIKE:
                echo = number
        if any(known.is_at(top) and known.room >= top.room for known in self.bumps):
            return self, set() if echo is None else {echo}  # nothing new
        visible = _share(top.room - top.reach, *DISTANCES) * _share(top.height, LEAST, LEAST + DROP)
        if echo is None:
            return replace(self, odds=self.odds + math.log1p(-0.9 * visible)), set()
        gain = math.log((CHANCE + visible) / CHANCE)
        return replace(self, odds=self.odds + gain), {echo}


def likelihood(bump: Bump) -> FloatArray:
    """Return the logarithm of how likely a bump looks so, for each radius of `GRID`."""
    own = bump.height / (2 * SHAPES**2)
    unsure = JUMP * own / bump.height
    deviation = np.sqrt(bump.error**2 + (SCATTER * bump.radius) ** 2 + unsure**2)
    off = (bump.radius - GRID[:, np.newaxis] - own) / deviation
    fits = np.mean(np.exp(-0.5 * off**2) / deviation, axis=1) * bump.radius
    return np.asarray(np.log((1 - OUTLIER) * fits + OUTLIER))


def bumps(image: ScanImage) -> tuple[Bump, ...]:
    """Read all bumps whose top lies well within an image; one that overlaps another counts, too."""
    height = levelled(image.channel("height"))
    smooth, tops = smoothed(height, image.frame.pitch[0])
    read = (_read(image, height, smooth, tops, (i, j)) for i, j in np.argwhere(tops).tolist())
    return tuple(bump for bump in read if bump is not None)


def smoothed(height: FloatArray, pitch: float) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return a levelled image without fine noise, and where its tops are, both [line, pixel].

    Args:
        height: Levelled [m], shape [line, pixel].
        pitch: Of its pixels [m].
    """
    from scipy.ndimage import gaussian_filter, maximum_filter

    smooth = gaussian_filter(height, 1.0)
    around = 2 * max(round(TOP / pitch), 1) + 1
    return smooth, (smooth == maximum_filter(smooth, around)) & (smooth > LEAST)


def levelled(height: FloatArray) -> FloatArray:
    """Return an image less the plane through its ground, shape [line, pixel]."""
    lines, pixels = np.indices(height.shape)
    terms = np.stack([np.ones(height.size), lines.ravel(), pixels.ravel()], axis=1)
    flat = height.ravel()
    ground: NDArray[np.bool_] = np.ones(height.size, dtype=bool)
    left = flat
    for _ in range(6):
        plane, *_ = np.linalg.lstsq(terms[ground], flat[ground])
        left = flat - terms @ plane
        ground = left < np.median(left[ground]) + LEAST / 2
    return np.asarray(left.reshape(height.shape))


def _read(
    image: ScanImage,
    height: FloatArray,
    smooth: FloatArray,
    tops: NDArray[np.bool_],
    at: tuple[int, int],
) -> Bump | None:
    """Read the bump below a top, down to where another one begins; None where it says too little.

    Args:
        image: That it is seen in.
        height: Levelled [m], shape [line, pixel].
        smooth: The same without single pixels that stand out.
        tops: Where tops are.
        at: Line and pixel of this one.
    """
    from scipy.ndimage import label

    (line, pixel), top = at, float(smooth[at])
    for share in PARTS:
        marks, _ = label(smooth > share * top)
        part = marks == marks[at]
        if np.count_nonzero(part & tops) == 1:
            break
    edges = part[0].any() or part[-1].any() or part[:, 0].any() or part[:, -1].any()
    if edges or np.count_nonzero(part) < FEWEST or np.count_nonzero(part & tops) > 1:
        return None
    # lines jump against one another, so that only the curvature along them counts
    x = np.broadcast_to(np.arange(part.shape[1]) - pixel, part.shape) * image.frame.pitch[0]
    rows = np.nonzero(part)[0]
    values = [v[part] for v in (x, x**2, height)]
    counts = np.bincount(rows)[rows]
    along, squared, z = (v - (np.bincount(rows, v)[rows] / counts) for v in values)
    terms = np.stack([along, squared], axis=1)
    normal = terms.T @ terms
    free = len(z) - len(np.unique(rows)) - 2
    if free < 3 or np.linalg.cond(normal / np.outer(d := np.sqrt(np.diag(normal)), d)) > 1e6:
        return None
    fit = np.linalg.solve(normal, terms.T @ z)
    noise = float(np.sum((z - terms @ fit) ** 2)) / free
    bend, error = float(fit[1]), math.sqrt(noise * float(np.linalg.inv(normal)[1, 1]))
    if bend >= 0 or error > -bend / 2:
        return None
    radius = -0.5 / bend
    top += image.frame.pitch[0] ** 2 / radius  # by which it was smoothed down
    if 2 * radius * top > (GROUND * image.frame.size[0] / 2) ** 2:
        return None  # its base fills the image: there is no ground that its height counts from
    x0, y0 = (float(v) for v in image.frame.to_sample(line, pixel))
    room = min(line, pixel, part.shape[0] - 1 - line, part.shape[1] - 1 - pixel)
    return Bump(x0, y0, top, radius, radius * error / -bend, room * image.frame.pitch[0])


def _share(value: float, low: float, high: float) -> float:
    return min(max((value - low) / (high - low), 0.0), 1.0)
