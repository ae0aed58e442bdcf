"""What was measured and thought, as groups of a run file: images, spectra, the agent's mind."""

import json
import math
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...instrument import Channel, FloatArray, QualityFlag, ScanFrame, ScanImage
from ..choices import ModelFitted
from ..codec import Array
from ..reader import RecordedRun
from ..telling import Measurement
from .arrays import Places
from .layout import new_group, write_column, write_data, write_scale, write_table

if TYPE_CHECKING:
    import h5py

_REJECTED = "rejected by the scalarizer"
_DOUBTED = "taken with a tip in doubt"
_PACKED = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
_UNITS = {  # of what an agent says; values without one are in the unit of the reward
    "x": "m",
    "y": "m",
    "bias": "V",
    "duration": "s",
    "cost": "s",
    "start_time": "s",
}


def write_image(
    entry: "h5py.Group", number: int, image: ScanImage, places: Places, what: str = "scan"
) -> None:
    """Write an image, a group for each channel and direction; lines not measured are NaN."""
    frame = image.frame
    x, y = axes_of(frame)
    for way, stack in (("forward", image.forward), ("backward", image.backward)):
        for channel, values in zip(image.channels, stack, strict=True):
            name = f"{what}_{number:03d}_{channel.name}_{way}"
            group = new_group(entry, name, "NXdata")
            write_scale(group, "y", y, "length", "m", "SPATIAL")
            write_scale(group, "x", x, "length", "m", "SPATIAL")
            path = write_data(group, values, channel, "IMAGE", ("y", "x"))
            group.create_group("metadata").attrs.update(
                center=frame.center,
                size=frame.size,
                angle=frame.angle,
                axes="of the frame: turned by angle [rad] about its center they are x and y",
                start_time=image.start_time,
                end_time=image.end_time,
            )
            places.note(path, values, by_row=True)


def axes_of(frame: ScanFrame) -> tuple[FloatArray, FloatArray]:
    """Return the middles of a frame's pixels along its fast and its slow axis [m].

    They run through the frame's center; turned by its angle about it they are x and y.
    """
    (pixels, lines), (width, height) = frame.pixels, frame.size
    x = frame.center[0] + ((np.arange(pixels) + 0.5) / pixels - 0.5) * width
    y = frame.center[1] + ((np.arange(lines) + 0.5) / lines - 0.5) * height
    return x, y


def alike(measurements: tuple[Measurement, ...]) -> list[list[Measurement]]:
    """Sort spectra into those that share biases and channels, each in the order taken."""
    found: dict[tuple[bytes, tuple[Channel, ...]], list[Measurement]] = defaultdict(list)
    for measurement in measurements:
        spectrum = measurement.spectrum
        found[(spectrum.bias.tobytes(), spectrum.channels)].append(measurement)
    return list(found.values())


def write_spectra(
    entry: "h5py.Group", number: int, same: list[Measurement], places: Places
) -> None:
    """Write spectra that share biases and channels, raw, a group for each channel.

    What is wrong with one is said beside it: ``mask`` in bits that its attributes name, ``flag`` of
    the metadata in words. The values themselves are as they were measured.
    """
    first = same[0].spectrum
    for index, channel in enumerate(first.channels):
        group = new_group(entry, f"spectra_{number:03d}_{channel.name}", "NXdata")
        write_scale(group, "spectrum", np.arange(len(same)), "spectrum", "1", "POINT_CLOUD")
        write_scale(group, "bias", first.bias, "bias", "V", "SPECTRAL")
        data = np.stack([m.spectrum.data[index] for m in same])
        path = write_data(group, data, channel, "POINT_CLOUD", ("spectrum", "bias"))
        places.note(path, data, by_row=True)
        places.note(f"{group.name}/bias", first.bias)
        group.create_group("point_cloud").attrs.update(
            coordinates=[(m.spectrum.x, m.spectrum.y) for m in same],
            spacial_units="m",
            quantity="position",
        )
        _write_about(group, same)


def _write_about(group: "h5py.Group", same: list[Measurement]) -> None:
    """Write what is known of each spectrum of a group: numbers as columns, words as metadata.

    NeXus takes every dataset of an NXdata group for numbers.
    """
    spectra = [m.spectrum for m in same]
    scores = [m.scored for m in same]
    for name, unit in (("x", "m"), ("y", "m"), ("start_time", "s"), ("end_time", "s")):
        write_column(group, "spectrum", name, [getattr(s, name) for s in spectra], unit)
    write_column(group, "spectrum", "number", [m.number for m in same])
    write_column(group, "spectrum", "reward", [s.value if s else math.nan for s in scores])
    for name in dict.fromkeys(name for s in scores if s for name in s.others):
        values = [s.others[name][0] if s and name in s.others else math.nan for s in scores]
        write_column(group, "spectrum", f"reward_by_{name}", values)
    names = (*(str(flag) for flag in QualityFlag), _REJECTED, _DOUBTED)
    write_column(group, "spectrum", "mask", np.array([_mask(m) for m in same], dtype=np.int32))
    group["mask"].attrs.update(
        flag_masks=np.array([1 << bit for bit in range(len(names))], dtype=np.int32),
        flag_meanings=" ".join(name.replace(" ", "_") for name in names),
    )
    group.create_group("metadata").attrs.update(
        flag=[flag_of(m) for m in same],
        reward_unit=[s.unit if s else "" for s in scores],
        scalarizer=[s.scalarizer if s else "" for s in scores],
    )


def flag_of(measurement: Measurement) -> str:
    """Say what is wrong with a spectrum; empty when it is good."""
    flags = [str(flag) for flag in measurement.spectrum.flags]
    if measurement.scored and measurement.scored.flag:
        flags.append(measurement.scored.flag)
    if measurement.doubt:
        flags.append(measurement.doubt)
    return "; ".join(dict.fromkeys(flags))


def _mask(measurement: Measurement) -> int:
    flags = list(QualityFlag)
    mask = sum(1 << flags.index(flag) for flag in set(measurement.spectrum.flags))
    is_rejected = measurement.scored is not None and bool(measurement.scored.flag)
    return mask | is_rejected << len(flags) | bool(measurement.doubt) << (len(flags) + 1)


def write_agent(entry: "h5py.Group", run: RecordedRun, places: Places) -> None:
    """Write what the agent believed, fit after fit, what it chose and why, and what it was told."""
    scored = [m for m in run.measurements if m.scored]
    if not (run.fits or run.decisions or scored):
        return
    agent = new_group(entry, "agent", "NXcollection")
    for number, fit in enumerate(run.fits):
        _write_fit(agent, number, fit, places)
    if run.decisions:
        decisions = new_group(agent, "decisions", "NXcollection")
        write_table(decisions, "decision", run.decisions, _UNITS)
        numbers = {id(m.chosen): m.number for m in run.measurements if m.chosen}
        taken = [numbers.get(id(choice), -1) for choice in run.decisions]
        write_column(decisions, "decision", "spectrum", taken)
    if scored:
        scores = new_group(agent, "scores", "NXcollection")
        write_table(scores, "score", [m.scored for m in scored], _UNITS)
        write_column(scores, "score", "spectrum", [m.number for m in scored])


def _write_fit(agent: "h5py.Group", number: int, fit: ModelFitted, places: Places) -> None:
    group = new_group(agent, f"fit_{number:03d}", "NXcollection")
    group.attrs.update(
        n_observations=fit.n_observations,
        speaker=fit.speaker,
        quantity=fit.quantity,
        parameters=json.dumps(_plain(fit.parameters)),
        frame_center=fit.frame.center,
        frame_size=fit.frame.size,
        frame_pixels=fit.frame.pixels,
        frame_angle=fit.frame.angle,
    )
    maps: dict[str, Array | None] = {
        "mean": fit.mean,
        "deviation": fit.deviation,
        "pixels": fit.rows,
        "bias": fit.bias,
        "noise": fit.noise,
    }
    for name, values in maps.items():
        if values is None:
            continue
        known = places.find(values)
        if known is not None and str(known[0]).startswith(agent.name):  # as the pixels of most fits
            group[name] = group.file[str(known[0])]
        else:
            group.create_dataset(name, data=values, **_PACKED)
            places.note(f"{group.name}/{name}", values)


def _plain(parameters: Mapping[str, float]) -> dict[str, float | str]:
    """Spell what JSON has no number for."""
    return {k: v if math.isfinite(v) else str(v) for k, v in parameters.items()}
