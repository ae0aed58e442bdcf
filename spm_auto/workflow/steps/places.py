"""Where a survey goes: positions of the coarse stage, or tiles of a frame within the scanner."""

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ...instrument import FloatArray, MoveStage, Scan, ScanFrame
from ...units import Angle, Frequency, Length
from .settings import PixelCount

MOST_PLACES = 10_000

Place = tuple[Length, Length]
Count = Annotated[int, Field(ge=1, le=1000)]


class _Places(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    def at(self) -> list[tuple[float, float]]:
        """Return the positions of the stage in order [m]."""
        raise TypeError(f"{type(self).__name__} does not say where")

    def moves(self) -> list[MoveStage]:
        """Return the moves to them in order."""
        return [MoveStage(x, y) for x, y in self.at()]


class ListedPositions(_Places):
    """Positions one by one: ``{kind = "list", at = [["-1 mm", "0 mm"], ["1 mm", "0 mm"]]}``."""

    kind: Literal["list"]
    places: Annotated[tuple[Place, ...], Field(min_length=1, max_length=MOST_PLACES, alias="at")]

    def at(self) -> list[tuple[float, float]]:
        """Return the positions as they are listed [m]."""
        return list(self.places)


class PositionsOnLine(_Places):
    """Evenly along a line, both ends among them.

    ``{kind = "line", start = ["-5 mm", "0 mm"], end = ["5 mm", "0 mm"], points = 41}``
    """

    kind: Literal["line"]
    start: Place
    end: Place
    points: Annotated[int, Field(ge=2, le=MOST_PLACES)]

    def at(self) -> list[tuple[float, float]]:
        """Return the positions along the line [m]."""
        along = np.linspace(self.start, self.end, self.points)
        return [(x, y) for x, y in along.tolist()]


class PositionsOnGrid(_Places):
    """A grid, its outermost positions on the edges, row by row there and back.

    ``{kind = "grid", center = ["0 mm", "0 mm"], size = ["8 mm", "2 mm"], columns = 9, rows = 3}``
    """

    kind: Literal["grid"]
    center: Place
    size: Place
    columns: Count
    rows: Count

    @model_validator(mode="after")
    def _is_a_grid(self) -> "PositionsOnGrid":
        if self.columns * self.rows > MOST_PLACES:
            raise ValueError(
                f"a survey has at most {MOST_PLACES} places, got {self.columns} x {self.rows}"
            )
        return self

    def at(self) -> list[tuple[float, float]]:
        """Return the positions row by row [m]."""
        (x, y), (width, height) = self.center, self.size
        xs, ys = (
            middle + (np.linspace(-0.5, 0.5, n) if n > 1 else np.zeros(1)) * extent
            for middle, extent, n in ((x, width, self.columns), (y, height, self.rows))
        )
        rows = [xs if row % 2 == 0 else xs[::-1] for row in range(self.rows)]
        return [(x, y) for row, y in zip(rows, ys.tolist(), strict=True) for x in row.tolist()]


Positions = Annotated[
    ListedPositions | PositionsOnLine | PositionsOnGrid, Field(discriminator="kind")
]


class TileSettings(BaseModel):
    """A frame within reach of the scanner, scanned in tiles.

    ``{center = ["0 um", "0 um"], size = ["6 um", "6 um"], columns = 3, rows = 3, overlap = 0.1}``

    Attributes:
        center: Middle of the whole [m].
        size: Extent of the whole along its fast and its slow axis [m].
        columns: Tiles along the fast axis.
        rows: Tiles along the slow axis.
        overlap: Share of a tile that it has in common with its neighbour.
        pixels: Pixels on a line, and lines, of a tile.
        angle: Turn of the whole.
        channels: Channels to record; empty for all.
        line_rate: Lines per second [Hz].
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    center: Place
    size: Place
    columns: Count
    rows: Count
    overlap: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    pixels: tuple[PixelCount, PixelCount] = (128, 128)
    angle: Angle = 0.0
    channels: tuple[str, ...] = ()
    line_rate: Annotated[Frequency, Field(gt=0)] = 1.0

    @model_validator(mode="after")
    def _are_tiles(self) -> "TileSettings":
        if self.columns * self.rows > MOST_PLACES:
            raise ValueError(
                f"a survey has at most {MOST_PLACES} places, got {self.columns} x {self.rows}"
            )
        self.scans()
        return self

    @property
    def frame(self) -> ScanFrame:
        """The whole, with pixels as fine as those of its tiles."""
        tile = self._tile_size
        pixels = (
            max(2, round(self.pixels[axis] * self.size[axis] / tile[axis])) for axis in (0, 1)
        )
        return ScanFrame(self.center, self.size, tuple(pixels), self.angle)  # type: ignore[arg-type]

    def scans(self) -> list[Scan]:
        """Return the scans of the tiles, row by row there and back."""
        whole = ScanFrame(self.center, self.size, angle=self.angle)
        (width, height), (columns, rows) = self._tile_size, (self.columns, self.rows)
        u = ((np.arange(columns) + 0.5) / columns - 0.5) * (self.size[0] - width) * _edge(columns)
        v = ((np.arange(rows) + 0.5) / rows - 0.5) * (self.size[1] - height) * _edge(rows)
        scans = []
        for row in range(rows):
            order = range(columns) if row % 2 == 0 else reversed(range(columns))
            for column in order:
                x, y = whole.from_frame(u[column], v[row])
                frame = ScanFrame((float(x), float(y)), (width, height), self.pixels, self.angle)
                scans.append(Scan(frame, self.channels, self.line_rate, "tile"))
        return scans

    @property
    def _tile_size(self) -> tuple[float, float]:
        """Extent of a tile [m]: n tiles that overlap by a share o cover 1 + (n - 1) (1 - o)."""
        apart = 1 - self.overlap
        return (
            self.size[0] / (1 + (self.columns - 1) * apart),
            self.size[1] / (1 + (self.rows - 1) * apart),
        )


def _edge(n: int) -> float:
    """Return what turns the middles of n equal parts into points from edge to edge."""
    return n / (n - 1) if n > 1 else 0.0


def spread_out(places: FloatArray, count: int) -> list[int]:
    """Return which of some places to begin with: each as far as can be from those before.

    Args:
        places: Of any number of axes, shape (n, d).
        count: How many.
    """
    extent = np.ptp(places, axis=0)
    x = (places - places.min(axis=0)) / np.where(extent > 0, extent, 1.0)
    chosen = [int(np.argmax(((x - x.mean(axis=0)) ** 2).sum(axis=1)))]
    away = _distances(x, chosen[0])
    while len(chosen) < min(count, len(places)):
        chosen.append(int(np.argmax(away)))
        away = np.minimum(away, _distances(x, chosen[-1]))
    return chosen


def _distances(x: FloatArray, index: int) -> FloatArray:
    away = np.sqrt(((x - x[index]) ** 2).sum(axis=1))
    away[index] = -math.inf
    return np.asarray(away)
