"""Writing an RHK file (.sm4) as the R9 does: pages of integers, upper line first, right to left."""

import struct
from dataclasses import dataclass
from math import degrees

import numpy as np

from spm_auto.instrument import Channel, FloatArray, ScanFrame

_SIGNATURE = "STiMage 005.006 1".encode("utf-16-le").ljust(36, b"\0")
_IMAGE, _LINE = 0, 1
_IV = 7  # a line that is a spectrum
_PAGE_KINDS = {"m": 1, "A": 2}  # topography and current; everything else is auxiliary
_AUXILIARY, _SPECTRA = 3, 10
_OBJECT = struct.Struct("<3I")
_PAGE = struct.Struct("<2H3I2i6I2i11f4I64x")
_FINEST = 2**30  # counts that the largest value of a page fills


@dataclass(frozen=True, slots=True)
class Conditions:
    """What every page says of when and how it was taken.

    Attributes:
        name: The file's own name.
        bias: [V].
        current: The set-point [A].
        line_time: Of one direction [s].
        date: As month/day/year.
        time: As hours:minutes:seconds.
    """

    name: str
    bias: float
    current: float
    line_time: float
    date: str = "01/07/26"
    time: str = "11:09:34"


@dataclass(frozen=True, slots=True, eq=False)
class _Page:
    kind: int
    header: bytes  # up to its list of objects
    inner: tuple[tuple[int, bytes], ...]  # kinds and contents of its objects
    data: bytes


def images_bytes(
    frame: ScanFrame,
    pictures: list[tuple[Channel, FloatArray, bool]],
    conditions: Conditions,
    completed: int | None = None,
) -> bytes:
    """Return a file of images, scanned from the upper edge down.

    Args:
        frame: Where they lie.
        pictures: Each channel by its label, its values [line, pixel] with line 0 at the lower
            edge, and whether it is the way back.
        conditions: What every page says.
        completed: How many lines were scanned before it was stopped; None for all.
    """
    pages = []
    lines = frame.pixels[1]
    for channel, image, is_backward in pictures:
        counts, step, offset = _counts(image[::-1, ::-1])
        x_step, y_step = -frame.size[0] / frame.pixels[0], -frame.size[1] / lines
        header = (_PAGE_KINDS.get(channel.unit, _AUXILIARY), 0, frame.pixels, int(is_backward))
        scale, place = (x_step, y_step, step), (*frame.center, offset)
        texts = _texts(channel, ("m", "m"), lines if completed is None else completed, conditions)
        pages.append(
            _page(_IMAGE, header, scale, place, counts, texts, conditions, degrees(frame.angle))
        )
    return _file(pages)


def spectra_bytes(
    ramp: tuple[float, float, int],
    curves: list[tuple[Channel, FloatArray]],
    position: tuple[float, float],
    conditions: Conditions,
) -> bytes:
    """Return a file of spectra at one point.

    Args:
        ramp: First and last bias [V] and the number of points.
        curves: Each channel by its label, and its values [curve, point] along the ramp.
        position: Where the probe stood [m].
        conditions: What every page says.
    """
    start, stop, points = ramp
    step = (stop - start) / max(points - 1, 1)
    pages = []
    for channel, values in curves:
        counts, z_step, offset = _counts(values)
        size = (points, len(values))
        drift = b"".join(struct.pack("<7f", 0.0, *position, 0.0, 0.0, 0.0, 0.0) for _ in values)
        pages.append(
            _page(
                _LINE,
                (_SPECTRA, _IV, size, 0),
                (step, 1.0, z_step),
                (start, 0.0, offset),
                counts,
                _texts(channel, ("V", ""), len(values), conditions),
                conditions,
                places=drift,
            )
        )
    return _file(pages)


def _counts(values: FloatArray) -> tuple[bytes, float, float]:
    """Return values as integers, and the step and the offset that give them back.

    The file keeps step and offset as 32-bit floats, so the integers are made with these.
    """
    measured = values[np.isfinite(values)]
    low, high = (float(measured.min()), float(measured.max())) if measured.size else (0.0, 0.0)
    offset = float(np.float32((low + high) / 2))
    reach = max(high - offset, offset - low, 1e-30)
    step = float(np.float32(reach / _FINEST))
    counts = np.rint((np.where(np.isfinite(values), values, offset) - offset) / step)
    return counts.astype("<i4").tobytes(), step, offset


def _texts(
    channel: Channel, units: tuple[str, str], completed: int, conditions: Conditions
) -> list[str]:
    texts = [""] * 18
    texts[0] = channel.name
    texts[4:7] = [f"C:\\data\\{conditions.name}", conditions.date, conditions.time]
    texts[7:10] = [*units, channel.unit]
    texts[13:15] = [str(completed), "1"]
    return texts


def _page(
    kind: int,
    header: tuple[int, int, tuple[int, int], int],
    scale: tuple[float, float, float],
    offset: tuple[float, float, float],
    data: bytes,
    texts: list[str],
    conditions: Conditions,
    angle: float = 0.0,
    places: bytes = b"",
) -> _Page:
    page_kind, line_kind, size, direction = header
    strings = b"".join(
        struct.pack("<H", len(text)) + text.encode("utf-16-le") for text in texts
    )  # [length, characters], without an end
    begin = struct.pack("<Q2I", 0, 0, 1) + struct.pack("<H", 0)  # of the positions: no channel
    inner = ((10, strings), (7, begin), (8, places)) if places else ((10, strings),)
    period = conditions.line_time / size[0]
    fields = _PAGE.pack(
        *(170, len(texts), page_kind, 0, line_kind, 0, 0, *size, 0, direction, 1, len(data)),
        *(-(2**31), 2**31 - 1, *scale, 0.0, *offset),
        *(period, conditions.bias, conditions.current, angle),
        *(0, 0, 0, len(inner)),
    )
    return _Page(kind, fields, inner, data)


def _file(pages: list[_Page]) -> bytes:
    """Put the tree together: heads and lists first, so that all offsets are known; data last."""
    head_size = 2 + 36 + 5 * 4 + _OBJECT.size
    index_at = head_size
    array_at = index_at + 4 * 4 + _OBJECT.size
    entry = 16 + 4 * 4
    at = array_at + len(pages) * (entry + 2 * _OBJECT.size)
    entries, bodies = [], []
    for number, page in enumerate(pages):
        header_at, header_size = at, len(page.header) + _OBJECT.size * len(page.inner)
        at += header_size
        leads_to = b""
        for kind, content in page.inner:
            leads_to += _OBJECT.pack(kind, at, len(content))
            at += len(content)
        entries.append(
            struct.pack("<16s4I", number.to_bytes(16, "little"), page.kind, 0, 2, 6)
            + _OBJECT.pack(3, header_at, header_size)
            + _OBJECT.pack(4, at, len(page.data))
        )
        bodies.append(page.header + leads_to + b"".join(c for _, c in page.inner) + page.data)
        at += len(page.data)
    head = struct.pack("<H36s5I", head_size - 2 - _OBJECT.size, _SIGNATURE, len(pages), 1, 12, 0, 0)
    index = struct.pack("<4I", len(pages), 1, 0, 0)
    return b"".join(
        [
            head,
            _OBJECT.pack(1, index_at, 4 * 4 + _OBJECT.size),
            index,
            _OBJECT.pack(2, array_at, entry),
            *entries,
            *bodies,
        ]
    )
