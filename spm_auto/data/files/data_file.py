"""DataFile: what a file of another program holds, in this project's own values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import degrees
from typing import Any

import numpy as np

from ...instrument import Channel, FloatArray, ForceCurve, ScanFrame, ScanImage, Spectrum


@dataclass(frozen=True, slots=True, eq=False)
class DataFile:
    """What was read from one file: SI units, images with line 0 at the lower edge.

    A channel of which the file has only one direction is NaN in the other. A map of spectra is one
    spectrum for each of its sites.

    Attributes:
        source: Name of the file.
        format: What kind of file it is, for people.
        images: Its images; channels that share a frame share an image.
        spectra: Its spectra against bias.
        curves: Its curves of force against distance.
        metadata: What else it says, as it says it.
        notes: What a person must know of how it was read.
    """

    source: str
    format: str
    images: tuple[ScanImage, ...] = ()
    spectra: tuple[Spectrum, ...] = ()
    curves: tuple[ForceCurve, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def summary(self) -> dict[str, Any]:
        """Return what is in it in plain values, as ``spm-auto show --json`` prints it.

        Lengths are in metres, biases in volts, angles in degrees; spectra and curves with the same
        channels and points are told together; what is not known is None.
        """
        return {
            "source": self.source,
            "format": self.format,
            "images": [row for image in self.images for row in _image_rows(image)],
            "spectra": _told(self.spectra, "bias", [s.bias for s in self.spectra]),
            "curves": _told(self.curves, "extension", [c.extension for c in self.curves]),
            "notes": list(self.notes),
            "metadata": dict(self.metadata),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One channel in one direction, before it is put together with others of its frame.

    Attributes:
        frame: Where it lies.
        channel: What was measured.
        values: Shape [line, pixel], line 0 at the lower edge.
        is_backward: Whether it is the way back.
        times: Start and end of the image [s].
    """

    frame: ScanFrame
    channel: Channel
    values: FloatArray
    is_backward: bool = False
    times: tuple[float, float] = (0.0, 0.0)


def put_together(pictures: list[Picture]) -> tuple[ScanImage, ...]:
    """Make images from pictures: one for each frame and time, with both directions in it."""
    groups: list[dict[Channel, dict[bool, Picture]]] = []
    for picture in pictures:
        for group in groups:
            (first, *_) = (p for ways in group.values() for p in ways.values())
            ways = group.get(picture.channel, {})
            is_theirs = (first.frame, first.times) == (picture.frame, picture.times)
            if is_theirs and picture.is_backward not in ways:
                group[picture.channel] = {**ways, picture.is_backward: picture}
                break
        else:
            groups.append({picture.channel: {picture.is_backward: picture}})
    return tuple(_image(group) for group in groups)


def _image(group: Mapping[Channel, Mapping[bool, Picture]]) -> ScanImage:
    (first, *_) = (picture for ways in group.values() for picture in ways.values())
    missing = np.full(first.frame.shape, np.nan)

    def stack(is_backward: bool) -> FloatArray:
        ways = group.values()
        return np.stack([w[is_backward].values if is_backward in w else missing for w in ways])

    return ScanImage(first.frame, tuple(group), stack(False), stack(True), *first.times)


def _image_rows(image: ScanImage) -> list[dict[str, Any]]:
    frame = image.frame
    rows = []
    for index, channel in enumerate(image.channels):
        ways = {"forward": image.forward[index], "backward": image.backward[index]}
        rows.append(
            {
                "channel": channel.name,
                "unit": channel.unit,
                "directions": [way for way, values in ways.items() if not np.isnan(values).all()],
                "pixels": list(frame.pixels),
                "size": list(frame.size),
                "center": list(frame.center),
                "angle": degrees(frame.angle),
            }
        )
    return rows


def _told(
    curves: Sequence[Spectrum | ForceCurve], axis: str, along: list[FloatArray]
) -> list[dict[str, Any]]:
    alike: dict[tuple[tuple[Channel, ...], int], list[int]] = {}
    for index, curve in enumerate(curves):
        alike.setdefault((curve.channels, len(along[index])), []).append(index)
    return [
        {
            "count": len(members),
            "channels": [f"{channel.name} [{channel.unit}]" for channel in channels],
            "points": points,
            axis: _range(np.stack([along[i] for i in members])),
            "x": _range(np.array([curves[i].x for i in members])),
            "y": _range(np.array([curves[i].y for i in members])),
        }
        for (channels, points), members in alike.items()
    ]


def _range(values: FloatArray) -> list[float] | None:
    values = values[np.isfinite(values)]
    return [float(values.min()), float(values.max())] if values.size else None
