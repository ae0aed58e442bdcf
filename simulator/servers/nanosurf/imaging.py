"""Imaging in the emulated Studio: the frame as it is set, and the scan of it."""

import math
from typing import Any

from spm_auto.instrument import Scan, ScanFrame
from spm_auto.wire.nanosurf import Value

from ..picture import Picture
from ..station import Station
from .about import signal
from .kept import Kept
from .nodes import Folder, Property, ScriptFailure
from .storage import Storage

LONGEST = 1e6  # [s] on the wall that a scan may take
TURN = 360.0  # [deg]
PIXELS = (2, 16384)
PLACE = "workflow.imaging"


class Imaging:
    """The imaging window.

    Args:
        station: What is operated.
        storage: Where images go.
        kept: Its settings.
        rotation_sign: 1 when a positive rotation turns the frame counter-clockwise.
    """

    def __init__(self, station: Station, storage: Storage, kept: Kept, rotation_sign: int) -> None:
        self._station = station
        self._storage = storage
        self._kept = kept
        self._rotation_sign = rotation_sign

    def folder(self) -> Folder:
        """Return its part of the tree, all but how it is stopped."""
        has = self._station.capabilities
        width = min(has.x_range[1] - has.x_range[0], has.y_range[1] - has.y_range[0])
        size, x, y = (1e-10, 2 * width), has.x_range, has.y_range
        direction = {"downward": 0, "upward": 1, "bounce": 2}
        mode = {"continuous": 0, "single_frame": 1}
        kept: tuple[tuple[Any, ...], ...] = (
            ("scan_range_fast_axis", width / 10, "m", size, None),
            ("scan_range_slow_axis", width / 10, "m", size, None),
            ("points_per_line", 128, "", PIXELS, None),
            ("lines_per_frame", 128, "", PIXELS, None),
            ("line_rate", 1.0, "Hz", (1e-4, 1e6), None),
            ("rotation", 0.0, "°", (-TURN, TURN), None),
            ("frame_center_offset_x", 0.0, "m", x, None),
            ("frame_center_offset_y", 0.0, "m", y, None),
            ("overscan", 5.0, "%", (0.0, 100.0), None),
            ("scan_mode", 1, "", None, mode),
            ("slow_axis_scan_direction", 1, "", None, direction),
        )
        return {
            **{name: self._kept.property(f"{PLACE}.{name}", *more) for name, *more in kept},
            "time_per_line": Property(lambda: 0.5 / self._of("line_rate"), None, "s"),
            "start": self._start,
            "acquire": self._acquire,
            "scanning_started": signal(),
            "scanning_finished": signal(),
        }

    def _of(self, name: str) -> Any:
        return self._kept[f"{PLACE}.{name}"]

    def _begin(self) -> Picture:
        if not self._station.is_engaged:
            raise ScriptFailure("imaging not possible: tip is not approached")
        frame = ScanFrame(
            (self._of("frame_center_offset_x"), self._of("frame_center_offset_y")),
            (self._of("scan_range_fast_axis"), self._of("scan_range_slow_axis")),
            (self._of("points_per_line"), self._of("lines_per_frame")),
            self._rotation_sign * math.radians(self._of("rotation")),
        )
        scan = Scan(frame, line_rate=self._of("line_rate"))
        return self._station.start_scan(scan, upwards=self._of("slow_axis_scan_direction") != 0)

    def _start(self) -> Value:
        self._begin()
        return {"message": "imaging started"}

    def _acquire(self) -> Value:
        picture = self._begin()
        picture.wait_end(LONGEST)
        if picture.is_complete or (self._storage.keeps_partial and picture.lines_done):
            self._storage.store_image(picture)
        return {"message": "finished" if picture.is_complete else "stopped by user"}
