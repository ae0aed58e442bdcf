"""Thumbnails: a run's images in their place on the sample, small."""

from collections.abc import Sequence
from typing import Any

from spm_auto.instrument import Channel, ScanFrame

from ..common.drawing import is_angle, look_up_table, percentiles, placed
from ..common.qt import pg
from ..run.growing_scan import GrowingScan
from .image_bar import first_style, turn
from .levelling import levelled

MOST_PIXELS = 96  # of a thumbnail each way
MOST = 16  # thumbnails at once


class Thumbnails:
    """Images of a plot, newer ones above older ones; each drawn again only when it has grown.

    Args:
        plot: A pyqtgraph PlotItem, in nanometres.
    """

    def __init__(self, plot: Any) -> None:
        self._plot = plot
        self._items: dict[int, Any] = {}
        self._drawn: dict[int, tuple[object, ...]] = {}

    @property
    def indices(self) -> tuple[int, ...]:
        """Which scans are shown."""
        return tuple(sorted(self._items))

    def show(self, scans: Sequence[GrowingScan], channel: str) -> None:
        """Show scans that are held in memory.

        Args:
            scans: In order; the newest ones are shown.
            channel: Name of the channel; the first one where a scan has no such.
        """
        held = [scan for scan in scans if scan.forward is not None and scan.n_lines][-MOST:]
        for index in set(self._items) - {scan.index for scan in held}:
            self._plot.removeItem(self._items.pop(index))
            self._drawn.pop(index, None)
        for scan in held:
            key = (id(scan), scan.n_lines, channel)
            if self._drawn.get(scan.index) != key:
                self._drawn[scan.index] = key
                self._draw(scan, channel)

    def _draw(self, scan: GrowingScan, channel: str) -> None:
        names = [each.name for each in scan.started.channels]
        at = names.index(channel) if channel in names else 0
        shown: Channel = scan.started.channels[at]
        assert scan.forward is not None
        step = max(1, -(-max(scan.frame.pixels) // MOST_PIXELS))
        style = first_style(shown)
        image = levelled(scan.forward[at, ::step, ::step], style.levelling)
        known = percentiles(image, 1.0, 99.0)
        item = self._items.get(scan.index)
        if item is None:
            item = self._items[scan.index] = pg.ImageItem()
            item.setZValue(-1000 + scan.index)
            self._plot.addItem(item, ignoreBounds=True)
        if known is None:
            item.clear()
            return
        levels = turn(shown.unit, known[0]) if is_angle(shown) else known
        item.setLookupTable(look_up_table(style.colours))
        height, width = image.shape
        frame = scan.frame
        item.setTransform(placed(ScanFrame(frame.center, frame.size, (width, height), frame.angle)))
        item.setImage(image, autoLevels=False, levels=levels)
