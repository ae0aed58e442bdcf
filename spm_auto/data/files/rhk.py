"""RHK files (.sm4): which of their pages are images and spectra, in this project's own values."""

from collections.abc import Iterable
from math import isfinite, nan, radians
from pathlib import Path

import numpy as np

from ...errors import DataError
from ...instrument import Channel, FloatArray, ScanFrame, Spectrum
from .data_file import DataFile, Picture, put_together
from .rhk_pages import Page, read_pages
from .si import in_si
from .strangers import guarded, read_bytes

TURN = "the file does not say which way its rotation turns: read as counter-clockwise"
_NO_POSITION = "the file does not say where the probe stood"
_SHOWN = {"system": 1, "session": 2, "user": 3, "saved as": 4, "date": 5, "time": 6}


def read_rhk(path: Path) -> DataFile:
    """Read the images and the spectra against bias of an RHK file.

    A page holds one channel in one direction. The offset of an image is that of its middle and its
    scales are signed steps, so they say where each row and column lies; a page of the way back is
    stored by position as well. Lines that were never scanned are NaN. Of spectra, channels on the
    same axis are put together; each curve of a page is a spectrum of its own.

    Raises:
        DataError: The file is damaged, or holds neither an image nor a spectrum.
    """
    content = read_bytes(path)
    with guarded(path):
        pages = read_pages(content)
        images = [page for page in pages if page.is_image]
        lines = [page for page in pages if page.is_line and page.unit("x") == "V"]
        others = [page for page in pages if page not in images and page not in lines]
        if not images and not lines:
            raise DataError(f"{path}: none of the {len(pages)} pages is an image or a spectrum")
        pictures = [_picture(page) for page in images]
        spectra = [spectrum for group in _alike(lines) for spectrum in _spectra(group)]
        notes = [
            f"the page {page.label or page.number!r} is neither an image nor a spectrum against "
            "bias: it was not read"
            for page in others
        ]
        if any(picture.frame.angle for picture in pictures):
            notes.append(TURN)
        if not all(isfinite(spectrum.x) and isfinite(spectrum.y) for spectrum in spectra):
            notes.append(_NO_POSITION)
        return DataFile(
            path.name,
            "RHK pages",
            put_together(pictures),
            tuple(spectra),
            metadata=_metadata((images + lines)[0]),
            notes=tuple(notes),
        )


def _picture(page: Page) -> Picture:
    values = np.array(page.values()[0]) if page.is_float else page.values()[0].astype(float)
    values = values * page.scale[2] + page.offset[2]
    if 0 < page.completed < len(values):
        values[page.completed :] = nan
    values, unit = in_si(values, page.unit("z"))
    if page.scale[0] < 0:
        values = values[:, ::-1]
    if page.scale[1] < 0:
        values = values[::-1]
    (dx, x), (dy, y) = (in_si(np.array([page.scale[i], page.offset[i]]), page.unit("xy"[i]))[0]
                        for i in (0, 1))  # fmt: skip
    pixels = page.size
    frame = ScanFrame(
        (float(x), float(y)),
        (pixels[0] * abs(float(dx)), pixels[1] * abs(float(dy))),
        pixels,
        radians(page.angle),
    )
    return Picture(frame, Channel(page.label, unit), values, page.is_backward)


def _alike(pages: Iterable[Page]) -> list[list[Page]]:
    """Group pages that are channels of the same spectra."""
    groups: list[list[Page]] = []
    for page in pages:
        for group in groups:
            if page.sweep == group[0].sweep and page.label not in [p.label for p in group]:
                group.append(page)
                break
        else:
            groups.append([page])
    return groups


def _spectra(group: list[Page]) -> list[Spectrum]:
    channels, curves = [], []
    for page in group:
        values, unit = in_si(
            page.values()[0].astype(float) * page.scale[2] + page.offset[2], page.unit("z")
        )
        channels.append(Channel(page.label, unit))
        curves.append(values)
    (along, _), places = in_si(_axis(group[0]), "V"), group[0].places
    stack = np.stack(curves)  # [channel, curve, point]
    return [
        Spectrum(*places[i], along.copy(), tuple(channels), stack[:, i], 0.0, 0.0)
        for i in range(stack.shape[1])
    ]


def _axis(page: Page) -> FloatArray:
    written = page.values()[1]
    if written is not None:
        return written.astype(float)
    return np.arange(page.size[0], dtype=float) * page.scale[0] + page.offset[0]


def _metadata(page: Page) -> dict[str, str]:
    told = {name: page.strings[i] for name, i in _SHOWN.items() if i < len(page.strings)}
    told |= {"bias": f"{page.bias:g} V", "set-point": f"{page.current:g} A"}
    return {name: text.strip() for name, text in told.items() if text.strip()}
