"""Spectroscopy in the emulated Studio: cycles that were set up, and the grid where they run."""

import math
from typing import Any

from spm_auto.wire.nanosurf import Value

from ..station import Station
from ..wire_faults import WireFaults
from .nodes import Folder, Property, ScriptFailure
from .settings import CycleSettings
from .storage import Storage


class Spectroscopy:
    """The spectroscopy window.

    Args:
        cycles: What was set up.
        station: What is operated.
        storage: Where spectra go.
    """

    def __init__(
        self, cycles: tuple[CycleSettings, ...], station: Station, storage: Storage
    ) -> None:
        self._cycles = cycles
        self._station = station
        self._storage = storage
        self._selected = 0
        self._grid: dict[str, Any] = {
            "center_x": 0.0,
            "center_y": 0.0,
            "width": 1e-8,
            "height": 1e-8,
            "rotation": 0.0,
            "rows": 1,
            "columns": 1,
        }

    def folder(self, faults: WireFaults) -> Folder:
        """Return its part of the tree.

        Args:
            faults: What goes wrong with its settings.
        """
        has = self._station.capabilities
        size = (0.0, 2 * max(*map(abs, has.x_range), *map(abs, has.y_range)))

        def stored(key: str, name: str, unit: str = "", reach: Any = None) -> Property:
            def store(value: Any) -> None:
                if faults.strike(f"workflow.spectroscopy.{name}.value_set", "coerced"):
                    value = value + 2 if isinstance(value, int) else value * 1.1 + 1e-9
                self._grid[key] = value

            return Property(lambda: self._grid[key], store, unit, reach)

        return {
            "grid_center_offset_x": stored("center_x", "grid_center_offset_x", "m", has.x_range),
            "grid_center_offset_y": stored("center_y", "grid_center_offset_y", "m", has.y_range),
            "grid_width": stored("width", "grid_width", "m", size),
            "grid_height": stored("height", "grid_height", "m", size),
            "grid_rotation": stored("rotation", "grid_rotation", "°", (-360.0, 360.0)),
            "grid_rows": stored("rows", "grid_rows", "", (1, 1024)),
            "grid_columns": stored("columns", "grid_columns", "", (1, 1024)),
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
        grid = self._grid
        self._storage.store_spectra(
            spectra,
            [segment.points for segment in cycle.segments],
            (grid["rows"], grid["columns"]),
            (grid["width"], grid["height"]),
            (grid["center_x"], grid["center_y"]),
        )
        return {"message": "finished"}

    def _points(self) -> list[tuple[float, float]]:
        """Return where the points of the grid lie, row by row from below."""
        grid = self._grid
        rows, columns = grid["rows"], grid["columns"]
        turn = math.radians(grid["rotation"])
        found = []
        for row in range(rows):
            for column in range(columns):
                u = grid["width"] * ((column + 0.5) / columns - 0.5)
                v = grid["height"] * ((row + 0.5) / rows - 0.5)
                x = grid["center_x"] + u * math.cos(turn) - v * math.sin(turn)
                y = grid["center_y"] + u * math.sin(turn) + v * math.cos(turn)
                found.append((x, y))
        return found
