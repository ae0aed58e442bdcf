"""Commands of the session, the version and the marks."""

from collections.abc import Callable
from typing import Any

from spm_auto.errors import Unsupported
from spm_auto.wire.nanonis import Values

from .desk import Desk

PRODUCT, VERSION = "spm_auto simulated Nanonis", "Generic 5"
POINT, LINE = ("x", "y", "text", "color"), ("x0", "y0", "x1", "y1", "color")


class ToolCommands:
    """What has nothing to do with the microscope."""

    def __init__(self, desk: Desk, release: int) -> None:
        self._desk, self._release = desk, release
        self._points: list[Values] = []
        self._lines: list[Values] = []

    def commands(self) -> dict[str, Callable[[Values], Values | None]]:
        """Return who answers what."""
        points, lines = self._points, self._lines
        return {
            "Util.SessionPathGet": self._session,
            "Util.SessionPathSet": lambda v: self._desk.recorder.choose(v["path"]),
            "Util.VersionGet": lambda _: {
                **{"product": PRODUCT, "version": VERSION},
                **{"host_release": self._release, "rt_release": self._release},
            },
            "Util.Lock": lambda _: None,
            "Util.UnLock": lambda _: None,
            "Util.Quit": self._quit,
            "Marks.PointDraw": lambda v: points.append(_mark(v, POINT)),
            "Marks.PointsDraw": self._draw,
            "Marks.LineDraw": lambda v: lines.append(_mark(v, LINE)),
            "Marks.PointsErase": lambda v: _erase(points, v["index"]),
            "Marks.LinesErase": lambda v: _erase(lines, v["index"]),
            "Marks.PointsVisibleSet": lambda v: _hide(points, v["index"], v["hide"]),
            "Marks.LinesVisibleSet": lambda v: _hide(lines, v["index"], v["hide"]),
            "Marks.PointsGet": lambda _: _columns(points, (*POINT, "visible")),
            "Marks.LinesGet": lambda _: _columns(lines, (*LINE, "visible")),
        }

    def _session(self, _: Values) -> Values:
        recorder = self._desk.recorder
        return {"path": recorder.told(recorder.folder)}

    def _quit(self, _: Values) -> None:
        raise Unsupported("the simulated controller is ended where it was started")

    def _draw(self, values: Values) -> None:
        for number in range(values["n"]):
            row = {name: values[name][number] for name in POINT}
            self._points.append(_mark(row, POINT))


def _mark(values: Values, names: tuple[str, ...]) -> Values:
    return {**{name: values[name] for name in names}, "visible": 1}


def _columns(marks: list[Values], names: tuple[str, ...]) -> Values:
    columns: dict[str, Any] = {name: tuple(mark[name] for mark in marks) for name in names}
    return {**columns, "n": len(marks)}


def _at(marks: list[Values], index: int) -> list[Values]:
    if index >= len(marks):
        raise ValueError(f"there are {len(marks)} marks, got {index}")
    return marks if index < 0 else [marks[index]]


def _erase(marks: list[Values], index: int) -> None:
    for mark in list(_at(marks, index)):
        marks.remove(mark)


def _hide(marks: list[Values], index: int, hide: int) -> None:
    for mark in _at(marks, index):
        mark["visible"] = int(not hide)
