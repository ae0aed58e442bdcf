"""Pictures of images, spectra, maps and learning curves, with units, for notebooks and the report.

Coordinates inside every picture stay in SI, so that ``ax.plot(x, y)`` in metres lands where it
should; only the ticks are written in the engineering unit that suits. Where no axes are handed in,
a figure of its own is made: no window opens and nothing stays behind. Its axes show themselves when
they are the last line of a notebook's cell (``overview.plot()``). A script saves them with
``ax.figure.savefig("overview.png")`` or, to open a window, hands in axes of its own making
(``figure, ax = pyplot.subplots(); overview.plot(ax=ax); pyplot.show()``).
"""

from .curves import plot_force_curve, plot_learning_curve, plot_spectrum
from .gantt import Bar, plot_gantt
from .images import on_picture, plot_image, plot_map, plot_points
from .style import THEME, dress, new_axes, outline, to_data_uri, to_png, to_svg, write_axis

__all__ = [
    "THEME",
    "Bar",
    "dress",
    "new_axes",
    "on_picture",
    "outline",
    "plot_force_curve",
    "plot_gantt",
    "plot_image",
    "plot_learning_curve",
    "plot_map",
    "plot_points",
    "plot_spectrum",
    "to_data_uri",
    "to_png",
    "to_svg",
    "write_axis",
]
