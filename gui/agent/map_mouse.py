"""The mouse on maps: where it is, and what a click means."""

from collections.abc import Callable, Sequence
from typing import Any

from PyQt6.QtCore import QPointF, Qt

from .maps import Map, Place


def watch_mouse(
    layout: Any, maps: Sequence[Map], moved: Callable[[Place], None], clicked: Callable[..., None]
) -> None:
    """Tell of what the mouse does on maps.

    Args:
        layout: The graphics layout that holds them.
        maps: Which ones.
        moved: Takes the place that the mouse is over [m].
        clicked: Takes the place [m], the map, and whether it was a double click.
    """

    def on_move(point: QPointF) -> None:
        for each in maps:
            if (place := each.place_of(point)) is not None:
                moved(place)

    def on_click(event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        for each in maps:
            if (place := each.place_of(event.scenePos())) is not None:
                clicked(place, each, bool(event.double()))

    layout.scene().sigMouseMoved.connect(on_move)
    layout.scene().sigMouseClicked.connect(on_click)
