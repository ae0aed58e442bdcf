"""ImagePlot: an image in its place on the sample, with scale bar, colour bar and marks."""

from PyQt6.QtCore import QPointF

from spm_auto.instrument import FloatArray, ScanFrame

from ..common.drawing import (
    NM,
    Shown,
    colour_axes,
    label_axes,
    length_unit,
    look_up_table,
    outline,
    pen,
    placed,
)
from ..common.marks import PlaceMark, SpectrumMarks, TipMark, edge
from ..common.qt import pg
from ..common.scales import ColourBar, ScaleBar
from ..common.selection import Place
from ..common.theme import Theme
from ..common.zones import ZoneMarks


class ImagePlot:
    """Everything is made once, and only updated; places are handed in and given back in metres.

    Args:
        theme: The colours.

    Attributes:
        widget: The widget to lay out.
        plot: The pyqtgraph PlotItem, in nanometres.
        item: The image.
        spectra: Where spectra were taken.
        curves: Where force curves were taken.
        zones: What is closed.
        tip: Where the tip is.
        place: The place that was clicked.
        following: The cursor, while it is in another view.
        next: Where the agent wants to measure next.
        colour_bar: The colours and what they stand for.
        scale_bar: How long something is.
        lengths: In which unit the axes are.
    """

    def __init__(self, theme: Theme) -> None:
        self.widget = pg.GraphicsLayoutWidget()
        self.widget.setAccessibleName("image of the sample")
        self.plot = self.widget.addPlot(row=0, col=0)
        self.plot.setAspectLocked(True)
        self.plot.hideButtons()
        self.plot.setMenuEnabled(False)
        self.plot.disableAutoRange()
        self.item = pg.ImageItem()
        self._edge, self._line = pg.PlotCurveItem(), pg.PlotCurveItem()
        for at, item in enumerate((self.item, self._edge, self._line)):
            item.setZValue(at)
            self.plot.addItem(item, ignoreBounds=True)
        self.colour_bar = ColourBar(self.widget, 0, 1, theme)
        self.scale_bar = ScaleBar(self.plot, theme)
        self.spectra = SpectrumMarks(self.plot, theme)
        self.curves = SpectrumMarks(self.plot, theme, "t")
        self.zones = ZoneMarks(self.plot, theme)
        self.next = PlaceMark(self.plot, "d", 13, 30)
        self.place = PlaceMark(self.plot, "x", 11, 31)
        self.following = PlaceMark(self.plot, "+", 13, 33)
        self.tip = TipMark(self.plot)
        self.lengths = Shown("nm", 1e9)
        label_axes(self.plot, self.lengths)
        self._frame: ScanFrame | None = None
        self._is_whole = True
        box = self.plot.getViewBox()
        box.sigRangeChangedManually.connect(lambda *_: self._keep_zoom())
        box.sigResized.connect(lambda *_: self.show_all() if self._is_whole else None)
        self._colours = ""
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self.widget.setBackground(theme.panel)
        colour_axes(self.plot, theme.ink, theme.faint)
        self.scale_bar.set_theme(theme)
        self.colour_bar.set_theme(theme)
        self.spectra.set_theme(theme)
        self.curves.set_theme(theme)
        self.zones.set_theme(theme)
        self.tip.set_theme(theme)
        self.place.set_colours(theme.accent)
        self.following.set_colours(theme.faint, width=1)
        self.next.set_colours(edge(theme), theme.proposal, width=1)
        self._edge.setPen(pen(theme.faint))
        self._line.setPen(pen(theme.accent))

    def set_frame(self, frame: ScanFrame | None) -> None:
        """Say where the image lies; the whole of it is looked at when that is another place."""
        if frame == self._frame:
            return
        self._frame = frame
        if frame is None:
            self.clear()
            self._edge.setData([], [])
            return
        self.item.setTransform(placed(frame))
        self._edge.setData(*outline(frame))
        lengths = length_unit(max(frame.size), self.lengths)
        if lengths != self.lengths:
            self.lengths = lengths
            label_axes(self.plot, lengths)
        self.show_all()

    def set_line(self, line: int | None) -> None:
        """Show how far the scan has come: its newest line; None for one that is over."""
        if line is None or self._frame is None:
            self._line.setData([], [])
            return
        x, y = self._frame.to_sample([line] * 2, [-0.5, self._frame.pixels[0] - 0.5])
        self._line.setData(x / NM, y / NM)

    def show_image(
        self,
        image: FloatArray,
        levels: tuple[float, float],
        colours: str,
        name: str,
        unit: Shown,
    ) -> None:
        """Draw an image.

        Args:
            image: Values, shape [line, pixel]; NaN is not drawn. It may be the array that grows.
            levels: Values of the first and the last colour.
            colours: Name of the colour map.
            name: What is shown.
            unit: In which unit the colour bar tells it.
        """
        if colours != self._colours:
            self._colours = colours
            self.item.setLookupTable(look_up_table(colours))
            self.colour_bar.set_map(colours)
        self.item.setImage(image, autoLevels=False, levels=levels)
        self.colour_bar.show_levels(*levels, name, unit)

    def clear(self) -> None:
        """Take the image away, and the numbers that its colours stood for."""
        self.item.clear()
        self.colour_bar.clear()
        self.set_line(None)

    def show_all(self) -> None:
        """Look at the whole frame, until somebody zooms."""
        self._is_whole = True
        if self._frame is not None:
            x, y = outline(self._frame)
            self.plot.setRange(
                xRange=(x.min(), x.max()), yRange=(y.min(), y.max()), padding=0.03, update=True
            )

    def _keep_zoom(self) -> None:
        self._is_whole = False

    def place_at(self, scene: QPointF) -> Place | None:
        """Return which place of the sample the mouse is over [m]; None beside the plot."""
        box = self.plot.getViewBox()
        if not box.sceneBoundingRect().contains(scene):
            return None
        at = box.mapSceneToView(scene)
        return float(at.x()) * NM, float(at.y()) * NM
