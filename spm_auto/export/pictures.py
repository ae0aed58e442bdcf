"""Pictures (PNG) of images with scale bar and colour bar, and of spectra with their units."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..data import write_whole
from ..instrument import ScanImage, Spectrum
from ..plotting import THEME, plot_image, plot_points, plot_spectrum, to_png

_FAINT = 0.35  # opacity of each of several curves


def write_image_picture(
    path: Path | str, image: ScanImage, channel: str = "", backward: bool = False
) -> Path:
    """Draw one channel of an image, with scale bar and colour bar.

    Args:
        path: The file; one that is there is replaced.
        image: The image.
        channel: The channel's name; empty for the first one.
        backward: Whether the way back is drawn.

    Raises:
        ValueError: There is no such channel.
        DataError: It cannot be written there.
    """
    axes = image.plot(channel, backward)
    way = "backward" if backward else "forward"
    _title(axes, f"{way} {axes.get_title(loc='left')}")
    return _put(path, axes)


def write_spectra_picture(
    path: Path | str, spectra: Sequence[Spectrum], channel: str = "", best: int | None = None
) -> Path:
    """Draw one channel of several spectra on the same axes.

    Args:
        path: The file; one that is there is replaced.
        spectra: The spectra, at least one.
        channel: The channel's name; empty for the first one.
        best: Which one stands out; none without it.

    Raises:
        ValueError: There is no such channel.
        DataError: It cannot be written there.
    """
    first, *others = spectra
    if not others:
        return _put(path, plot_spectrum(first, channel))
    axes = plot_spectrum(first, channel, alpha=_FAINT, linewidth=0.8)
    for spectrum in others:
        plot_spectrum(spectrum, channel, axes, alpha=_FAINT, linewidth=0.8)
    title = f"{len(spectra)} spectra"
    if best is not None:
        plot_spectrum(spectra[best], channel, axes, color=THEME["best"])
        title += ", the best one in red"
    _title(axes, title)
    return _put(path, axes)


def write_points_picture(path: Path | str, image: ScanImage, spectra: Sequence[Spectrum]) -> Path:
    """Draw where spectra were taken, from the first to the last, on an image's first channel.

    Args:
        path: The file; one that is there is replaced.
        image: The image.
        spectra: The spectra; only those within the image are drawn.

    Raises:
        DataError: It cannot be written there.
    """
    inside = [s for s in spectra if image.frame.contains(s.x, s.y)]
    axes = plot_image(image.forward[0], image.frame, image.channels[0])
    if inside:
        plot_points(axes, [s.x for s in inside], [s.y for s in inside], image.frame)
    return _put(path, axes)


def _title(axes: Any, title: str) -> None:
    axes.set_title(title, fontsize=THEME["title size"], color=THEME["ink"], loc="left")


def _put(path: Path | str, axes: Any) -> Path:
    return write_whole(Path(path), to_png(axes.figure))
