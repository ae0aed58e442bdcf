"""Igor binary waves of version 5 (.ibw), as the controller's computer writes them.

Source:
    WaveMetrics technical note 3, "Igor binary format".
"""

import struct
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

_FLOAT = 2  # single precision
_LABEL = 32  # bytes
_HEADER = 320  # bytes of the wave's own header
_CHECKED = 64 + _HEADER


def wave_bytes(
    values: NDArray[np.float64],
    labels: Sequence[str] = (),
    note: Mapping[str, object] | None = None,
    name: str = "wave0",
    deltas: Sequence[float] = (),
    time: int = 0,
) -> bytes:
    """Return a wave as a file.

    Args:
        values: Up to four dimensions, in Igor's order; stored in single precision.
        labels: Of the entries of the last dimension.
        note: Lines ``key: value`` of the wave's note.
        name: Of the wave.
        deltas: Steps of the dimensions; 1 where there are none.
        time: Seconds since 1904.
    """
    data = values.astype("<f4").tobytes(order="F")
    text = "".join(f"{key}: {value}\r" for key, value in (note or {}).items()).encode("latin-1")
    named = b"".join(label.encode("ascii").ljust(_LABEL, b"\0") for label in ("", *labels))
    label_sizes = [0, 0, 0, 0]
    label_sizes[values.ndim - 1] = len(named) if labels else 0
    sizes = [*values.shape, 0, 0, 0, 0][:4]
    steps = [*deltas, 1.0, 1.0, 1.0, 1.0][:4]
    wave = struct.pack("<IIIihh", 0, time, time, values.size, _FLOAT, 0) + bytes(6)
    wave += struct.pack("<h32sii", 1, name.encode("ascii")[:31], 0, 0)
    wave += struct.pack("<4i4d4d", *sizes, *steps, 0.0, 0.0, 0.0, 0.0)
    wave = wave.ljust(_HEADER, b"\0")
    lengths = (_HEADER + len(data), 0, len(text), 0, 0, 0, 0, 0, *label_sizes, 0, 0, 0)
    head = struct.pack("<hh15i", 5, 0, *lengths)[:64]
    words = np.frombuffer((head + wave)[:_CHECKED], dtype="<i2").astype(np.int64).sum()
    checksum = struct.pack("<H", int(-words) & 0xFFFF)
    tail = named if labels else b""
    return head[:2] + checksum + head[4:] + wave + data + text + tail


def wave_values(content: bytes) -> NDArray[np.float64]:
    """Return the numbers of a wave; of what a PC writes, in single or double precision.

    Raises:
        ValueError: It is another kind of wave, or not all of one.
    """
    if content[:2] != b"\x05\x00" or len(content) < _CHECKED:
        raise ValueError("not an Igor binary wave of version 5, or only its beginning")
    (points,) = struct.unpack_from("<i", content, 64 + 12)
    (kind,) = struct.unpack_from("<h", content, 64 + 16)
    sizes = [n for n in struct.unpack_from("<4i", content, 64 + 68) if n > 0]
    if kind not in (_FLOAT, 4) or points != int(np.prod(sizes)):
        raise ValueError(f"an Igor wave of type {kind} with {points} points is not read here")
    form = np.dtype("<f4" if kind == _FLOAT else "<f8")
    data = content[_CHECKED : _CHECKED + points * form.itemsize]
    return np.frombuffer(data, dtype=form).astype(float).reshape(sizes, order="F")
