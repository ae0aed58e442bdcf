"""Spectroscopy in the emulated Studio: cycles that were set up, and the grid where they run."""

import math
from typing import Any

from spm_auto.wire.nanosurf import Value

from ..station import Station
from .kept import Kept
from .nodes import Folder, Property, ScriptFailure
from .settings import CycleSettings
from .storage import Storage

PLACE = "workflow.spectroscopy"


class Spectroscopy:
    """The spectroscopy window.

    Args:
        cycles: What was set up.
        station: What is operated.
        storage: Where spectra go.
        kept: Its settings.
    """

    def __init__(
        self, cycles: tuple[CycleSettings, ...], station: Station, storage: Storage, kept: Kept
    ) -> None:
        self._kept = kept
        self._cycles = cycles
        self._station = station
        self._storage = storage
        self._selected = 0

    def folder(self) -> Folder:
        """Return its part of the tree, all but how it is stopped."""
        has = self._station.capabilities
        size = (0.0, 2 * max(*map(abs, has.x_range), *map(abs, has.y_range)))
        grid: tuple[tuple[Any, ...], ...] = (
            ("grid_center_offset_x", 0.0, "m", has.x_range),
            ("grid_center_offset_y", 0.0, "m", has.y_range),
            ("grid_width", 1e-8, "m", size),
            ("grid_height", 1e-8, "m", size),
            ("grid_rotation", 0.0, "°", (-360.0, 360.0)),
            ("grid_rows", 1, "", (1, 1024)),
            ("grid_columns", 1, "", (1, 1024)),
        )
        return {
            **{name: self._kept.property(f"{PLACE}.{name}", *more) for name, *more in grid},
            "selected_cycle": Property(lambda: self._selected, self._choose),
            "select_cycle": self._select,
            "select_cycle_by_name": lambda name: self._select(self._index(name)),
            "select_cycle_by_id": lambda name: self._select(self._index(name)),
            "cycle_index_by_name": self._index,
            "cycle_count": lambda: len(self._cycles),
            "cycle_name": lambda index: self._cycle(index).name,
            "cycle_id": lambda index: self._cycle(index).name,
            "cycle_repetitions": lambda _index=0: 1,
            "segment_count": lambda index=0: len(self._cycle(index).segments),
            "acquire": self._acquire,
        }

    def _of(self, name: str) -> Any:
        return self._kept[f"{PLACE}.grid_{name}"]

    def _index(self, name: Value) -> int:
        for index, cycle in enumerate(self._cycles):
            if cycle.name == name:
                return index
        raise ScriptFailure(f"there is no cycle named '{name}'")

    def _cycle(self, index: Value) -> CycleSettings:
        if not isinstance(index, int) or not 0 <= index < len(self._cycles):
            raise ScriptFailure(f"there is no cycle {index!r}")
        return self._cycles[index]

    def _choose(self, index: Value) -> None:
        self._selected = self._cycles.index(self._cycle(index))

    def _select(self, index: Value) -> Value:
        self._choose(index)
        return None

    def _acquire(self) -> Value:
        if not self._station.is_engaged:
            raise ScriptFailure("spectroscopy not possible: tip is not approached")
        cycle = self._cycles[self._selected]
        spectra = []
        for x, y in self._points():
            if (x, y) != self._station.position:
                self._station.move(x, y)
            spectra.append(self._station.sweep(cycle.waveform))
        self._storage.store_spectra(
            spectra,
            [segment.points for segment in cycle.segments],
            (self._of("rows"), self._of("columns")),
            (self._of("width"), self._of("height")),
            (self._of("center_offset_x"), self._of("center_offset_y")),
        )
        return {"message": "finished"}

    def _points(self) -> list[tuple[float, float]]:
        """Return where the points of the grid lie, row by row from below."""
        rows, columns = self._of("rows"), self._of("columns")
        turn = math.radians(self._of("rotation"))
        found = []
        for row in range(rows):
            for column in range(columns):
                u = self._of("width") * ((column + 0.5) / columns - 0.5)
                v = self._of("height") * ((row + 0.5) / rows - 0.5)
                x = self._of("center_offset_x") + u * math.cos(turn) - v * math.sin(turn)
                y = self._of("center_offset_y") + u * math.sin(turn) + v * math.cos(turn)
                found.append((x, y))
        return found
