"""What a run measured, looked up by where: its images pixel by pixel, its spectra site by site."""

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from spm_auto.data import Measurement
from spm_auto.instrument import FloatArray, ScanFrame, ScanImage, Spectrum

from .timing import Point

_Thing = TypeVar("_Thing")


class InTurn(Generic[_Thing]):
    """Things that are given one after the other, and then the last one again and again."""

    def __init__(self) -> None:
        self._left: deque[_Thing] = deque()

    def add(self, thing: _Thing) -> None:
        """Let one more wait behind the others."""
        self._left.append(thing)

    def next(self) -> _Thing:
        """Return the one whose turn it is."""
        return self._left[0]

    def take(self) -> _Thing:
        """Return the one whose turn it is, and pass the turn on."""
        return self._left.popleft() if len(self._left) > 1 else self._left[0]


class RecordedSites:
    """The spectra of one waveform, by the sites where they were asked for.

    A site is what an instruction names, not what was read back, which is a little different each
    time: so the spectra of a site that was visited twice stay together.

    Args:
        measurements: At least one, in the order in which they were taken.
    """

    def __init__(self, measurements: Sequence[Measurement]) -> None:
        self._spectra: dict[Point, InTurn[Spectrum]] = {}
        for measurement in measurements:
            asked = measurement.instruction
            self._spectra.setdefault((asked.x, asked.y), InTurn()).add(measurement.spectrum)
        asked_at = np.array([(m.instruction.x, m.instruction.y) for m in measurements])
        read_back = np.array([(m.spectrum.x, m.spectrum.y) for m in measurements])
        self._sites = np.array(list(self._spectra))
        self._off = float(np.hypot(*(read_back - asked_at).T).max())
        self.places: FloatArray = np.concatenate([asked_at, read_back])

    def next(self, x: float, y: float) -> Spectrum:
        """Return the spectrum whose turn it is at the site nearest to a point [m]."""
        return self._at(x, y).next()

    def take(self, x: float, y: float) -> Spectrum:
        """Return it, and pass the turn on."""
        return self._at(x, y).take()

    def reach(self, low: FloatArray, high: FloatArray) -> float:
        """Return how far from a point of a rectangle its spectrum may have been taken [m].

        Args:
            low: Lower left corner (x, y) of the rectangle [m]; no site lies outside of it.
            high: Upper right corner [m].
        """
        return farthest(self._sites, low, high) + self._off

    def _at(self, x: float, y: float) -> InTurn[Spectrum]:
        nearest = np.argmin(np.hypot(self._sites[:, 0] - x, self._sites[:, 1] - y))
        site: list[float] = self._sites[nearest].tolist()
        return self._spectra[site[0], site[1]]


def farthest(sites: FloatArray, low: FloatArray, high: FloatArray) -> float:
    """Return the largest distance that a point of a rectangle has to the site nearest to it [m].

    It is a vertex of the Voronoi diagram of the sites and their mirror images in the four sides,
    which make the sides edges of the diagram and the corners vertices.

    Args:
        sites: Where they are, all in the rectangle [m], shape (n, 2).
        low: Lower left corner of the rectangle [m].
        high: Upper right corner [m].
    """
    from scipy.spatial import KDTree, Voronoi

    scale = float(np.max(high - low))
    own, half = (sites - (low + high) / 2) / scale, (high - low) / scale / 2
    copies = [own]
    for axis in (0, 1):
        for side in (-half[axis], half[axis]):
            copies.append(own.copy())
            copies[-1][:, axis] = 2 * side - own[:, axis]
    vertices = Voronoi(np.concatenate(copies)).vertices
    inside = (np.abs(vertices) <= half + 1e-9).all(axis=1)  # rounding leaves the rectangle by less
    return float(KDTree(own).query(vertices[inside])[0].max()) * scale


class RecordedImages:
    """The images of a run, as one large image with holes.

    Args:
        scans: In the order in which they were taken; lines that were not measured are NaN.
    """

    def __init__(self, scans: Sequence[ScanImage]) -> None:
        images = [_Image(scan) for scan in scans]
        self._finest_first = sorted(images, key=lambda image: math.prod(image.frame.pitch))
        self._repeats: dict[tuple[ScanFrame, tuple[str, ...]], InTurn[_Image]] = {}
        for image in images:
            self._repeats.setdefault((image.frame, image.names), InTurn()).add(image)
        corners = [np.stack(image.frame.corners(), axis=1) for image in images]
        self.corners: FloatArray = np.concatenate([np.empty((0, 2)), *corners])

    def reader(
        self, frame: ScanFrame, names: tuple[str, ...]
    ) -> Callable[[int], tuple[FloatArray, FloatArray]]:
        """Begin a scan of a frame.

        Args:
            frame: Where.
            names: Of the channels.

        Returns:
            Reads a line, forward and backward, each of shape [channel, pixel].
        """
        images = sorted(self._finest_first, key=lambda image: image.frame != frame)
        recorded = self._repeats.get((frame, names))
        if recorded is not None:
            images.insert(0, recorded.next())

        def read(line: int) -> tuple[FloatArray, FloatArray]:
            x, y = frame.line_positions(line)
            values = np.full((2, len(names), len(x)), np.nan)
            missing = np.ones(values.shape[1:], dtype=bool)
            for image in images:
                image.fill(values, missing, names, x, y)
                if not missing.any():
                    break
            if recorded is not None and line == frame.pixels[1] - 1:
                recorded.take()
            return values[0], values[1]

        return read


class _Image:
    """An image by position: ``values`` [direction, channel, line, pixel]."""

    def __init__(self, scan: ScanImage) -> None:
        self.frame = scan.frame
        self.names = tuple(channel.name for channel in scan.channels)
        self.values = np.stack([scan.forward, scan.backward])
        self.is_measured = np.asarray(~np.isnan(self.values).all(axis=(0, 1, 3)))  # [line]

    def fill(
        self,
        values: FloatArray,
        missing: NDArray[np.bool_],
        names: tuple[str, ...],
        x: FloatArray,
        y: FloatArray,
    ) -> None:
        """Write the nearest pixels where values are missing still and this image has them.

        Args:
            values: Of the channels at the points, shape [direction, channel, point]; written to.
            missing: Where they are missing, shape [channel, point]; written to.
            names: Of the channels.
            x: Of the points [m], shape [point].
            y: Of the points [m], shape [point].
        """
        last = np.array(self.frame.shape)[:, np.newaxis] - 1
        # a point on the outer edge is as near to the pixel beyond, which there is not
        nearest = np.clip(np.rint(self.frame.to_pixel(x, y)), 0, last).astype(np.intp)
        is_here = self.frame.contains(x, y) & self.is_measured[nearest[0]]
        for row, name in enumerate(names):
            if name in self.names:
                new = missing[row] & is_here
                line, pixel = nearest[:, new]
                values[:, row, new] = self.values[:, self.names.index(name), line, pixel]
                missing[row, new] = False
